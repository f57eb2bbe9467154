/** @file Tables that `benchmark` has left, as a report shows them. */
import { join } from 'node:path';
import { z } from 'zod';
import { problemsOfAverage } from '../../benchmarks/benchmark.js';
import { counted } from '../../util/counted.js';
import { own } from '../../util/own.js';
import type { ResultTable } from '../model.js';
import type { FoundFolder } from './folders.js';
import { readJson } from './json.js';
import { surenessCells } from './sureness.js';

const number = z.number().nullable();
const share = z.number().min(0).max(1).nullable();
const benchmark = z.looseObject({
  tasks: z.array(
    z.looseObject({
      ...{ task: z.string(), grader: z.string(), problems: z.number(), samples: z.number() },
      ...{ cut_off: number, mean_tokens: number, disagreements: z.number() },
      graders: z.record(
        z.string(),
        z.looseObject({
          pass_at_1: share,
          standard_error: number,
          pass_at_k: number.optional(),
          unreadable: number,
        }),
      ),
    }),
  ),
  average: z.looseObject({ pass_at_1: share, standard_error: number, problems: z.number().optional() }),
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
          { name: '95 % from', kind: 'share' },
          { name: 'to', kind: 'share' },
          { name: 'pass@k', kind: 'share' },
          { name: 'cut off', kind: 'share' },
          { name: 'without answer', kind: 'share' },
          { name: 'tokens', kind: 'number' },
        ],
        rows: [
          ...tasks.map(({ task, grader, graders, problems, samples, cut_off, mean_tokens }) => {
            const grade = own(graders, grader);
            return [
              ...[task, grader, problems, samples, grade?.pass_at_1 ?? null],
              ...surenessCells(grade?.pass_at_1 ?? null, grade?.standard_error ?? null, problems),
              ...[grade?.pass_at_k ?? null, cut_off, grade?.unreadable ?? null, mean_tokens],
            ];
          }),
          ...(tasks.length > 1
            ? [
                [
                  'average of the tasks',
                  null,
                  null,
                  null,
                  average.pass_at_1,
                  ...surenessCells(
                    average.pass_at_1,
                    average.standard_error,
                    average.problems ?? problemsOfAverage(tasks),
                  ),
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
