/** @file Reads the rows of one file, whatever it is: JSON lines, a JSON array or Parquet, told apart by content. Knows nothing of what rows mean. */
import { messageOf, UserError } from '../util/errors.js';
import { parseJson, TooDeep, writeJson } from '../util/exactJson.js';
import { isObject, JsonLines, NOT_AN_OBJECT, rowError, type BadLine, type JsonLine } from './jsonl.js';
import { isParquet, readParquetRows } from './parquet.js';
import { unpackedPieces } from './pieces.js';

/** A JSON array is read whole, so it has a limit. */
const MAX_ARRAY_BYTES = 1 << 28;

/**
 * Streams the rows of a Parquet file, or of JSON lines or a JSON array, which may be packed with gzip or Zstandard. `line`
 * is the line of a JSON lines file, else the number of the row, from 1. A line that is not a JSON object goes to
 * `onBadLine`; without it, a UserError with file and line is thrown at the first.
 * @throws UserError where the file is missing, damaged as a whole or something else
 */
export async function* readRows(path: string, onBadLine?: (bad: BadLine) => void): AsyncGenerator<JsonLine> {
  if (isParquet(path)) {
    yield* readParquetRows(path);
    return;
  }
  let lines: JsonLines | undefined;
  let array: Buffer[] | undefined;
  let bytes = 0;
  for await (const piece of unpackedPieces(path)) {
    if (!lines && !array && beginsArray(piece)) array = [];
    if (array) {
      bytes += piece.length;
      if (bytes > MAX_ARRAY_BYTES)
        throw new UserError(`${path} is an array of more than 256 MiB: write it as JSON lines.`);
      array.push(Buffer.from(piece));
    } else yield* (lines ??= new JsonLines(path, onBadLine)).take(piece);
  }
  if (lines) yield* lines.end();
  if (array) yield* arrayRows(Buffer.concat(array), path, onBadLine);
}

/** Tells an array of rows from JSON lines of which the first is an array, and bad. */
function beginsArray(piece: Buffer): boolean {
  const text = piece
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (!text.startsWith('[')) return false;
  const end = text.indexOf('\n');
  if (end < 0 || text.slice(end).trim() === '') return true;
  try {
    JSON.parse(text.slice(0, end));
    return false;
  } catch {
    return true;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function* arrayRows(
  bytes: Buffer,
  path: string,
  onBadLine: ((bad: BadLine) => void) | undefined,
): Generator<JsonLine> {
  let value: unknown;
  try {
    value = parseJson(utf8.decode(bytes));
  } catch (error) {
    if (error instanceof TooDeep) throw rowError(path, error.element, error.message);
    const reason = error instanceof SyntaxError ? `is not JSON: ${messageOf(error)}` : 'is not valid UTF-8';
    throw new UserError(`${path} ${reason}.`);
  }
  for (const [index, row] of (value as unknown[]).entries()) {
    const line = index + 1;
    if (isObject(row)) yield { line, row };
    else if (!onBadLine) throw rowError(path, line, NOT_AN_OBJECT);
    else onBadLine({ file: path, line, problem: NOT_AN_OBJECT, text: writeJson(row) });
  }
}
