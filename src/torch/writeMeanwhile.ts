/** @file Writes large files while the program goes on computing, past the system's page cache where it can be. */
import { closeSync, fsync, openSync } from 'node:fs';
import { getSystemErrorName, promisify } from 'node:util';
import { explained, explainFileError } from '../util/fileErrors.js';
import { together, type Writing } from '../util/meanwhile.js';
import { native } from './native.js';

const flush = promisify(fsync);

/**
 * Writes a new file of these parts in another thread. Their memory must stay as it is until they have been taken.
 * @throws UserError where the file cannot be made; `taken` and `done` reject with one where it cannot be written
 */
export function writeMeanwhile(path: string, parts: readonly Uint8Array[]): Writing {
  const fd = explained(path, () => openSync(path, 'wx'));
  const take = async (): Promise<void> => {
    const [errno, written] = await native.writeParts(fd, parts);
    if (errno === 0) return;
    const code = getSystemErrorName(-errno);
    throw explainFileError(Object.assign(new Error(`${code}: ${path}`), { code }), { path, written });
  };
  const taken = take();
  const done = taken
    .then(() =>
      flush(fd).catch((error: unknown) => {
        throw explainFileError(error, { path });
      }),
    )
    .finally(() => {
      closeSync(fd);
    });
  return together([{ taken, done }]);
}
