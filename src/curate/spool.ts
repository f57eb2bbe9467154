/** @file Sorts records by key on disk, with bounded memory. */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson, writeJson } from '../util/exactJson.js';
import { explained } from '../util/fileErrors.js';
import { makeFolder } from '../util/folders.js';

/** A record that is sorted by `key`, then by `ordinal`. */
export interface Ordered {
  /** From 0 to 2⁴⁸ − 1, evenly spread. */
  key: number;
  ordinal: number;
}

const KEYS = 2 ** 48;
/** The size of a bucket, which is held in memory while it is sorted. */
const BUCKET_BYTES = 1 << 25;
const MAX_BUCKETS = 1024;
/** The most that waits to be written, over all buckets. */
const PENDING_BYTES = 1 << 25;

/**
 * Gives records back in the order of their keys, however many there are: each goes to the file of its range of keys (a
 * bucket), and the buckets are sorted one by one. The disk is written and read in order, once.
 */
export class Spool<T extends Ordered> {
  readonly #dir: string;
  readonly #buckets: number;
  readonly #pending: string[][];
  #pendingCharacters = 0;

  /**
   * @param dir an empty directory of its own
   * @param bytes about how much there will be
   */
  constructor(dir: string, bytes: number) {
    this.#dir = dir;
    makeFolder(dir);
    this.#buckets = Math.min(MAX_BUCKETS, Math.max(1, Math.ceil(bytes / BUCKET_BYTES)));
    this.#pending = Array.from({ length: this.#buckets }, () => []);
  }

  add(record: T): void {
    const line = `${writeJson(record)}\n`;
    this.#pending[Math.floor((record.key / KEYS) * this.#buckets)]!.push(line);
    this.#pendingCharacters += line.length;
    if (this.#pendingCharacters > PENDING_BYTES) this.#flush();
  }

  /** Yields all records in order and removes what has been read. */
  *drain(): Generator<T> {
    this.#flush();
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const path = this.#path(bucket);
      if (!existsSync(path)) continue;
      const records = lines(readFileSync(path)).map((line) => parseJson(line) as T);
      rmSync(path);
      records.sort((a, b) => a.key - b.key || a.ordinal - b.ordinal);
      yield* records;
    }
  }

  #flush(): void {
    for (const [bucket, lines] of this.#pending.entries()) {
      const path = this.#path(bucket);
      if (lines.length > 0)
        explained(path, () => {
          appendFileSync(path, lines.join(''));
        });
      this.#pending[bucket] = [];
    }
    this.#pendingCharacters = 0;
  }

  #path(bucket: number): string {
    return join(this.#dir, `${bucket}.jsonl`);
  }
}

/** Splits a buffer into lines; as a whole it may be too long for one string. */
function lines(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    found.push(bytes.toString('utf8', start, end));
    start = end + 1;
  }
  return found;
}
