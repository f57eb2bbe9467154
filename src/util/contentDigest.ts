/** @file Computes digests of large files once: they are kept in the user's cache, by what the system says of the file. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheDir } from './cacheDir.js';
import { writeFileAtomic } from './files.js';
import { stayAlive } from './folderLock.js';

/** Of so many files digests are kept, the newest. */
const MOST_KEPT = 1000;
/** No file system notes times less exactly. A file that was changed so shortly before may change again in the same instant. */
const INSTANT_MS = 2000;

/**
 * Computes the SHA-256 of a file's content. It is read again only where its inode, size, time of change or time of modification is
 * another: the system sets the time of change at every write, and no program can set it back.
 */
export function contentDigest(path: string): string {
  const place = join(cacheDir(), 'digests.json');
  const { key, changed } = asNow(path);
  const known = keptIn(place)[key];
  if (known !== undefined) return known;
  const begun = Date.now();
  const digest = digestOf(path);
  if (begun - changed > INSTANT_MS && asNow(path).key === key) keep(place, key, digest);
  return digest;
}

/** What the system says of a file, and when it was changed last, in ms. */
function asNow(path: string): { key: string; changed: number } {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const times = [mtimeNs, ctimeNs].map((ns) => Number(ns / 1_000_000n));
  return { key: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changed: Math.max(...times) };
}

function digestOf(path: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
      hash.update(chunk.subarray(0, read));
      stayAlive(); // many gigabytes take minutes
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

const digests = z.record(z.string(), z.string());

function keptIn(place: string): z.output<typeof digests> {
  try {
    return digests.parse(JSON.parse(readFileSync(place, 'utf8')));
  } catch {
    return {}; // there is none yet, or none that can be read
  }
}

function keep(place: string, key: string, digest: string): void {
  const newest = Object.entries(keptIn(place)).slice(1 - MOST_KEPT);
  try {
    writeFileAtomic(place, JSON.stringify(Object.fromEntries([...newest, [key, digest]])));
  } catch {
    // Without it the file is read again, which only takes time.
  }
}
