/** @file Opens a file of rows for writing, JSON lines or Parquet by its ending. */
import { setImmediate } from 'node:timers/promises';
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import { UserError } from '../util/errors.js';
import { FileReplacement, writeAll, type Replacing } from '../util/files.js';
import { readJsonLines } from './jsonl.js';
import { JsonLinesFile } from './jsonLinesFile.js';
import { Shape } from './parquetColumns.js';

/** Rows on their way into a file, which appears when it is whole. */
export interface RowOutput extends Disposable, Replacing {
  /** Takes a row of what JSON can hold. */
  write(row: Record<string, unknown>): void;
  /** Makes the file whole, beside its place. @throws the signal's reason when it is aborted */
  complete?(signal?: AbortSignal): Promise<void>;
}

/** Opens a file of JSON lines (`.jsonl`) or a Parquet file (`.parquet`). @throws UserError for other endings */
export function openRowOutput(path: string): RowOutput {
  if (path.endsWith('.jsonl')) return new JsonLinesFile(path);
  if (path.endsWith('.parquet')) return new ParquetOutput(path);
  throw new UserError(`${path} must end in .jsonl or .parquet.`);
}

/** Rows of long traces: a group of them is held in memory. */
const ROWS_PER_GROUP = 500;

/** A Parquet file has one type a column, known when all rows are: until then they are JSON lines beside it. */
class ParquetOutput implements RowOutput {
  readonly #rows: JsonLinesFile;
  readonly #shape = new Shape();
  readonly #file: FileReplacement;

  constructor(path: string) {
    this.#file = new FileReplacement(path);
    this.#rows = new JsonLinesFile(`${path}.rows`);
  }

  write(row: Record<string, unknown>): void {
    this.#shape.add(row);
    this.#rows.write(row);
  }

  async complete(signal?: AbortSignal): Promise<void> {
    const writer = new ByteWriter();
    const flush = () => {
      this.#file.fill((fd) => {
        writeAll(fd, writer.getBytes());
      });
      writer.index = 0;
    };
    await parquetWriteRows({
      writer: Object.assign(writer, { flush, finish: flush }),
      rows: this.#converted(signal),
      ...this.#shape.schema(),
      rowGroupSize: ROWS_PER_GROUP,
    });
  }

  finish(): void {
    this.#file.finish();
  }

  replace(): void {
    this.#file.replace();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
    this.#rows[Symbol.dispose]();
  }

  async *#converted(signal: AbortSignal | undefined): AsyncGenerator<Record<string, unknown>> {
    let count = 0;
    for (const { row } of readJsonLines(this.#rows.temporary)) {
      if (count++ % ROWS_PER_GROUP === 0) {
        await setImmediate(); // signals are heard
        signal?.throwIfAborted();
      }
      yield this.#shape.row(row);
    }
  }
}
