/** @file Keeps what a reference model has given the responses of a data set: numbers, with what they follow from and a digest. */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { FileReplacement, readFully, writeAll } from '../util/files.js';
import { openRegular } from '../util/regularFile.js';

/** 64 hexadecimal digits of the key come first, and after the numbers a digest of all before it and a mark. */
const KEY_BYTES = 64;
const DIGEST_BYTES = 32;
const MARK = Buffer.from('RDREFER1');
const sizeOf = (count: number): number => KEY_BYTES + 8 * count + DIGEST_BYTES + MARK.length;

/** A file that is not whole, not as it was written, or of something else. */
export class DamagedReference extends Error {}

/**
 * Begins such a file before its numbers are known.
 * @throws UserError where the disk is too small for them
 */
export const beginReferenceFile = (path: string, count: number): FileReplacement =>
  new FileReplacement(path, { atLeast: sizeOf(count) });

export function writeReferenceFile(file: FileReplacement, key: string, values: Float64Array): void {
  const parts = [Buffer.from(key), new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
  file.fill((fd) => {
    for (const part of [...parts, digestOf(parts), MARK]) writeAll(fd, part);
  });
  file.commit();
}

/**
 * Reads a whole file.
 * @param count of the numbers that it must have
 * @throws DamagedReference
 */
export function readReferenceFile(path: string, key: string, count: number): Float64Array {
  const { fd, size } = openRegular(path);
  try {
    if (size !== sizeOf(count)) throw new DamagedReference(path);
    const values = new Float64Array(count);
    const bytes = new Uint8Array(values.buffer);
    const [head, tail] = [Buffer.alloc(KEY_BYTES), Buffer.alloc(DIGEST_BYTES + MARK.length)];
    let at = 0;
    for (const part of [head, bytes, tail]) at += readFully(fd, part, at);
    const expected = Buffer.concat([digestOf([head, bytes]), MARK]);
    if (head.toString() !== key || !expected.equals(tail)) throw new DamagedReference(path);
    return values;
  } finally {
    closeSync(fd);
  }
}

function digestOf(parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
