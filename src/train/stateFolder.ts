/** @file Finds the folders of training states. Reads no tensors. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The files of a state; the second, which describes the first, is written when that is whole. */
export const TENSORS = 'state.safetensors';
export const DESCRIPTION = 'state.json';
export const stateFiles = [TENSORS, DESCRIPTION] as const;

/** The account of a run that is done. */
export const FINISHED = 'finished.json';

/** The folder of a run in which its states are. */
export const statesOf = (run: string): string => join(run, 'states');

/** The folder of a run in which the weights of its steps are. */
export const checkpointsOf = (run: string): string => join(run, 'checkpoints');

/** The folders `step-N` in a folder with their steps, the newest first. */
export function stepFolders(folder: string): { step: number; path: string }[] {
  return (existsSync(folder) ? readdirSync(folder) : [])
    .map((name) => ({ step: Number(/^step-([1-9]\d*)$/.exec(name)?.[1]), path: join(folder, name) }))
    .filter(({ step }) => !Number.isNaN(step))
    .sort((a, b) => b.step - a.step);
}

/**
 * The state that a path means: its own folder, or the newest one of a run, of the run's `states`, or of the run whose model it
 * is, the last or the best. Undefined where there is none.
 */
export function stateAt(path: string): string | undefined {
  if (existsSync(join(path, DESCRIPTION))) return path;
  const run = ['model', 'best'].includes(basename(path)) ? dirname(path) : path;
  return [path, statesOf(run)].flatMap(stepFolders)[0]?.path;
}

/** The run that a state in its folder is of. */
export const runOf = (state: string): string => dirname(dirname(state));

/** What is read where a recipe names a state. */
export function inputsOfState(path: string): string[] {
  const state = stateAt(path);
  return state === undefined || state === path ? [path] : [path, state];
}
