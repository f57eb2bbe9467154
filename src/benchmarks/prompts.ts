/** @file Several prompts of a task: each is asked like a task of its own, and what they have in common is told apart from what they differ in. */
import { basename } from 'node:path';
import type { EvaluationResults } from '../evaluate/summary.js';
import { shareInPoints } from '../evaluate/words.js';
import { estimate } from '../statistics/estimators.js';
import { counted } from '../util/counted.js';
import type { Task } from './tasks.js';

/** Tasks with each of their prompts, one after the other. @param prompts files that take the place of the tasks' own prompts */
export const withPrompts = (tasks: readonly Task[], prompts?: readonly string[]): Task[] =>
  tasks.flatMap((task) => {
    const each = prompts ?? task.prompts;
    if (each === undefined) return [task];
    return each.map((prompt) => {
      const settings: Record<string, unknown> = { ...task.settings, prompt };
      delete settings.instruction;
      delete settings.system;
      const name = `${task.name}-${nameOf(prompt)}`;
      return { ...task, name, base: task.name, settings };
    });
  });

/** The name of a prompt's file as the end of a stage's name. */
const nameOf = (path: string): string =>
  basename(path)
    .replace(/\.ya?ml$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');

/** One task over all its prompts, by the first grader. */
export interface OverPrompts {
  task: string;
  prompts: number;
  problems: number;
  /** The mean over prompts, and its error over problems: a problem counts as one, however many prompts ask for it. */
  pass_at_1: number;
  standard_error: number | null;
  /** Of the worst prompt and of the best one. */
  range: [number, number];
}

/** @param results of the task with each prompt; the problems are the same */
export function overPrompts(task: string, results: readonly EvaluationResults[]): OverPrompts {
  const rates = results.map(({ graders }) => {
    const [first] = graders.values();
    return new Map(first!.results.map(({ id, correct, samples }) => [id, correct / samples]));
  });
  const means = rates.map((rate) => estimate([...rate.values()]).mean);
  const ids = [...rates[0]!.keys()];
  const { mean, standardError } = estimate(
    ids.map((id) => rates.reduce((sum, rate) => sum + rate.get(id)!, 0) / rates.length),
  );
  return {
    ...{ task, prompts: results.length, problems: ids.length, pass_at_1: mean },
    standard_error: Number.isNaN(standardError) ? null : standardError,
    range: [Math.min(...means), Math.max(...means)],
  };
}

/** "svamp over 3 prompts: 41.2 ± 2.0, from 38.0 to 44.5 by prompt". */
export const describeOverPrompts = ({ task, prompts, ...shares }: OverPrompts): string =>
  `${task} over ${counted(prompts, 'prompt')}: ${shareInPoints(shares.pass_at_1, shares.standard_error, shares.problems)}, ` +
  `from ${shares.range.map((share) => (100 * share).toFixed(1)).join(' to ')} by prompt`;
