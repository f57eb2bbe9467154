/** @file Reads and writes JSON lines row by row. Knows nothing of what rows mean. */
import { closeSync, openSync, readSync } from 'node:fs';
import { messageOf, UserError } from '../util/errors.js';
import { JsonLinesFile } from './jsonLinesFile.js';

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

const CHUNK_BYTES = 1 << 20;
/** A row beyond this is not a row of text but a wrong file. */
const MAX_LINE_BYTES = 1 << 28;
const NEWLINE = 0x0a;

/**
 * The rows of a UTF-8 JSON lines file, read in pieces of 1 MiB. Blank lines are passed over, a byte order mark and
 * CRLF are accepted. A line that is not a JSON object goes to `onBadLine`; without it, a UserError with file and line is
 * thrown at the first.
 */
export function* readJsonLines(path: string, onBadLine?: (bad: BadLine) => void): Generator<JsonLine> {
  let line = 0;
  for (const bytes of readLines(path)) {
    line++;
    let row: Record<string, unknown> | undefined;
    try {
      const text = decode(bytes, path, line);
      if (text.trim() !== '') row = parseObject(text, path, line);
    } catch (error) {
      if (!(error instanceof RowError) || !onBadLine) throw error;
      onBadLine({ file: path, line, problem: error.problem, text: new TextDecoder().decode(bytes) });
    }
    if (row) yield { line, row };
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
    value = JSON.parse(text);
  } catch (error) {
    throw rowError(path, line, `not valid JSON (${messageOf(error)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw rowError(path, line, 'a row must be a JSON object, {"field": …}');
  }
  return value as Record<string, unknown>;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, path: string, line: number): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    // Replacing what cannot be read would change the data in silence.
    throw rowError(path, line, 'not valid UTF-8; save the file in that encoding');
  }
  return line === 1 ? text.replace(/^\uFEFF/, '') : text;
}

/** Lines without their newline; each is read before the next is asked for, since they share memory. */
function* readLines(path: string): Generator<Uint8Array> {
  const fd = open(path);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    // Copies of the parts of a line that began in earlier pieces; joined once, so that a long line stays linear.
    let begun: Buffer[] = [];
    let length = 0;
    for (let read = readChunk(fd, chunk, path); read > 0; read = readChunk(fd, chunk, path)) {
      const piece = chunk.subarray(0, read);
      let start = 0;
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
        const part = piece.subarray(start, end);
        yield begun.length === 0 ? part : Buffer.concat([...begun, part]);
        begun = [];
        length = 0;
        start = end + 1;
      }
      begun.push(Buffer.from(piece.subarray(start)));
      length += read - start;
      if (length > MAX_LINE_BYTES)
        throw new UserError(`${path} has a line of more than 256 MiB: is it JSON lines?`);
    }
    if (length > 0) yield Buffer.concat(begun);
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(missing ? `${path} does not exist.` : `${path} cannot be read: ${messageOf(error)}.`);
  }
}

function readChunk(fd: number, chunk: Buffer, path: string): number {
  try {
    return readSync(fd, chunk);
  } catch (error) {
    const directory = (error as NodeJS.ErrnoException).code === 'EISDIR';
    throw new UserError(
      directory
        ? `${path} is a directory, not a JSON lines file.`
        : `${path} cannot be read: ${messageOf(error)}.`,
    );
  }
}
