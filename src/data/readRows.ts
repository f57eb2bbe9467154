/** @file Reads the rows of one file, whatever its format: JSON lines, a JSON array or Parquet. Knows nothing of what rows mean. */
import { readFileSync, statSync } from 'node:fs';
import { messageOf, UserError } from '../util/errors.js';
import { readJsonLines, type BadLine, type JsonLine } from './jsonl.js';
import { isParquet, readParquetRows } from './parquet.js';

/** A JSON array is read whole, so it has a limit. */
const MAX_ARRAY_BYTES = 1 << 28;

/**
 * Streams the rows of a file of JSON lines, a JSON array (`.json`) or a Parquet file (`.parquet`). `line` is the line of
 * a JSON lines file, else the number of the row, from 1. A line that is not a JSON object goes to `onBadLine`.
 * @throws UserError where the file is missing or damaged as a whole
 */
export async function* readRows(path: string, onBadLine: (bad: BadLine) => void): AsyncGenerator<JsonLine> {
  if (isParquet(path)) yield* readParquetRows(path);
  else if (path.endsWith('.json')) yield* readArray(path, onBadLine);
  else yield* readJsonLines(path, onBadLine);
}

function* readArray(path: string, onBadLine: (bad: BadLine) => void): Generator<JsonLine> {
  let value: unknown;
  try {
    if (statSync(path).size > MAX_ARRAY_BYTES)
      throw new UserError(`${path} is larger than 256 MiB: write it as JSON lines.`);
    value = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    if (error instanceof UserError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new UserError(missing ? `${path} does not exist.` : `${path} ${reason}: ${messageOf(error)}.`);
  }
  if (!Array.isArray(value)) throw new UserError(`${path} must be a JSON array of rows, [{"field": …}, …].`);
  for (const [index, row] of value.entries()) {
    const line = index + 1;
    if (typeof row === 'object' && row !== null && !Array.isArray(row))
      yield { line, row: row as Record<string, unknown> };
    else
      onBadLine({
        file: path,
        line,
        problem: 'a row must be a JSON object, {"field": …}',
        text: JSON.stringify(row),
      });
  }
}
