/** @file Reads and writes JSON lines row by row. Knows nothing of what rows mean. */
import { messageOf, UserError } from '../util/errors.js';
import { ExactNumber, parseJson, TooDeep } from '../util/exactJson.js';
import { JsonLinesFile } from './jsonLinesFile.js';
import { readPieces } from './pieces.js';

/** One line of a JSON lines file: a JSON object and its line number, from 1. */
export interface JsonLine {
  line: number;
  row: Record<string, unknown>;
}

/** A line that is not a row, as it stands in the file (bytes that are not UTF-8 are replaced). */
export interface BadLine {
  file: string;
  line: number;
  /** What is wrong with it. */
  problem: string;
  text: string;
}

/** A row beyond this is not a row of text but a wrong file. */
const MAX_LINE_BYTES = 1 << 28;
const NEWLINE = 0x0a;

/**
 * The rows of a UTF-8 JSON lines file, read in pieces of 1 MiB. Blank lines are passed over, a byte order mark and
 * CRLF are accepted. A line that is not a JSON object goes to `onBadLine`; without it, a UserError with file and line is
 * thrown at the first.
 */
export function* readJsonLines(path: string, onBadLine?: (bad: BadLine) => void): Generator<JsonLine> {
  const lines = new JsonLines(path, onBadLine);
  for (const piece of readPieces(path)) yield* lines.take(piece);
  yield* lines.end();
}

/** Makes rows of the pieces of a JSON lines file. */
export class JsonLines {
  readonly #path: string;
  readonly #onBadLine: ((bad: BadLine) => void) | undefined;
  #line = 0;
  /** Copies of the parts of a line that began in earlier pieces; joined once, so that a long line stays linear. */
  #begun: Buffer[] = [];
  #length = 0;

  constructor(path: string, onBadLine?: (bad: BadLine) => void) {
    this.#path = path;
    this.#onBadLine = onBadLine;
  }

  /** Yields the rows that end in this piece. */
  *take(piece: Buffer): Generator<JsonLine> {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      const part = piece.subarray(start, end);
      const row = this.#read(this.#begun.length === 0 ? part : Buffer.concat([...this.#begun, part]));
      this.#begun = [];
      this.#length = 0;
      start = end + 1;
      if (row) yield row;
    }
    this.#begun.push(Buffer.from(piece.subarray(start)));
    this.#length += piece.length - start;
    if (this.#length > MAX_LINE_BYTES)
      throw new UserError(`${this.#path} has a line of more than 256 MiB: is it JSON lines?`);
  }

  /** Yields the row of a last line without a newline. */
  *end(): Generator<JsonLine> {
    const row = this.#length > 0 ? this.#read(Buffer.concat(this.#begun)) : undefined;
    if (row) yield row;
  }

  #read(bytes: Uint8Array): JsonLine | undefined {
    const line = ++this.#line;
    try {
      const text = decode(bytes, this.#path, line);
      return text.trim() === '' ? undefined : { line, row: parseObject(text, this.#path, line) };
    } catch (error) {
      if (!(error instanceof RowError) || !this.#onBadLine) throw error;
      this.#onBadLine({
        file: this.#path,
        line,
        problem: error.problem,
        text: new TextDecoder().decode(bytes),
      });
      return undefined;
    }
  }
}

/** Replaces the file by one line a row, in one step. */
export function writeJsonLines(path: string, rows: Iterable<object>): void {
  using file = new JsonLinesFile(path);
  for (const row of rows) file.write(row);
  file.commit();
}

/** A row that does not fit: the message is one sentence that names file, line and what is wrong. */
export class RowError extends UserError {
  constructor(
    path: string,
    line: number,
    readonly problem: string,
  ) {
    super(`${path}, line ${line}: ${problem}.`);
  }
}

export function rowError(path: string, line: number, problem: string): RowError {
  return new RowError(path, line, problem);
}

function parseObject(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw rowError(
      path,
      line,
      error instanceof TooDeep ? error.message : `not valid JSON (${messageOf(error)})`,
    );
  }
  if (!isObject(value)) throw rowError(path, line, NOT_AN_OBJECT);
  return value;
}

/** Says that a row is something else. */
export const NOT_AN_OBJECT = 'a row must be a JSON object, {"field": …}';

/** Tells an object of JSON, which a row is, from other values. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, path: string, line: number): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    // Replacing what cannot be read would change the data in silence.
    throw rowError(path, line, `not valid UTF-8${likeness(bytes)}; save the file in UTF-8`);
  }
  return line === 1 ? text.replace(/^\uFEFF/, '') : text;
}

/** Says which encoding a line that is not UTF-8 looks like, where that can be told. */
function likeness(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1');
  const runs = text.match(/[\x80-\xff]+/g) ?? [];
  // Western letters stand among ASCII, characters of East Asia are pairs of bytes.
  if (runs.every(({ length }) => length === 1)) return ' but looks like Windows-1252 (Latin-1)';
  for (const [label, name] of [
    ['gb18030', 'GB 18030'],
    ['shift_jis', 'Shift JIS'],
  ] as const) {
    try {
      new TextDecoder(label, { fatal: true }).decode(bytes);
      return ` but looks like ${name}`;
    } catch {
      // not that one
    }
  }
  return '';
}
