/**
 * @file The files that training keeps in the user's cache, tokens and log-probs of references: which of them a process uses, and
 * which go when they take more than they may.
 */
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheDir } from '../util/cacheDir.js';
import { UserError } from '../util/errors.js';
import { explained } from '../util/fileErrors.js';
import { makeFolder } from '../util/folders.js';
import { isUnderWay, useName, usersOf } from '../util/temporary.js';

const FOLDERS = ['tokens', 'references'] as const;
export type CacheKind = (typeof FOLDERS)[number];

/** Gigabytes of all these files where REDISTILL_CACHE_GB does not say. */
const MOST_GIGABYTES = 20;

export const cacheFolder = (kind: CacheKind): string => join(cacheDir(), kind);

/** An empty file for each use: file and process are in its name. */
const usesFolder = (): string => join(cacheDir(), 'uses');

/** The uses of this process, which end with it. */
const uses = new Set<string>();
/** Where other hosts use the cache too, they know by the time of a mark that its process is alive. */
const RENEWED_MS = 3_600_000;

process.on('exit', () => {
  for (const path of uses) rmSync(path, { force: true });
});

/** Says that this process uses a file of the cache until it ends. To be called before the file is looked for. */
export function markUsed(path: string): void {
  const folder = usesFolder();
  const mark = join(folder, useName(basename(path)));
  makeFolder(folder);
  explained(mark, () => {
    writeFileSync(mark, '');
  });
  if (uses.size === 0) setInterval(renewMarks, RENEWED_MS).unref();
  uses.add(mark);
  // Reading would not always change its time.
  const now = new Date();
  if (statSync(path, { throwIfNoEntry: false })) utimesSync(path, now, now);
}

function renewMarks(): void {
  const now = new Date();
  for (const mark of uses) if (existsSync(mark)) utimesSync(mark, now, now);
}

/**
 * Removes the files that have not been used for longest until the rest takes no more than it may. Those that a process uses
 * stay.
 * @throws UserError where REDISTILL_CACHE_GB is no number
 */
export function trimCache(): void {
  const limit = mostBytes();
  const files = FOLDERS.map(cacheFolder)
    .flatMap(filesIn)
    .sort((a, b) => a.used - b.used);
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const used = total > limit ? usersOf(usesFolder()) : new Set<string>();
  for (const { path, bytes } of files) {
    if (total <= limit) return;
    if (used.has(basename(path))) continue;
    rmSync(path, { force: true });
    total -= bytes;
  }
}

function mostBytes(): number {
  const { REDISTILL_CACHE_GB: given } = process.env;
  const gigabytes = given === undefined ? MOST_GIGABYTES : Number(given || NaN);
  if (!(gigabytes >= 0))
    throw new UserError(`REDISTILL_CACHE_GB must be a number of gigabytes, not "${given}"`);
  return gigabytes * 1e9;
}

function filesIn(folder: string): { path: string; bytes: number; used: number }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // it is not there yet
  }
  return names
    .map((name) => join(folder, name))
    .filter((path) => !isUnderWay(path))
    .flatMap((path) => {
      const stats = statSync(path, { throwIfNoEntry: false }); // another process may have removed it
      return stats?.isFile() ? [{ path, bytes: stats.size, used: stats.mtimeMs }] : [];
    });
}
