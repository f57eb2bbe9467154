/** @file Writes the summary for people: a headline, facts, and the findings. */

import { formatTable } from '../util/table.js';
import { quote } from './findings.js';
import { visible } from './spans.js';
import type { DoctorSummary, FindingGroup } from './summary.js';

const count = (n: number): string => n.toLocaleString('en-US');
const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
const rows = (n: number): string => `${count(n)} ${n === 1 ? 'row' : 'rows'}`;

/** Writes one line on how many rows have findings. */
export function headline({ rows: all, ok, warnings, errors, every, problems }: DoctorSummary): string {
  const examined = every === 1 ? rows(all) : `${rows(all)}, one in ${every}`;
  const inRows = `${count(ok)} without a finding, ${count(warnings)} with warnings, ${count(errors)} with errors`;
  const inFile = problems.filter((problem) => problem.rows === 0 && problem.severity === 'error');
  const whole = inFile.map(({ code }) => code).join(', ');
  return `${examined}: ${inRows}${whole === '' ? '' : `; an error of the whole file: ${whole}`}`;
}

/** Names the errors, with the number of rows that have each. */
export function errorsOf({ problems }: DoctorSummary): string {
  return problems
    .filter(({ severity }) => severity === 'error')
    .map((group) => `${group.code} (${group.rows === 0 ? 'the whole file' : rows(group.rows)})`)
    .join(', ');
}

/** Lists the facts about a file, each with a label. */
export function facts(summary: DoctorSummary): [label: string, text: string][] {
  const { messages, preference, tokens, lengths, pairs, template, labels } = summary;
  const tokenised = messages + preference;
  const found: [string, string | false][] = [
    ['student', `${summary.model}, layout ${summary.layout}`],
    ['kinds', `${count(preference)} pairs, ${count(messages)} with one response`],
    [
      'tokens',
      `${count(tokens.total)}, of which ${count(tokens.trained)} (${percent(tokens.trained, tokens.total)}) are trained`,
    ],
    [
      'lengths',
      lengths !== null &&
        `from ${count(lengths.shortest)} to ${count(lengths.longest)} tokens; median ${count(lengths.median)}, 95th percentile ${count(lengths.p95)}`,
    ],
    ...summary.limits.map(({ limit, fits, dropped }): [string, string] => [
      `limit ${limit}`,
      `${count(fits)} fit, ${count(dropped)} would be left out`,
    ]),
    ['end token', `trained in ${count(summary.end_trained)} of ${rows(tokenised)}`],
    [
      'generation prompt',
      template.generation_prompt !== null &&
        (template.generation_prompt === '' ? 'none' : JSON.stringify(template.generation_prompt)),
    ],
    [
      'system message',
      template.injected !== null &&
        `the template adds one to rows that have none (${count(tokenised - template.rows_with_system)} of ${count(tokenised)}): ${visible(quote(template.injected))}`,
    ],
    [
      'pairs',
      pairs !== null &&
        `chosen is longer in ${percent(pairs.chosen_longer, preference)}, rejected in ${percent(pairs.rejected_longer, preference)}; ${count(Math.round(pairs.chosen_mean))} and ${count(Math.round(pairs.rejected_mean))} tokens on average`,
    ],
    [
      'labels verified',
      labels.agree + labels.disagree + labels.undecided > 0 &&
        `${count(labels.agree)} agree, ${count(labels.disagree)} disagree, ${count(labels.undecided)} are undecided`,
    ],
    ...summary.evaluation.map(({ set, same, overlapping }): [string, string] => [
      `against ${set}`,
      `${rows(same)} the same, ${count(overlapping)} more with eight words in a row in common`,
    ]),
  ];
  return found.filter((fact): fact is [string, string] => fact[1] !== false);
}

/** Says where findings are: in how many rows, and in which. */
export function place({ rows: many, lines }: FindingGroup): string {
  if (many === 0) return 'the whole file';
  return `${rows(many)}, ${many === 1 ? 'line' : 'lines'} ${lines.join(', ')}${many > lines.length ? ', …' : ''}`;
}

/** Writes the whole summary. */
export function printSummary(summary: DoctorSummary): string {
  const { trained_share: trainedShare, problems } = summary;
  const shares = trainedShare.map((n, tenth) => [`${10 * tenth}–${10 * tenth + 10} %`, n] as const);
  const occurring = shares.filter(([, n]) => n > 0);
  const width = facts(summary).reduce((most, [label]) => Math.max(most, label.length), 0);
  return [
    `${summary.file}: ${headline(summary)}`,
    ...facts(summary).map(([label, text]) => `  ${label.padEnd(width)}  ${text}`),
    '',
    formatTable(['tokens trained', 'responses'], occurring),
    ...problems.flatMap((group) => [
      '',
      `${group.severity} ${group.code}: ${place(group)}`,
      `  ${group.meaning}`,
      `  Here: ${group.detail}.`,
      `  What to do: ${group.advice}`,
    ]),
    '',
  ].join('\n');
}
