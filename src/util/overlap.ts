/** @file Keeps outputs off inputs: no command writes over what it reads. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, relative, resolve } from 'node:path';
import { UserError } from './errors.js';

/**
 * Refuses a file of results that is an input, or lies among the files of one that is a folder (a model's, say).
 * @param outputs the files that a command is about to write
 * @param inputs files and folders that it reads, whether they exist or not
 * @throws UserError naming both
 */
export function refuseOverInputs(outputs: readonly string[], inputs: readonly string[]): void {
  for (const [i, output] of outputs.entries()) {
    const twice = outputs.slice(i + 1).find((other) => isSame(output, other) && !isStream(output));
    if (twice !== undefined) throw new UserError(`${output} is to be written twice: name different files.`);
    const input = inputs.find((path) => isSame(output, path) || isFileWithin(output, path));
    if (input === undefined || isStream(output)) continue;
    const what = isSame(output, input)
      ? 'is read by this command'
      : `belongs to ${input}, which this command reads`;
    throw new UserError(`${output} ${what} and would be overwritten: name another place for the result.`);
  }
}

/**
 * Refuses a folder of results that is an input itself, or whose files are inputs.
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

/** Whether the path is one of the files of an existing folder. */
function isFileWithin(path: string, folder: string): boolean {
  if (!statOf(folder)?.isDirectory() || !statOf(path)?.isFile()) return false;
  const within = relative(realPathOf(folder), realPathOf(path));
  if (within !== '' && !within.startsWith('..')) return true;
  // A model's folder may be one of links.
  return readdirSync(folder).some((name) => isSame(join(folder, name), path));
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
