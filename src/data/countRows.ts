/** @file Counts the rows of files for a progress bar. */
import { statSync } from 'node:fs';
import { isParquet, parquetSize } from './parquet.js';
import { isPacked, unpackedPieces } from './pieces.js';

const NEWLINE = 0x0a;

/**
 * Counts the rows of files. Blank and broken lines count too; a file that cannot be read counts none (its reader says why),
 * and so does a pipe, which can be read only once. @throws UserError where a file is missing
 */
export async function countRows(paths: readonly string[]): Promise<number> {
  let rows = 0;
  for (const path of paths) rows += isParquet(path) ? (await parquetSize(path)).rows : await countLines(path);
  return rows;
}

/** Text packs to about so much less. */
const PACKED_SHARE = 1 / 5;

/** About how much text files hold, in bytes. */
export async function bytesOf(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    if (isParquet(path)) bytes += (await parquetSize(path)).bytes;
    else bytes += statSync(path).size / (isPacked(path) ? PACKED_SHARE : 1);
  }
  return bytes;
}

async function countLines(path: string): Promise<number> {
  if (!statSync(path).isFile()) return 0;
  let lines = 0;
  let last = NEWLINE;
  try {
    for await (const chunk of unpackedPieces(path)) {
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++;
      last = chunk.at(-1) ?? last;
    }
  } catch {
    return 0;
  }
  return last === NEWLINE ? lines : lines + 1;
}
