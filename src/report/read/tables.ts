/** @file Tables that `study` and `benchmark` have left, as a report shows them. */
import { join } from 'node:path';
import { z } from 'zod';
import { counted } from '../../util/counted.js';
import { own } from '../../util/own.js';
import type { ResultTable } from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson } from './json.js';

const number = z.number().nullable();
const against = z.looseObject({
  difference: number,
  interval: z.tuple([number, number]),
  adjusted: number,
  seeds: z.array(z.looseObject({ difference: number })),
});
const study = z.looseObject({
  control: z.string(),
  seeds: z.array(z.number()),
  arms: z.array(
    z.looseObject({
      name: z.string(),
      setting: z.number(),
      development: z.array(number),
      steps: number,
      tokens: number,
      compute: number,
    }),
  ),
  tests: z.array(
    z.looseObject({
      ...{ name: z.string(), grader: z.string(), problems: z.number(), seen: z.number() },
      rows: z.array(
        z.looseObject({
          ...{ arm: z.string(), passAt1: number, standardError: number, seeds: z.array(number) },
          ...{ tokens: number, cutOff: number, against: against.optional() },
        }),
      ),
    }),
  ),
});
type Study = z.output<typeof study>;

/** The tables of studies: what each arm took, and every arm on every test against the control. */
export const studyTables = (folders: readonly FoundFolder[]): ResultTable[] =>
  folders.flatMap(({ dir, name }) => {
    const found = readJson(join(dir, 'study.json'), study);
    return found ? [armsTable(name, found), ...found.tests.map((test) => testTable(name, found, test))] : [];
  });

function armsTable(name: string, { control, seeds, arms }: Study): ResultTable {
  const settings = Math.max(0, ...arms.map(({ development }) => development.length));
  return {
    ...{ id: `${name}/arms`, name: `${name}: arms`, command: 'study' },
    caption: `What each arm took, on average over ${counted(seeds.length, 'seed')}; compute is that of ${control} times`,
    notes: settings === 0 ? [] : ['Settings were chosen on the development set, by accuracy.'],
    columns: [
      { name: 'arm', kind: 'text' },
      { name: 'steps', kind: 'number' },
      { name: 'tokens', kind: 'number' },
      { name: 'compute', kind: 'number' },
      { name: 'setting', kind: 'number' },
      ...Array.from({ length: settings }, (_, i) => ({
        name: `development, setting ${i + 1}`,
        kind: 'share' as const,
      })),
    ],
    rows: arms.map((arm) => [
      ...[arm.name, arm.steps, arm.tokens, arm.compute, arm.setting],
      ...Array.from({ length: settings }, (_, i) => arm.development[i] ?? null),
    ]),
  };
}

function testTable(
  study: string,
  { control, seeds }: Study,
  { name, grader, problems, seen, rows }: Study['tests'][number],
): ResultTable {
  return {
    ...{ id: `${study}/${name}`, name: `${study}: ${name}`, command: 'study' },
    caption: `${counted(problems, 'problem')} of ${name}, graded by ${grader}; differences are from ${control}, p-values are by Holm over the arms`,
    notes: [
      seeds.length === 1
        ? 'One seed: another moves these numbers.'
        : `${seeds.length} seeds; intervals are the wider of the problems’ and the seeds’.`,
      ...(seen > 0 ? [`${counted(seen, 'problem')} more had been seen before and do not count.`] : []),
    ],
    columns: [
      { name: 'arm', kind: 'text' },
      { name: 'pass@1', kind: 'share' },
      { name: 'standard error', kind: 'share' },
      ...seeds.map((seed) => ({ name: `seed ${seed}`, kind: 'share' as const })),
      { name: 'difference', kind: 'difference' },
      { name: '95 % from', kind: 'difference' },
      { name: 'to', kind: 'difference' },
      { name: 'p', kind: 'chance' },
      { name: 'tokens', kind: 'number' },
      { name: 'cut off', kind: 'share' },
    ],
    rows: rows.map((row) => [
      ...[row.arm, row.passAt1, row.standardError, ...seeds.map((_, i) => row.seeds[i] ?? null)],
      ...[
        row.against?.difference ?? null,
        ...(row.against?.interval ?? [null, null]),
        row.against?.adjusted ?? null,
      ],
      ...[row.tokens, row.cutOff],
    ]),
  };
}

const benchmark = z.looseObject({
  tasks: z.array(
    z.looseObject({
      ...{ task: z.string(), grader: z.string(), problems: z.number(), samples: z.number() },
      ...{ cut_off: number, mean_tokens: number, disagreements: z.number() },
      graders: z.record(
        z.string(),
        z.looseObject({
          pass_at_1: number,
          standard_error: number,
          pass_at_k: number.optional(),
          unreadable: number,
        }),
      ),
    }),
  ),
  average: z.object({ pass_at_1: number, standard_error: number }),
});

/** The tables of benchmarks: a row a task. */
export const benchmarkTables = (folders: readonly FoundFolder[]): ResultTable[] =>
  folders.flatMap(({ dir, name, record }) => {
    const found = readJson(join(dir, 'benchmarks.json'), benchmark);
    if (!found) return [];
    const { tasks, average } = found;
    const disagreements = tasks.reduce((sum, task) => sum + task.disagreements, 0);
    return [
      {
        ...{ id: name, name, command: 'benchmark' },
        caption: `${counted(tasks.length, 'task')}${typeof record.model === 'string' ? ` of ${record.model}` : ''}${typeof record.protocol === 'string' ? `, protocol ${record.protocol}` : ''}`,
        notes: disagreements > 0 ? [`Graders disagree about ${counted(disagreements, 'response')}.`] : [],
        columns: [
          { name: 'task', kind: 'text' },
          { name: 'grader', kind: 'text' },
          { name: 'problems', kind: 'number' },
          { name: 'samples', kind: 'number' },
          { name: 'pass@1', kind: 'share' },
          { name: 'standard error', kind: 'share' },
          { name: 'pass@k', kind: 'share' },
          { name: 'cut off', kind: 'share' },
          { name: 'without answer', kind: 'share' },
          { name: 'tokens', kind: 'number' },
        ],
        rows: [
          ...tasks.map(({ task, grader, graders, problems, samples, cut_off, mean_tokens }) => {
            const grade = own(graders, grader);
            return [
              ...[task, grader, problems, samples, grade?.pass_at_1 ?? null, grade?.standard_error ?? null],
              ...[grade?.pass_at_k ?? null, cut_off, grade?.unreadable ?? null, mean_tokens],
            ];
          }),
          ...(tasks.length > 1
            ? [
                [
                  'average of the tasks',
                  '',
                  null,
                  null,
                  average.pass_at_1,
                  average.standard_error,
                  null,
                  null,
                  null,
                  null,
                ],
              ]
            : []),
        ],
      },
    ];
  });
