/** @file A report as text, for a terminal. */
import { chance, points, shareInPoints, signed } from '../evaluate/words.js';
import { own } from '../util/own.js';
import { inLine } from '../util/printable.js';
import { sparkline } from '../util/sparkline.js';
import { formatTable } from '../util/table.js';
import type {
  AnsweredQuestion,
  ComparisonTable,
  EvaluationSet,
  Report,
  ResultTable,
  StageBox,
  TrainingRun,
} from './model.js';

/** Curves that a terminal shows, by their names in metrics.jsonl. */
const CURVES: Readonly<Record<string, string>> = {
  loss: 'loss',
  'logps/chosen_per_token': 'log-prob a token, chosen',
  'logps/rejected_per_token': 'log-prob a token, rejected',
  grad_norm: 'gradient norm',
};
/** Characters of names, and of sentences, at most. */
const [NAME, SENTENCE] = [48, 2_000];

/** All of a report but texts of problems, without a final newline. What is of data stands in one line each. */
export function reportAsText(report: Report): string {
  const { title, answers, notes = [], stages, runs, evaluations, comparisons, tables = [] } = report;
  const parts = [
    [inLine(title), ...answers.flatMap(answerAsText)].join('\n'),
    notes.map((note) => inLine(note, SENTENCE)).join('\n'),
    stages.length === 0 ? '' : stagesAsText(stages),
    runs.length === 0 ? '' : runsAsText(runs),
    ...evaluations.map(evaluationsAsText),
    comparisons.length === 0 ? '' : comparisonsAsText(comparisons),
    ...tables.map(tableAsText),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** A question, and its sentences under it. */
const answerAsText = ({ question, sentences }: AnsweredQuestion): string[] => [
  '',
  inLine(question, NAME),
  ...sentences.map((sentence) => `  ${inLine(sentence, SENTENCE)}`),
];

const stagesAsText = (stages: readonly StageBox[]): string =>
  formatTable(
    ['stage', 'kind', '', 'counts'],
    stages.map(({ name, of, kind, state, counts }) => [
      ...[
        inLine(of === undefined ? name : `${of}/${name}`, NAME),
        inLine(kind, NAME),
        state === 'done' ? '' : state,
      ],
      counts.map((count) => `${inLine(count.name, NAME)} ${count.value.toLocaleString('en')}`).join(', '),
    ]),
  ).trimEnd();

const runsAsText = (runs: readonly TrainingRun[]): string =>
  formatTable(
    ['run', 'curve', 'first', '', 'last'],
    runs.flatMap(({ name, curves, last, alerts }) => [
      ...Object.entries(CURVES).flatMap(([key, label]) => {
        const series = curves.series.find((one) => one.name === key);
        if (!series) return [];
        return [
          [
            inLine(name, NAME),
            label,
            shown(series.mean[0]),
            sparkline(series.mean),
            shown(own(last, key) ?? series.mean.at(-1)),
          ],
        ];
      }),
      ...alerts.map(({ step, sentence }) => [
        inLine(name, NAME),
        `step ${step}`,
        '',
        inLine(sentence, 80),
        '',
      ]),
    ]),
  ).trimEnd();

const shown = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : String(Number(value.toPrecision(4))).replace('-', '−');

const comparisonsAsText = (comparisons: readonly ComparisonTable[]): string =>
  formatTable(
    [
      'before',
      'after',
      'problems of',
      'by',
      'before %',
      'after %',
      'difference',
      '95 % interval',
      'p adjusted',
    ],
    comparisons.flatMap(({ before, after, rows }) =>
      rows.map((row) => [
        ...[before, after, row.name, row.grader].map((name) => inLine(name, NAME)),
        ...[points(row.before), points(row.after), signed(row.difference)],
        row.interval ? row.interval.map(signed).join(' to ') : 'not known',
        chance(row.adjusted),
      ]),
    ),
  ).trimEnd();

/** Cells of a table by the kind of their column. */
const CELLS: Readonly<Record<ResultTable['columns'][number]['kind'], (value: number) => string>> = {
  text: String,
  number: (value) => value.toLocaleString('en', { maximumFractionDigits: 2 }),
  share: points,
  difference: signed,
  chance,
};

const tableAsText = ({ caption, columns, rows, notes }: ResultTable): string =>
  [
    inLine(caption, SENTENCE),
    formatTable(
      columns.map(({ name, kind }) => `${inLine(name, NAME)}${kind === 'share' ? ' %' : ''}`),
      rows.map((row) =>
        columns.map(({ kind }, i) => {
          const value = row[i] ?? '';
          return typeof value === 'number' ? CELLS[kind](value) : inLine(value, NAME);
        }),
      ),
    ).trimEnd(),
    ...notes.map((note) => inLine(note, SENTENCE)),
  ].join('\n');

function evaluationsAsText({ name, columns, graders, problems }: EvaluationSet): string {
  const heading = [
    inLine(name, NAME),
    'samples',
    ...graders.map((grader) => `pass@1 %, ${inLine(grader, NAME)}`),
    'cut off %',
    'tokens',
  ];
  const rows = columns.map(({ name: who, samples, responses, grades, cutOff, meanTokens }) => [
    ...[inLine(who, NAME), samples],
    ...graders.map((grader) => {
      const grade = own(grades, grader);
      return grade ? shareInPoints(grade.passAt1, grade.standardError, problems.ids.length) : '';
    }),
    ...[(100 * (cutOff / responses)).toFixed(1), meanTokens.toFixed(0)],
  ]);
  return formatTable(heading, rows).trimEnd();
}
