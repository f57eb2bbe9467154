/** @file Brings files to the disk while the program goes on computing. */
import { closeSync, fsync, openSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { explained } from './fileErrors.js';
import { entriesBelow } from './folders.js';

const flush = promisify(fsync);

/** A file on its way to the disk. Both promises have been heard, so that one that nobody waits for ends no process. */
export interface Writing {
  /** Settles when the bytes have been taken: their memory may change again. */
  taken: Promise<void>;
  /** Settles when the file is on the disk. */
  done: Promise<void>;
}

/** Sees to it that what has been written to a file is on the disk. */
export function flushMeanwhile(path: string): Writing {
  const fd = explained(path, () => openSync(path, 'r'));
  const done = flush(fd).finally(() => {
    closeSync(fd);
  });
  return heard({ taken: Promise.resolve(), done });
}

/** Sees to it that all files below a folder are on the disk. */
export function flushFolderMeanwhile(folder: string): Writing {
  const files = [...explained(folder, () => entriesBelow(folder))].filter(({ isFolder }) => !isFolder);
  return together(files.map(({ path }) => flushMeanwhile(join(folder, path))));
}

/** Several files as one. */
export function together(
  writings: readonly Writing[],
  last: () => void | Promise<void> = () => undefined,
): Writing {
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
