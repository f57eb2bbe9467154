/** @file Checks free disk space and explains a full disk. */
import { formatUnequalBytes } from '../util/bytes.js';
import { UserError, messageOf } from '../util/errors.js';
import { freeBytes } from '../util/fileErrors.js';
import { cacheDir } from '../util/cacheDir.js';

/**
 * Checks that the cache's file system, on which `folder` is, has `needed` bytes for this user.
 * @param what names in the error what needs them
 */
export function requireSpace(folder: string, needed: number, what: string): void {
  const free = freeBytes(folder);
  if (free !== undefined && free < needed) {
    const [present, asked] = formatUnequalBytes(free, needed);
    throw new UserError(
      `${folder} has ${present} free and ${what} needs about ${asked}: free some space, or set ` +
        'XDG_CACHE_HOME to a folder on a larger disk',
    );
  }
}

/** Turns the error of a full disk into a sentence for the user; returns any other error unchanged. */
export function explainDiskError(error: unknown): unknown {
  const full = ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');
  return full || mentionsFullDisk(messageOf(error)) ? diskFull() : error;
}

/** Tells whether a program's output says that the disk is full. */
export function mentionsFullDisk(output: string): boolean {
  return /No space left on device|Disk quota exceeded/i.test(output);
}

export function diskFull(): UserError {
  return new UserError(
    `the disk of ${cacheDir()} is full: free some space, or set XDG_CACHE_HOME to a folder on a larger disk, and run ` +
      'the same command again',
  );
}
