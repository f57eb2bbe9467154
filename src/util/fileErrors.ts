/** @file Says in a sentence what the file system refused, and how much space a disk has. */
import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { formatBytes, formatUnequalBytes } from './bytes.js';
import { DiskFull, UserError } from './errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EBUSY: 'something else uses it',
  EDQUOT: 'the quota is used up',
  EEXIST: 'something of that name is in the way',
  EFBIG: 'the file system takes no file of that size',
  EIO: 'the disk reports an error',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open',
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENXIO: 'nobody reads from it',
  EPIPE: 'nobody reads from it any more',
  EPERM: 'it is not permitted',
  EROFS: 'the file system is read-only',
  ETXTBSY: 'it is a program that runs',
};
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

export interface FileErrorPlace {
  /** What was being read or written; without it the path that the error names. */
  path?: string;
  /** Bytes that were written before the disk was full. */
  written?: number;
}

/** Turns an error of the file system into a sentence with path and remedy; returns every other error unchanged. */
export function explainFileError(error: unknown, place: FileErrorPlace = {}): unknown {
  if (!(error instanceof Error) || error instanceof UserError) return error;
  const { code = '', path: named } = error as NodeJS.ErrnoException;
  if (code === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes'))
    return new UserError('A path has a NUL character, which no file name can have.');
  const path = place.path ?? named;
  const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  if (reason === undefined || (path === undefined && !FULL.has(code))) return error;
  if (!FULL.has(code)) return new UserError(`${shown(path!)} cannot be used: ${reason}.`);
  const { written = 0 } = place;
  const free = path === undefined ? undefined : freeBytes(path);
  const needed = written > 0 ? `it needs more than ${formatBytes(written)}` : 'it needs more space';
  const left = free === undefined ? '' : `, ${formatBytes(free)} are free`;
  return new DiskFull(
    `${path === undefined ? 'A file' : shown(path)} cannot be written: ${reason} (${needed}${left}): free some space, or choose a place on another disk.`,
  );
}

/** Runs work on the file at `path` and explains what the file system refuses. */
export function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainFileError(error, { path });
  }
}

/** Bytes that this user can still write beside `path`, which need not exist; undefined where nobody can tell. */
export function freeBytes(path: string): number | undefined {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    } catch {
      if (folder === dirname(folder)) return undefined;
    }
  }
}

/**
 * Checks before the work that the disk of `path` has `needed` bytes.
 * @param what names what needs them, such as "the trained model"
 * @throws DiskFull with the path, the space needed and the space there is
 */
export function requireFree(path: string, needed: number, what: string): void {
  const free = freeBytes(path);
  if (free === undefined || free >= needed) return;
  const [asked, present] = formatUnequalBytes(needed, free);
  throw new DiskFull(
    `${shown(path)}: ${what} needs about ${asked} and the disk has ${present} free: free some space, or choose a place on another disk.`,
  );
}

const shown = (path: string): string =>
  (path.length > 200 ? `${path.slice(0, 200)}…` : path).replaceAll('\0', '␀');
