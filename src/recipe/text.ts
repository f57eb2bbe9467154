/** @file Reads the text of a recipe: a file or what is piped in, never without a bound. */
import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, UserError } from '../util/errors.js';

/** A recipe has a few kilobytes; what has far more is something else. */
const MOST_BYTES = 1_000_000;

const isStandardInput = (path: string): boolean => path === '-' || path === '/dev/stdin';

/** How messages call a file: `-` is the standard input. */
export const nameOfFile = (path: string): string => (isStandardInput(path) ? 'standard input' : path);

/** A pipe that the shell has opened (`<(…)`). */
const isOpenPipe = (path: string): boolean => /^\/(dev|proc\/self)\/fd\/\d+$/.test(path);

/** Where the files beside a recipe are looked for: those beside a pipe in the current folder. */
export const folderOf = (path: string): string =>
  isStandardInput(path) || isOpenPipe(path) ? '.' : dirname(path);

/** Reads a text file, or a pipe that is open already (`-`, `/dev/stdin`, a shell's `<(…)`). @throws UserError naming it */
export function readText(path: string): string {
  const name = nameOfFile(path);
  const piped = isStandardInput(path);
  let bytes: Buffer;
  try {
    // A named pipe is not opened: nobody may ever write into it.
    const mayBePipe = piped || isOpenPipe(path);
    refuseOtherKinds(piped ? fstatSync(0) : statSync(path), mayBePipe, name);
    const descriptor = piped ? 0 : openSync(path, 'r');
    try {
      bytes = readBounded(descriptor, name);
    } finally {
      if (!piped) closeSync(descriptor);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(`${name} cannot be read: ${isGone ? 'it does not exist' : messageOf(error)}`);
  }
  if (!isUtf8(bytes)) throw new UserError(`${name} is not a text in UTF-8.`);
  return bytes.toString('utf8');
}

function refuseOtherKinds(stats: Stats, mayBePipe: boolean, name: string): void {
  const isPipe = stats.isFIFO() || stats.isSocket();
  if (stats.isFile() || (isPipe && mayBePipe)) return;
  const kind = stats.isDirectory() ? 'a folder' : isPipe ? 'a named pipe' : 'a device';
  throw new UserError(`${name} cannot be read: it is ${kind}, not a recipe's file`);
}

function readBounded(descriptor: number, name: string): Buffer {
  const buffer = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  for (;;) {
    const count = readSync(descriptor, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
    if (length > MOST_BYTES) throw new UserError(`${name} has more than 1 MB, which is no recipe.`);
  }
}
