/** @file Writes files while the program goes on computing. */
import { closeSync, fsync, openSync, writev } from 'node:fs';
import { promisify } from 'node:util';
import { explained, explainFileError } from './fileErrors.js';

const [writeSome, flush] = [promisify(writev), promisify(fsync)];

/** A file on its way to the disk. Both promises have been heard, so that one that nobody waits for ends no process. */
export interface Writing {
  /** Settles when the bytes have been taken: their memory may change again. */
  taken: Promise<void>;
  /** Settles when the file is on the disk. */
  done: Promise<void>;
}

/** The system takes less than 2 GiB at a time. */
const MAX_BYTES = 2 ** 30;

/**
 * Writes a new file of these parts in another thread. Their memory must stay as it is until they have been taken.
 * @throws UserError where the file cannot be made; `taken` and `done` reject with one where it cannot be written
 */
export function writeMeanwhile(path: string, parts: readonly Uint8Array[]): Writing {
  const fd = explained(path, () => openSync(path, 'wx'));
  let written = 0;
  const explain = (error: unknown): never => {
    throw explainFileError(error, { path, written });
  };
  const take = async () => {
    for (let left = pieces(parts); left.length > 0;) {
      const { bytesWritten } = await writeSome(fd, firstOf(left), written);
      written += bytesWritten;
      left = after(left, bytesWritten);
    }
  };
  const taken = take().catch(explain);
  const done = taken
    .then(() => flush(fd).catch(explain))
    .finally(() => {
      closeSync(fd);
    });
  return heard({ taken, done });
}

/** Sees to it that what has been written to a file is on the disk. */
export function flushMeanwhile(path: string): Writing {
  const fd = explained(path, () => openSync(path, 'r'));
  const done = flush(fd).finally(() => {
    closeSync(fd);
  });
  return heard({ taken: Promise.resolve(), done });
}

/** Several files as one. */
export function together(writings: readonly Writing[], last: () => void = () => undefined): Writing {
  // All have ended when this has: nothing is written any more into a folder that is about to be removed.
  const allOf = async (which: keyof Writing) => {
    const results = await Promise.allSettled(writings.map((writing) => writing[which]));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
  return heard({ taken: allOf('taken'), done: allOf('done').then(last) });
}

function heard(writing: Writing): Writing {
  for (const promise of [writing.taken, writing.done]) promise.catch(() => undefined);
  return writing;
}

/** The parts in pieces that the system takes. */
function pieces(parts: readonly Uint8Array[]): Uint8Array[] {
  return parts.flatMap((part) =>
    Array.from({ length: Math.ceil(part.length / MAX_BYTES) }, (_, i) =>
      part.subarray(i * MAX_BYTES, (i + 1) * MAX_BYTES),
    ),
  );
}

/** As many pieces as the system takes at a time, at least one. */
function firstOf(left: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0;
  const end = left.findIndex((piece) => (bytes += piece.length) > MAX_BYTES);
  return left.slice(0, end < 0 ? left.length : Math.max(1, end));
}

function after(left: readonly Uint8Array[], written: number): Uint8Array[] {
  let bytes = written;
  return left.flatMap((piece) => {
    const gone = Math.min(bytes, piece.length);
    bytes -= gone;
    return gone === piece.length ? [] : [piece.subarray(gone)];
  });
}
