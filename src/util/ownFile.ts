/** @file Tells files of ours that stand beside a result from those of the user's. */
import { closeSync, statSync } from 'node:fs';
import { UserError } from './errors.js';
import { readFully } from './files.js';
import { openRegular } from './regularFile.js';

/**
 * Refuses a file that is there and that no earlier run has written.
 * @param beginning how every file of its kind begins; a killed run may leave a part of that
 * @param what it is for, as the end of "it is where …"
 * @throws UserError that says what to do
 */
export function requireOwnFile(path: string, beginning: string, what: string): void {
  if (!statSync(path, { throwIfNoEntry: false })) return;
  const { fd } = openRegular(path);
  try {
    const begun = Buffer.alloc(Buffer.byteLength(beginning));
    const text = begun.toString('utf8', 0, readFully(fd, begun, 0));
    if (beginning.startsWith(text)) return;
  } finally {
    closeSync(fd);
  }
  throw new UserError(
    `${path} is in the way: it is where ${what}, and it holds something else. Move it, or name another place for the result.`,
  );
}
