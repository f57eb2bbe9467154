/** @file Reads the rows of a Parquet file as JSON values. How pages are decoded stands in parquetPages.ts. */
import { closeSync, openSync, statSync } from 'node:fs';
import { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } from 'hyparquet';
import type { ColumnChunk, DecodedArray, FileMetaData, SchemaTree } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { messageOf, UserError } from '../util/errors.js';
import { ExactNumber, readNumber } from '../util/exactJson.js';
import type { ColumnPages } from './parquetPages.js';
import { beginningOf } from './pieces.js';

/** A row of a Parquet file with its number, from 1 as lines are. */
export interface ParquetRow {
  line: number;
  row: Record<string, unknown>;
}

/** The most rows that are put together at once; pages of short values have some hundred thousand. */
const MAX_ROWS = 1024;

/**
 * Returns true when the file begins as Parquet files do, whatever its name.
 * @throws UserError where it cannot be opened, or is called .parquet and does not begin so
 */
export function isParquet(path: string): boolean {
  const found = beginningOf(path).toString('latin1').startsWith('PAR1');
  if (!found && path.endsWith('.parquet') && statSync(path).isFile())
    throw new UserError(`${path} is not a Parquet file; is it whole, and not a Git LFS pointer?`);
  return found;
}

/** Reads rows and bytes of a file's content before compression from its footer. */
export async function parquetSize(path: string): Promise<{ rows: number; bytes: number }> {
  const metadata = await readMetadata(path);
  return {
    rows: Number(metadata.num_rows),
    bytes: metadata.row_groups.reduce((sum, group) => sum + Number(group.total_byte_size), 0),
  };
}

/**
 * Yields the rows of a Parquet file, reading a page of each column at a time, however large its row groups are. Integers
 * and decimals become numbers, `ExactNumber`s where those do not hold them; absent values become null.
 * @throws UserError where the file is damaged
 */
export async function* readParquetRows(path: string): AsyncGenerator<ParquetRow> {
  const metadata = await readMetadata(path);
  // Loaded only now, since it comes with a WebAssembly memory that reserves 10 GB of addresses.
  const { ColumnPages } = await import('./parquetPages.js');
  const fd = openSync(path, 'r');
  try {
    const open: OpenColumn = (chunk, schema) => new ColumnPages(fd, chunk, schema);
    let line = 0;
    for (const row of rowsOf(open, metadata, path)) yield { line: ++line, row };
  } finally {
    closeSync(fd);
  }
}

type OpenColumn = (chunk: ColumnChunk, schema: SchemaTree) => ColumnPages;

function* rowsOf(open: OpenColumn, metadata: FileMetaData, path: string): Generator<Record<string, unknown>> {
  const schema = parquetSchema(metadata);
  for (const group of metadata.row_groups) {
    const columns = reading(path, () => group.columns.map((chunk) => open(chunk, schema)));
    for (let left = Number(group.num_rows); left > 0;) {
      const rows = reading(path, () => readTogether(columns, schema, left));
      yield* rows;
      left -= rows.length;
    }
  }
}

/** Reads as many rows as all columns have ready. */
function readTogether(
  columns: readonly ColumnPages[],
  schema: SchemaTree,
  most: number,
): Record<string, unknown>[] {
  const count = Math.min(most, MAX_ROWS, ...columns.map((column) => column.ready()));
  const values = new Map<string, DecodedArray>(columns.map((column) => [column.path, column.take(count)]));
  for (const child of schema.children)
    if (child.children.length > 0) assembleNested(values, child, DEFAULT_PARSERS);
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      schema.children.map(({ element: { name } }) => [name, plain(values.get(name)![i] as unknown)]),
    ),
  );
}

async function readMetadata(path: string): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(await asyncBufferFromFile(path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): UserError {
  return new UserError(`${path} is not a Parquet file that can be read: ${messageOf(error)}.`);
}

/** Converts a value to what JSON can hold. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return readNumber(String(value));
  if (typeof value !== 'object' || value instanceof Date || value instanceof ExactNumber) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
