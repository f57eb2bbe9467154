/** @file Reads a file of lines that another process writes: only what has been added, and all again where it was replaced. */
import { closeSync, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { explainFileError } from '../../util/fileErrors.js';

const CHUNK = 1 << 20;
/** A longer line is passed over. */
const MAX_LINE = 1 << 20;
/** Bytes before the place of reading that must be as they were. */
const KEPT = 256;
const LINE_END = 0x0a;

/** What hears of a file's lines. */
export interface LineReader {
  /** The file is another one than before, or shorter: what was read of it no longer counts. */
  reset: () => void;
  line: (text: string) => void;
}

/** A file that is followed. Nothing is read while its size and its time stay as they are. */
export class TailedFile {
  #seen = '';
  #inode: bigint | undefined;
  /** Bytes that have been read as whole lines, or passed over. */
  #offset = 0;
  /** The last of them. */
  #before = Buffer.alloc(0);
  /** What is read is within a line that is too long. */
  #isWithin = false;
  #isDistrusted = false;

  constructor(readonly path: string) {}

  /** Milliseconds since 1970, of its last change; undefined where it is not there. */
  changed: number | undefined;

  /**
   * Reads the lines that have become whole. A file that is not there has none.
   * @param most bytes, about, after which it stops; more than a line may have
   * @throws UserError where it cannot be read
   */
  poll(reader: LineReader, most = Infinity): { hasRead: boolean; isAll: boolean } {
    // A line that is never read whole would be begun for ever.
    if (most <= MAX_LINE) throw new RangeError(`${most} bytes may be less than a line`);
    let file: number;
    try {
      file = openSync(this.path, 'r');
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw explainFileError(error, { path: this.path });
      return this.#gone(reader);
    }
    try {
      const stats = fstatSync(file, { bigint: true });
      if (!stats.isFile()) return this.#gone(reader);
      this.changed = Number(stats.mtimeMs);
      const seen = [stats.ino, stats.size, stats.mtimeNs].join(' ');
      if (seen === this.#seen) return { hasRead: false, isAll: true };
      if (this.#inode !== undefined && !this.#isSame(file, stats)) this.#reset(reader);
      const isAll = this.#read(file, reader, most);
      this.#seen = isAll ? seen : '';
      this.#inode = stats.ino;
      return { hasRead: true, isAll };
    } finally {
      closeSync(file);
    }
  }

  /** Has the next look take the file for another one. */
  distrust(): void {
    this.#seen = '';
    this.#isDistrusted = true;
  }

  /** Has the whole file be read again. */
  forget(): void {
    this.#isDistrusted = false;
    this.#seen = '';
    this.#inode = undefined;
    this.#offset = 0;
    this.#before = Buffer.alloc(0);
    this.#isWithin = false;
  }

  #gone(reader: LineReader): { hasRead: boolean; isAll: boolean } {
    const wasThere = this.#inode !== undefined;
    this.changed = undefined;
    if (wasThere) this.#reset(reader);
    return { hasRead: wasThere, isAll: true };
  }

  #reset(reader: LineReader): void {
    this.forget();
    reader.reset();
  }

  /** Whether the file only grew. */
  #isSame(file: number, { ino, size }: BigIntStats): boolean {
    if (this.#isDistrusted || ino !== this.#inode || size < BigInt(this.#offset)) return false;
    const found = Buffer.alloc(this.#before.length);
    const count = readSync(file, found, 0, found.length, this.#offset - found.length);
    return count === found.length && found.equals(this.#before);
  }

  /** @returns whether that was all */
  #read(file: number, reader: LineReader, most: number): boolean {
    let rest = Buffer.alloc(0);
    let at = this.#offset;
    for (const end = at + most; at < end;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const count = readSync(file, chunk, 0, CHUNK, at);
      if (count === 0) return true;
      at += count;
      const bytes =
        rest.length === 0 ? chunk.subarray(0, count) : Buffer.concat([rest, chunk.subarray(0, count)]);
      const whole = bytes.lastIndexOf(LINE_END) + 1;
      if (whole > 0) {
        const lines = bytes.toString('utf8', 0, whole - 1).split('\n');
        for (const line of this.#isWithin ? lines.slice(1) : lines)
          if (line !== '' && line.length <= MAX_LINE) reader.line(line);
        this.#pass(bytes.subarray(0, whole), false);
      }
      rest = bytes.subarray(whole);
      if (rest.length > MAX_LINE) {
        this.#pass(rest, true);
        rest = Buffer.alloc(0);
      }
    }
    return false;
  }

  #pass(bytes: Buffer, isWithin: boolean): void {
    this.#offset += bytes.length;
    this.#before = Buffer.from(Buffer.concat([this.#before, bytes.subarray(-KEPT)]).subarray(-KEPT));
    this.#isWithin = isWithin;
  }
}
