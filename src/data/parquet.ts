import { closeSync, openSync } from 'node:fs';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { messageOf, UserError } from '../util/errors.js';
import { readFully } from '../util/files.js';

/** A row of a Parquet file; rows count from 1, as lines do. */
export interface ParquetRow {
  line: number;
  row: Record<string, unknown>;
}

const WINDOW_BYTES = 1 << 26;

/**
 * True when the file begins as Parquet files do, whatever its name.
 * @throws UserError where it cannot be opened, or is called .parquet and does not begin so
 */
export function isParquet(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(missing ? `${path} does not exist.` : `${path} cannot be read: ${messageOf(error)}.`);
  }
  const magic = Buffer.alloc(4);
  try {
    readFully(fd, magic, 0);
  } catch {
    return false; // a directory; whoever reads it says so
  } finally {
    closeSync(fd);
  }
  const found = magic.toString('latin1') === 'PAR1';
  if (!found && path.endsWith('.parquet'))
    throw new UserError(`${path} is not a Parquet file; is it whole, and not a Git LFS pointer?`);
  return found;
}

/** Rows and bytes of a file's content before compression, from its footer. */
export async function parquetSize(path: string): Promise<{ rows: number; bytes: number }> {
  const { metadata } = await open(path);
  return {
    rows: Number(metadata.num_rows),
    bytes: metadata.row_groups.reduce((sum, group) => sum + Number(group.total_byte_size), 0),
  };
}

/**
 * The rows of a Parquet file, a row group at a time: memory is that of one row group, or of some 64 MB of it where the
 * file has offset indexes. 64-bit integers become numbers, absent values null.
 * @param windowBytes row groups with more than this, uncompressed, are read in parts
 * @throws UserError where the file is damaged
 */
export async function* readParquetRows(path: string, windowBytes = WINDOW_BYTES): AsyncGenerator<ParquetRow> {
  const { file, metadata } = await open(path);
  let start = 0;
  for (const group of metadata.row_groups) {
    const end = start + Number(group.num_rows);
    const step = windowRows(group, windowBytes);
    for (let rowStart = start; rowStart < end; rowStart += step) {
      const rowEnd = Math.min(end, rowStart + step);
      const rows = await reading(path, () =>
        parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd, useOffsetIndex: true }),
      );
      let line = rowStart;
      for (const row of rows) yield { line: ++line, row: plain(row) as Record<string, unknown> };
    }
    start = end;
  }
}

/** How many rows of the group to read at once. Without an index a part costs as much as the whole. */
function windowRows(group: RowGroup, windowBytes: number): number {
  const rows = Number(group.num_rows);
  const bytes = Number(group.total_byte_size);
  const indexed = group.columns.every((column) => column.offset_index_offset !== undefined);
  return indexed && bytes > windowBytes ? Math.max(1, Math.floor((rows * windowBytes) / bytes)) : rows;
}

async function open(path: string): Promise<{ file: AsyncBuffer; metadata: FileMetaData }> {
  return reading(path, async () => {
    const file = await asyncBufferFromFile(path);
    return { file, metadata: await parquetMetadataAsync(file) };
  });
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new UserError(`${path} is not a Parquet file that can be read: ${messageOf(error)}.`);
  }
}

/** What JSON can hold. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain);
  for (const [name, inner] of Object.entries(value)) (value as Record<string, unknown>)[name] = plain(inner);
  return value;
}
