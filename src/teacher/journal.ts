/** @file A file of JSON lines that only grows and survives a kill. What the lines mean is not its business. */
import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { readFully } from '../util/files.js';

/** Where a line lies in the journal, in bytes. */
export interface Place {
  offset: number;
  length: number;
}

/** How the first line of every journal begins. */
const BEGINNING = '{"journal":';
const CHUNK_BYTES = 1 << 20;
/** The endpoint sends no more than a quarter of this. */
const MAX_LINE_BYTES = 1 << 28;
const NEWLINE = 0x0a;

/**
 * A file of JSON lines that only grows. A line that `append` has reported is on disk and stays there, whatever happens
 * to the process; the one that was being written when it died is cut off at the next opening.
 */
export class Journal {
  #size = 0;
  #waiting: Buffer[] = [];
  #written: Promise<void> = Promise.resolve();

  readonly #file: FileHandle;

  private constructor(
    readonly path: string,
    file: FileHandle,
  ) {
    this.#file = file;
  }

  /**
   * Opens or begins a journal and hands every whole line in it to `onLine`.
   * @throws UserError where a line other than the last is damaged
   */
  static async open(path: string, onLine: (line: unknown, place: Place) => void): Promise<Journal> {
    const journal = new Journal(path, await open(path, 'a+'));
    try {
      await journal.#recover(onLine);
    } catch (error) {
      await journal.#file.close();
      throw error;
    }
    return journal;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /**
   * Resolves when the line is on disk. Lines that come while others are being written are written together, with one
   * flush to disk. After an error nothing more is written, since the end of the file is then unknown.
   */
  append(line: object): Promise<Place> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`, 'utf8');
    const place = { offset: this.#size, length: bytes.length };
    this.#size += bytes.length;
    this.#waiting.push(bytes);
    this.#written = this.#written.then(() => this.#write());
    return this.#written.then(() => place);
  }

  /** The line at a place, parsed. */
  read({ offset, length }: Place): unknown {
    const bytes = Buffer.alloc(length);
    readFully(this.#file.fd, bytes, offset);
    return JSON.parse(bytes.toString('utf8'));
  }

  /** Begins anew: whoever calls it has seen that no line is needed. */
  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#size = 0;
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#written.catch(() => undefined); // whoever appended has the error
    await this.#file.close();
  }

  async #write(): Promise<void> {
    const lines = this.#waiting;
    if (lines.length === 0) return; // written with those before
    this.#waiting = [];
    try {
      await this.#file.appendFile(Buffer.concat(lines));
      await this.#file.datasync();
    } catch (error) {
      // What goes wrong with an open file does not say which file it is.
      throw Object.assign(error as NodeJS.ErrnoException, { path: this.path });
    }
  }

  async #recover(onLine: (line: unknown, place: Place) => void): Promise<void> {
    let damaged: number | undefined;
    for (const { bytes, offset, number } of this.#lines()) {
      if (damaged !== undefined)
        throw new UserError(
          `${this.path}, line ${damaged}: the journal is damaged there; remove that line (its trace is then collected again).`,
        );
      const line = parse(bytes);
      if (line === undefined) damaged = number;
      else {
        this.#size = offset + bytes.length + 1;
        onLine(line, { offset, length: bytes.length + 1 });
      }
    }
    if (this.#size === 0) await this.#requireOwn();
    await this.#file.truncate(this.#size);
  }

  /** A file without a whole line of ours is the torn beginning of a journal, or somebody else's and stays as it is. */
  async #requireOwn(): Promise<void> {
    const { size } = await this.#file.stat();
    const begun = Buffer.alloc(Math.min(size, BEGINNING.length));
    readFully(this.#file.fd, begun, 0);
    const isOurs = BEGINNING.startsWith(begun.toString('utf8')) || begun.every((byte) => byte === 0);
    if (!isOurs)
      throw new UserError(`${this.path} is not a journal of redistill: choose another folder for --out.`);
  }

  /** The lines that end in a newline, without it. */
  *#lines(): Generator<{ bytes: Buffer; offset: number; number: number }> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let begun: Buffer[] = [];
    let offset = 0; // of the line that has begun
    let number = 0;
    for (let position = 0; ;) {
      const piece = chunk.subarray(0, readFully(this.#file.fd, chunk, position));
      if (piece.length === 0) return;
      let start = 0;
      for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
        const bytes = Buffer.concat([...begun, piece.subarray(start, end)]);
        begun = [];
        yield { bytes, offset, number: ++number };
        offset += bytes.length + 1;
        start = end + 1;
      }
      begun.push(Buffer.from(piece.subarray(start)));
      position += piece.length;
      if (position - offset > MAX_LINE_BYTES)
        throw new UserError(`${this.path} has a line of more than 256 MiB: is it a journal of redistill?`);
    }
  }
}

const jsonObject = z.record(z.string(), z.unknown());

/** The line's object, undefined where it is not one: a power cut may leave a line of zeros. */
function parse(bytes: Buffer): unknown {
  try {
    return jsonObject.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return undefined;
  }
}
