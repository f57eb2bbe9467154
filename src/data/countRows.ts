/** @file Counts the rows of files for a progress bar. */
import { createReadStream } from 'node:fs';
import { isParquet, parquetSize } from './parquet.js';

const NEWLINE = 0x0a;

/**
 * Counts the rows of JSON lines and Parquet files. Blank and broken lines count too, and a file that cannot be read counts
 * none (its reader says why). @throws UserError where a file is missing
 */
export async function countRows(paths: readonly string[]): Promise<number> {
  let rows = 0;
  for (const path of paths) rows += isParquet(path) ? (await parquetSize(path)).rows : await countLines(path);
  return rows;
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  let last = NEWLINE;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
      last = chunk.at(-1)!;
    }
  } catch {
    return 0;
  }
  return last === NEWLINE ? lines : lines + 1;
}
