/** @file Checks free disk space and explains a full disk. */
import { statfs } from 'node:fs/promises';
import { formatBytes } from '../util/bytes.js';
import { UserError, messageOf } from '../util/errors.js';
import { cacheDir } from './paths.js';

/**
 * Checks that the file system of `folder`, which must exist, has `needed` bytes for this user.
 * @param what names in the error what needs them
 */
export async function requireSpace(folder: string, needed: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < needed) {
    throw new UserError(
      `${folder} has ${gigabytes(free)} free and ${what} needs about ${gigabytes(needed)}: free some space, or set ` +
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

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? formatBytes(bytes) : `${(bytes / 1e9).toFixed(1)} GB`;
}
