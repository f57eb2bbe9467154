/** @file Tells files of ours that stand beside a result from those of the user's. */
import { closeSync, statSync } from 'node:fs';
import { UserError } from './errors.js';
import { readFully } from './files.js';
import { openRegular } from './regularFile.js';

/** So much of a file tells whether it is ours. */
const BEGINNING = 1 << 16;

/**
 * Refuses a file that is there and that no earlier run has written.
 * @param isOurs tells by the first 64 KiB of a file whether a run has written it
 * @param what it is for, as the end of "it is where …"
 * @throws UserError that says what to do
 */
export function requireOwnFile(path: string, isOurs: (beginning: string) => boolean, what: string): void {
  if (!statSync(path, { throwIfNoEntry: false })) return;
  const { fd } = openRegular(path);
  try {
    const begun = Buffer.alloc(BEGINNING);
    if (isOurs(begun.toString('utf8', 0, readFully(fd, begun, 0)))) return;
  } finally {
    closeSync(fd);
  }
  throw new UserError(
    `${path} is in the way: it is where ${what}, and it holds something else. Move it, or name another place for the result.`,
  );
}

/** Tells whether a text begins as all files of a kind do, or is the beginning of that, which a killed run may leave. */
export const beginsWith =
  (beginning: string) =>
  (text: string): boolean =>
    text.startsWith(beginning) || beginning.startsWith(text);
