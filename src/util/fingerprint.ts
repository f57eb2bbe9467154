/** @file Computes digests of files, directories and plain data, by which a later run recognizes unchanged inputs. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from './errors.js';

/** A larger file counts by path, size and time: hashing gigabytes of weights would cost more than it saves. */
const MAX_HASHED_BYTES = 50 * 1024 * 1024;
/** Model directories are flat; a deeper tree is a mistake or a loop of links. */
const MAX_DEPTH = 16;

/**
 * Computes a digest of a file or a directory; undefined if there is none. Files of up to 50 MB count by content,
 * larger ones by path, size and modification time, directories by the names and digests of everything in them. Links
 * are followed.
 */
export function fingerprintPath(path: string): string | undefined {
  const hash = createHash('sha256');
  return addPath(hash, path, '', 0) ? hash.digest('hex') : undefined;
}

/** Computes a digest of plain data; the order of object keys does not matter. */
export function fingerprintValue(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

type Hash = ReturnType<typeof createHash>;

function addPath(hash: Hash, path: string, name: string, depth: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  if (stat.isDirectory()) {
    if (depth === MAX_DEPTH)
      throw new UserError(`${path} is nested more than ${MAX_DEPTH} directories deep.`);
    hash.update(`directory ${JSON.stringify(name)}\n`);
    for (const entry of readdirSync(path).sort())
      addPath(hash, join(path, entry), `${name}/${entry}`, depth + 1);
  } else if (stat.size > MAX_HASHED_BYTES) {
    hash.update(`large ${JSON.stringify([name, resolve(path), stat.size, stat.mtimeMs])}\n`);
  } else {
    hash.update(`file ${JSON.stringify([name, stat.size])}\n`);
    addContent(hash, path);
  }
  return true;
}

function addContent(hash: Hash, path: string): void {
  const chunk = Buffer.alloc(1 << 20);
  const fd = openSync(path, 'r');
  try {
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk))
      hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(fd);
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
