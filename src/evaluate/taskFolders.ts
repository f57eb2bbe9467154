/** @file Where the evaluations of a benchmark's tasks are, so that two benchmarks can be compared task by task. */
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { recordOf } from '../util/ownFolder.js';

/** The folder of the tasks' evaluations within that of a benchmark. */
export const TASKS = 'tasks';

/** Evaluations of one benchmark: a folder a seed, before and after. */
export interface ComparedPair {
  /** Default: that of the data. */
  name?: string;
  before: readonly string[];
  after: readonly string[];
}

/**
 * Puts the tasks in the place of a pair of benchmarks; a pair of evaluations stays as it is.
 * @throws UserError where one side has tasks that the other one has not
 */
export function pairsOfTasks(pair: ComparedPair): ComparedPair[] {
  const tasks = [...pair.before, ...pair.after].map((dir) => [dir, tasksOf(dir)] as const);
  const known = tasks.filter(([, names]) => names !== undefined);
  const [first] = known;
  if (!first) return [pair];
  for (const [dir, names] of tasks) {
    if (!names)
      throw new UserError(
        `${first[0]} is a benchmark and ${dir} is none: compare it with a benchmark, or its tasks by their folders.`,
      );
    for (const [one, other] of [
      [first, [dir, names]],
      [[dir, names], first],
    ] as const) {
      const lacking = one[1]!.find((name) => !other[1]!.includes(name));
      if (lacking !== undefined)
        throw new UserError(
          `The task "${lacking}" is in ${one[0]} but not in ${other[0]}: compare those of both by their folders, such as ${join(one[0], TASKS, 'NAME')}.`,
        );
    }
  }
  const of = (dirs: readonly string[], task: string) => dirs.map((dir) => join(dir, TASKS, task));
  return first[1]!.map((name) => ({ name, before: of(pair.before, name), after: of(pair.after, name) }));
}

const benchmarkRecord = z.object({ command: z.literal('benchmark'), tasks: z.array(z.string()).min(1) });

/** The names of the tasks of a benchmark in a folder; undefined where it holds none. */
const tasksOf = (dir: string): string[] | undefined => benchmarkRecord.safeParse(recordOf(dir)).data?.tasks;
