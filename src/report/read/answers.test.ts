import { expect, it } from 'vitest';
import { disagreementsIn } from '../../../test/support/grammar.js';
import { SMALL, syntheticReport } from '../../../test/support/syntheticReport.js';
import type { ComparisonTable, Report, TrainingRun } from '../model.js';
import { answersOf } from './answers.js';

const whole = syntheticReport(SMALL).report;
const nothing = { runs: [], evaluations: [], comparisons: [], stages: [] };
const answers = (parts: Partial<Report>): Record<string, string> =>
  Object.fromEntries(
    answersOf({ ...nothing, ...parts }).map(({ question, sentences }) => [question, sentences.join(' ')]),
  );

/** Two steps of 100 and 300 tokens, at 50 and 100 tokens a second: five seconds. */
const run = (more: Partial<TrainingRun> = {}): TrainingRun => ({
  ...whole.runs[0]!,
  ...{ name: 'redi', group: 'redi', objective: 'redi', seed: 1, finished: true, alerts: [] },
  settings: { model: 'runs/x/student', data: 'runs/x/own/pref.jsonl' },
  steps: { done: 2, planned: 2 },
  curves: {
    ...{ steps: [1, 2], bucket: 1 },
    series: [
      { name: 'num_tokens', mean: [100, 400] },
      { name: 'tokens_per_second', mean: [50, 100] },
      { name: 'peak_memory_bytes', mean: [2e9, 3e9] },
    ],
  },
  ...more,
});
const compared = (more: Partial<ComparisonTable>): ComparisonTable => ({
  ...whole.comparisons[0]!,
  ...{ before: 'a', after: 'b', warnings: [], verdict: 'So it is.' },
  ...more,
});
const row = (lost: number, detectableEffect: number | null) => ({
  ...whole.comparisons[0]!.rows[0]!,
  ...{ lost, detectableEffect },
});

it('answers every question in a sentence, of a report with everything and of one with nothing', () => {
  for (const parts of [whole, nothing])
    for (const { question, sentences } of answersOf(parts)) {
      expect(sentences.length, question).toBeGreaterThan(0);
      for (const sentence of sentences) expect(sentence, question).toMatch(/^.{8,}\.$/s);
    }
});

it('says what was trained on what, and what that cost', () => {
  expect(answers({ runs: [run()] })).toMatchObject({
    'What was done?': 'redi trained x/student on own/pref.jsonl by redi for 2 steps (400 tokens).',
    'On what?': 'Trained on own/pref.jsonl.',
    'What did it cost, and what went wrong?':
      'Training: 400 tokens in about 0:05 of steps, with at most 3 GB of memory. Nothing went wrong that the files tell of.',
  });
});

it('claims no time where a speed is missing', () => {
  const series = [{ name: 'num_tokens', mean: [100, 400] }];
  const { 'What did it cost, and what went wrong?': cost } = answers({
    runs: [run({ curves: { steps: [1, 2], bucket: 1, series } })],
  });
  expect(cost).toMatch(/^Training: 400 tokens\. /);
});

it('takes the sentinel’s last sentence, and says what helps against a collapse', () => {
  const sick = run({ alerts: [{ step: 9, sentence: 'collapse: the chosen side fell' }] });
  expect(answers({ runs: [sick] })).toMatchObject({
    'What did it cost, and what went wrong?': expect.stringContaining(
      'The sentinel on redi: collapse: the chosen side fell.',
    ) as string,
    'What next?': expect.stringContaining('Train redi again with a lower learning rate') as string,
  });
  const well = run({
    alerts: [...sick.alerts, { step: 12, sentence: 'healthy: it came back' }],
  });
  expect(JSON.stringify(answers({ runs: [well] }))).not.toMatch(/sentinel|learning rate/);
});

it('sends on what stopped, and tells which side to keep', () => {
  const next = (parts: Partial<Report>) => answers(parts)['What next?'];
  expect(next({ runs: [run({ finished: false })] })).toMatch(/^“redistill train --resume” goes on/);
  const { evaluations } = whole;
  const of = (more: Partial<ComparisonTable>) => next({ evaluations, comparisons: [compared(more)] });
  expect(of({ finding: 'better', rows: [row(3, 0.02)] })).toBe(
    'Train b with other seeds: one run is one draw. Look at what was lost: 3 problems under Comparison.',
  );
  expect(of({ finding: 'worse', rows: [row(0, 0.02)] })).toBe('Keep a.');
  expect(of({ finding: 'unclear', rows: [row(0, 0.09)] })).toBe(
    'A smaller difference than the 9.0 points that this one sees takes more problems, samples or seeds: “redistill plan” says how many.',
  );
});

it('names A and B where the verdict speaks of them', () => {
  const { evaluations } = whole;
  const sure = (verdict: string) =>
    answers({ evaluations, comparisons: [compared({ verdict })] })['How sure is that?'];
  expect(sure('B is better than A: +1.0 points.')).toBe('A is a, B is b: B is better than A: +1.0 points.');
  expect(sure('b is better than a: +1.0 points.')).toBe('b is better than a: +1.0 points.');
});

it('says which evaluations were cut off', () => {
  const [set] = whole.evaluations;
  const columns = set!.columns.map((column, i) => ({
    ...column,
    name: `c${i}`,
    responses: 100,
    cutOff: 9 + i,
  }));
  const { 'What did it cost, and what went wrong?': wrong } = answers({
    evaluations: [{ ...set!, columns }],
  });
  expect(wrong).toMatch(
    /^Evaluation: [\d,]+ tokens of responses\. Many responses were cut off: c1 \(10 %\), c2 \(11 %\)\.$/,
  );
});

it('has words in the number of what they say: one run stands, two stand', () => {
  expect(disagreementsIn('1 other run stand; 1 rows; 2 row; 1 of 3 rows are')).toHaveLength(4);
  expect(disagreementsIn('1 other run stands; 1 row; 2 rows; 1 of 3 rows is; +2.1 points')).toEqual([]);
  const [set] = whole.evaluations;
  const [column] = set!.columns;
  const columns = (n: number) =>
    Array.from({ length: n }, (_, i) => ({ ...column!, id: `c${i}`, name: `c${i}` }));
  const sets = (n: number) => Array.from({ length: n }, () => ({ ...set!, columns: columns(1) }));
  for (const runs of [1, 2, 6, 7, 8])
    for (const evaluations of [[], sets(1), sets(2), sets(5), sets(6), [{ ...set!, columns: columns(2) }]])
      for (const many of [0, 1, 4, 5, 6]) {
        const said = answers({
          runs: Array.from({ length: runs }, (_, i) =>
            run({ name: `r${i}`, group: `r${i}`, steps: { done: 1, planned: 1 } }),
          ),
          evaluations,
          comparisons: Array.from({ length: many }, () =>
            compared({ warnings: ['w'], rows: [row(1, null)] }),
          ),
        });
        expect(disagreementsIn(JSON.stringify(said))).toEqual([]);
      }
  const more = (runs: number) =>
    answers({ runs: Array.from({ length: runs }, (_, i) => run({ name: `r${i}`, group: `r${i}` })) })[
      'What was done?'
    ];
  expect(more(7)).toMatch(/1 other run stands under Training\.$/);
  expect(more(8)).toMatch(/2 other runs stand under Training\.$/);
});

it('says how many evaluations there are that nothing was compared with', () => {
  const [set] = whole.evaluations;
  const [column, other] = set!.columns;
  const sure = (evaluations: Report['evaluations']) => answers({ evaluations })['How sure is that?'];
  expect(sure([{ ...set!, columns: [column!] }])).toMatch(/there is one evaluation\./);
  expect(
    sure([
      { ...set!, columns: [column!] },
      { ...set!, columns: [other!] },
    ]),
  ).toBe('Nothing is compared: the 2 evaluations are of different problems.');
  expect(sure([{ ...set!, columns: [column!, other!] }])).toMatch(/asked, sampled or graded differently\.$/);
});

it('tells what each evaluation gained by a grader that has graded it', () => {
  const [set] = whole.evaluations;
  const [column] = set!.columns;
  const [grade] = Object.values(column!.grades);
  const of = (name: string, ...graders: string[]) => ({
    ...{ ...column!, id: name, name },
    grades: Object.fromEntries(
      graders.map((grader) => [grader, { ...grade!, passAt1: 0.5, standardError: 0.05 }]),
    ),
  });
  const graders = ['verify', 'constructor'];
  const columns = [of('a', ...graders), of('b', 'constructor'), of('c', 'verify'), of('d')];
  const gained = answers({ evaluations: [{ ...set!, name: 'set', graders, columns }] })['What did it gain?'];
  expect(gained).toBe(
    'pass@1 on 120 problems of set, graded by verify: a 50.0 % ± 5.0 %; c 50.0 % ± 5.0 %. ' +
      'pass@1 on 120 problems of set, graded by constructor: b 50.0 % ± 5.0 %.',
  );
});
