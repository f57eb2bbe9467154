/** @file Keeps outputs off inputs: no command writes over what it reads. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, relative, resolve } from 'node:path';
import { UserError } from './errors.js';

/**
 * Refuses a file of results that is an input, or lies in one that is a folder (a model's, say): what is read stays as it
 * is, since a resumed run and a pipeline know it by its digest.
 * @param outputs the files that a command is about to write
 * @param inputs files and folders that it reads, whether they exist or not
 * @throws UserError naming both
 */
export function refuseOverInputs(outputs: readonly string[], inputs: readonly string[]): void {
  for (const [i, output] of outputs.entries()) {
    const twice = outputs.slice(i + 1).find((other) => isSame(output, other) && !isStream(output));
    if (twice !== undefined) throw new UserError(`${output} is to be written twice: name different files.`);
    if (isStream(output)) continue;
    const input = inputs.find((path) => isSame(output, path) || isWithin(output, path));
    if (input === undefined) continue;
    const what = isSame(output, input)
      ? 'is read by this command'
      : `belongs to ${input}, which this command reads`;
    throw new UserError(
      statOf(output)
        ? `${output} ${what} and would be overwritten: name another place for the result.`
        : `${output} would be added to ${input}, which this command reads: name another place for the result.`,
    );
  }
}

/**
 * Refuses a folder of results that is an input itself, lies in one, or whose files are inputs.
 * @param writes the files and folders at its top that the command may write or remove
 */
export function refuseFolderOverInputs(
  folder: string,
  writes: readonly string[],
  inputs: readonly string[],
): void {
  const out = realPathOf(folder);
  const whole = normalize(folder); // which is where `join` puts its files
  const tops = new Set(writes.map((path) => path.split('/')[0]!));
  for (const input of inputs) {
    if (!statSync(input, { throwIfNoEntry: false })) continue;
    if (isSame(whole, input))
      throw new UserError(`${folder} is read by this command: name another folder for the result.`);
    if (isWithin(whole, input))
      throw new UserError(
        `${folder} lies in ${input}, which this command reads: name another folder for the result.`,
      );
    const within = relative(out, realPathOf(input)).split(/[\\/]/)[0]!;
    const same = [...tops].map((name) => join(folder, name)).find((path) => isSame(path, input));
    if (!tops.has(within) && same === undefined) continue;
    throw new UserError(
      `${input} is read by this command, which would write over it in ${folder}: name another folder for the result.`,
    );
  }
}

/** Whether two paths are the same file or folder, by links, hard links or spelling. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statOf(path));
  if (a && b) return a.dev === b.dev && a.ino === b.ino;
  return a === b && realPathOf(one) === realPathOf(other);
}

/** Whether the path is a file of an existing folder, or would be added to one that is a whole: a model, a result of ours. */
function isWithin(path: string, folder: string): boolean {
  if (!statOf(folder)?.isDirectory()) return false;
  const isFile = statOf(path)?.isFile() === true;
  const isWhole = ['config.json', 'redistill.json'].some((name) => statOf(join(folder, name)) !== undefined);
  if (!isFile && !isWhole) return false;
  const [first] = relative(realPathOf(folder), realPathOf(path)).split(/[\\/]/);
  if (first !== '' && first !== '..') return true;
  // A model's folder may be one of links.
  return isFile && readdirSync(folder).some((name) => isSame(join(folder, name), path));
}

/** Devices and pipes lose nothing by being written to. */
function isStream(path: string): boolean {
  const stats = statOf(path);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // whoever opens it is told why
  }
}

/** The path without links, as far as it exists. */
function realPathOf(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return whole === dirname(whole) ? whole : join(realPathOf(dirname(whole)), basename(whole));
  }
}
