/** @file Computes digests of files, directories and plain data, by which a later run recognizes unchanged inputs. */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { contentDigest } from './contentDigest.js';
import { UserError } from './errors.js';

/** The digest of a larger file is kept: reading gigabytes of weights again would cost more than it saves. */
const MAX_READ_BYTES = 50 * 1024 * 1024;
/** So much of one path is read again at most; what follows counts as large files do. */
const MAX_TOTAL_BYTES = 4e9;
/** A model or a result has fewer files. */
const MAX_ENTRIES = 10_000;
/** Model directories are flat; a deeper tree is a mistake or a loop of links. */
const MAX_DEPTH = 16;

/**
 * Computes a digest of a file or a directory; undefined if there is none. Files count by their content, whatever their times
 * and places; directories by the names and digests of everything in them. Links are followed; devices and pipes count by their
 * name.
 * @throws UserError for a directory that can be no model and no result
 */
export function fingerprintPath(path: string): string | undefined {
  const hash = createHash('sha256');
  return addPath(hash, path, '', 0, { bytes: MAX_TOTAL_BYTES, entries: MAX_ENTRIES })
    ? hash.digest('hex')
    : undefined;
}

/** Computes a digest of plain data; the order of object keys does not matter. */
export function fingerprintValue(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

type Hash = ReturnType<typeof createHash>;

/** What may still be read. */
interface Allowance {
  bytes: number;
  entries: number;
}

function addPath(hash: Hash, path: string, name: string, depth: number, left: Allowance): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  if (left.entries-- === 0)
    throw new UserError(`${path} is in a directory of more than ${MAX_ENTRIES} files: name a smaller one.`);
  if (stat.isDirectory()) {
    if (depth === MAX_DEPTH)
      throw new UserError(`${path} is nested more than ${MAX_DEPTH} directories deep.`);
    hash.update(`directory ${JSON.stringify(name)}\n`);
    for (const entry of readdirSync(path).sort())
      addPath(hash, join(path, entry), `${name}/${entry}`, depth + 1, left);
  } else if (!stat.isFile()) {
    hash.update(`other ${JSON.stringify(name)}\n`);
  } else if (stat.size > MAX_READ_BYTES || stat.size > left.bytes) {
    hash.update(`large ${JSON.stringify([name, stat.size, contentDigest(path)])}\n`);
  } else {
    left.bytes -= stat.size;
    hash.update(`file ${JSON.stringify([name, stat.size])}\n`);
    addContent(hash, path, stat.size);
  }
  return true;
}

function addContent(hash: Hash, path: string, length: number): void {
  const chunk = Buffer.alloc(Math.min(length, 1 << 20));
  const fd = openSync(path, 'r');
  try {
    for (let done = 0; done < length;) {
      const read = readSync(fd, chunk, 0, Math.min(chunk.length, length - done), done);
      if (read === 0) return;
      hash.update(chunk.subarray(0, read));
      done += read;
    }
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
