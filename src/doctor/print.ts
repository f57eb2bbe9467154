import { formatTable } from '../util/table.js';
import { visible } from './spans.js';
import { quote } from './specimen.js';
import type { DoctorSummary, Problem } from './summary.js';

const count = (n: number): string => n.toLocaleString('en-US');
const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
const rows = (n: number): string => `${count(n)} ${n === 1 ? 'row' : 'rows'}`;

/** One line: how the rows are. */
export function headline({ rows: all, ok, warnings, errors, every }: DoctorSummary): string {
  const looked = every === 1 ? rows(all) : `${rows(all)}, one of every ${every}`;
  return `${looked}: ${count(ok)} without a finding, ${count(warnings)} with warnings, ${count(errors)} with errors`;
}

/** The facts about a file, a label and a text each. */
export function facts(summary: DoctorSummary): [label: string, text: string][] {
  const { messages, preference, tokens, lengths, pairs, template, labels } = summary;
  const tokenised = messages + preference;
  const found: [string, string | false][] = [
    ['student', `${summary.model}, layout ${summary.layout}`],
    ['kinds', `${count(preference)} pairs, ${count(messages)} of one answer`],
    [
      'tokens',
      `${count(tokens.total)}, of which ${count(tokens.trained)} (${percent(tokens.trained, tokens.total)}) are trained`,
    ],
    [
      'lengths',
      lengths !== null &&
        `from ${count(lengths.shortest)} to ${count(lengths.longest)} tokens, half up to ${count(lengths.median)}, 95 % up to ${count(lengths.p95)}`,
    ],
    ...summary.limits.map(({ limit, fits, dropped }): [string, string] => [
      `limit ${limit}`,
      `${count(fits)} fit, ${count(dropped)} would be left out`,
    ]),
    ['end token', `trained in ${count(summary.endTrained)} of ${rows(tokenised)}`],
    [
      'generation prompt',
      template.generationPrompt !== null &&
        (template.generationPrompt === '' ? 'none' : JSON.stringify(template.generationPrompt)),
    ],
    [
      'system message',
      template.injected !== null &&
        `the template puts one before rows that have none (${count(tokenised - template.rowsWithSystem)} of ${count(tokenised)}): ${visible(quote(template.injected))}`,
    ],
    [
      'pairs',
      pairs !== null &&
        `chosen is longer in ${percent(pairs.chosenLonger, preference)}, rejected in ${percent(pairs.rejectedLonger, preference)}; ${count(Math.round(pairs.chosenMean))} and ${count(Math.round(pairs.rejectedMean))} tokens on average`,
    ],
    [
      'labels verified',
      labels.agree + labels.disagree + labels.undecided > 0 &&
        `${count(labels.agree)} agree, ${count(labels.disagree)} do not, ${count(labels.undecided)} cannot be told`,
    ],
    ...summary.evaluation.map(({ set, same, overlapping }): [string, string] => [
      `against ${set}`,
      `${rows(same)} the same, ${count(overlapping)} more with eight words in a row`,
    ]),
  ];
  return found.filter((fact): fact is [string, string] => fact[1] !== false);
}

/** Where a problem is: how many rows and which. */
export function place({ rows: many, lines }: Problem): string {
  if (many === 0) return 'the whole file';
  return `${rows(many)}, ${many === 1 ? 'line' : 'lines'} ${lines.join(', ')}${many > lines.length ? ', …' : ''}`;
}

/** The summary for people. */
export function printSummary(summary: DoctorSummary): string {
  const { trainedShare, problems } = summary;
  const shares = trainedShare.map((n, tenth) => [`${10 * tenth}–${10 * tenth + 10} %`, n] as const);
  const inhabited = shares.filter(([, n]) => n > 0);
  const width = facts(summary).reduce((most, [label]) => Math.max(most, label.length), 0);
  return [
    `${summary.file}: ${headline(summary)}`,
    ...facts(summary).map(([label, text]) => `  ${label.padEnd(width)}  ${text}`),
    '',
    formatTable(['tokens trained', 'answers'], inhabited),
    ...problems.flatMap((problem) => [
      '',
      `${problem.severity} ${problem.code}: ${place(problem)}`,
      `  ${problem.meaning}`,
      `  Here: ${problem.detail}.`,
      `  What to do: ${problem.advice}`,
    ]),
    '',
  ].join('\n');
}
