/** @file Several prompts of a task: each is asked like a task of its own, and what they have in common is told apart from what they differ in. */
import { basename } from 'node:path';
import type { EvaluationResults } from '../evaluate/summary.js';
import { shareInPoints } from '../evaluate/words.js';
import { estimate } from '../statistics/estimators.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { protocols, type ProtocolName, type Task } from './tasks.js';

/** What is asked besides what tasks say; all of it goes before them. */
export interface AskedOtherwise {
  /** Files that take the place of the tasks' own prompts, and of a protocol's instruction. */
  prompts?: readonly string[] | undefined;
  protocol?: ProtocolName | undefined;
  /** Keys of the stage `evaluate`. */
  given?: Readonly<Record<string, unknown>>;
}

const WORDS = ['prompt', 'instruction', 'system'] as const;

/**
 * Tasks with each of their prompts, one after the other. What a protocol or a flag says goes before a task's own prompts, so that the task
 * is then asked once.
 * @throws UserError where prompts are given and words beside them, and where two prompts would be one row
 */
export function withPrompts(
  tasks: readonly Task[],
  { prompts, protocol, given = {} }: AskedOtherwise = {},
): Task[] {
  if (prompts?.length === 0) throw new UserError('"prompts" names no file: name prompt files with commas.');
  const word = WORDS.find((key) => given[key] !== undefined);
  if (prompts && word !== undefined)
    throw new UserError(`"prompts" say what is asked, so there is no "${word}" beside them: leave one out.`);
  const isAsked = word !== undefined || (protocol !== undefined && 'instruction' in protocols[protocol]);
  const taken = new Map<string, string>();
  const bases = new Set<string>();
  return tasks.flatMap((task) => {
    const each = prompts ?? (isAsked ? undefined : task.prompts);
    if (bases.has(task.name)) throw new UserError(`there are two tasks named "${task.name}".`);
    bases.add(task.name);
    if (each === undefined) return [task];
    return each.map((prompt) => {
      const name = `${task.name}-${nameOf(prompt)}`;
      const other = taken.get(name);
      if (other !== undefined)
        throw new UserError(
          other === prompt
            ? `${prompt} is named twice among the prompts of ${task.name}: name it once.`
            : `${other} and ${prompt} would both be the row ${name}: give one of the files another name.`,
        );
      taken.set(name, prompt);
      const settings: Record<string, unknown> = { ...task.settings, prompt };
      delete settings.instruction;
      delete settings.system;
      return { ...task, name, base: task.name, settings, ...(prompts && { given: { prompt } }) };
    });
  });
}

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
