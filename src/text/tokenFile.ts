/**
 * @file Keeps tokenised rows in a file: the tokens of each sequence one after the other, and an index at the end. Only the
 * index is held in memory; sequences are read one by one, from where it says that they are.
 */
import { createHash } from 'node:crypto';
import { closeSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { columnBytes, ColumnTable, readColumns, tableBytes, type Columns } from '../util/columns.js';
import { FileReplacement, readFully, writeAll } from '../util/files.js';
import { openRegular } from '../util/regularFile.js';
import {
  bytesOf,
  largestIdOf,
  namesOf,
  rowNames,
  rowOf,
  sizeOf,
  type RowNames,
  type RowShape,
} from './rowBytes.js';
import type { TokenRow } from './tokenRows.js';

/** A sequence of a row, and the part that it plays in it. */
export interface RowSequence {
  role: string;
  row: TokenRow;
}

/** A row of a data file as tokens. */
export interface TokenisedRow {
  line: number;
  /** The first 13 hexadecimal digits of a digest of what the row says. */
  digest: string;
  sequences: readonly RowSequence[];
}

const rowColumns = {
  line: 'u32',
  /** 13 hexadecimal digits, which a double holds. */
  digest: 'f64',
  /** How many rows before it have the same digest. */
  repeats: 'u32',
  /** The index of its first sequence. */
  first: 'u32',
} as const;

const sequenceColumns = {
  /** Its first byte in the file. */
  offset: 'f64',
  length: 'u32',
  responseStart: 'u32',
  /** The number of tokens that are only scored. */
  scoreOnly: 'u32',
  largestId: 'u32',
  checksum: 'u32',
  /** 13 hexadecimal digits of a digest of its prompt's ids. */
  prompt: 'f64',
  /** The index of its role in the file's list. */
  role: 'u8',
  hasWeights: 'u8',
  hasSegments: 'u8',
  /** The index in the file's list of the names of its scalars and columns. */
  names: 'u32',
  /** The numbers in them, the length of each column included. */
  numbers: 'u32',
  /** The token ids of columns, and where those of each token begin. */
  places: 'u32',
} as const;

type Sequences = Columns<typeof sequenceColumns>;

const contents = z.object({
  rows: z.number(),
  sequences: z.number(),
  roles: z.array(z.string()),
  names: z.array(rowNames),
  notes: z.unknown(),
});

/** The end of the file: bytes of the index, bytes of its description, a digest of both, a mark. */
const TAIL_BYTES = 8 + 8 + 32 + 8;
const MARK = Buffer.from('RDTOKEN4');

/** Writes a file of tokens, which is in its place when it is whole. */
export class TokenFileWriter implements Disposable {
  readonly #file: FileReplacement;
  readonly #rows = new ColumnTable(rowColumns);
  readonly #sequences = new ColumnTable(sequenceColumns);
  readonly #roles: string[] = [];
  /** Of scalars, columns and top-k columns, as JSON. */
  readonly #names: string[] = [];
  #written = 0;

  constructor(readonly path: string) {
    this.#file = new FileReplacement(path);
  }

  /** Appends rows, in file order. */
  write(rows: readonly TokenisedRow[]): void {
    const parts: Uint8Array[] = [];
    for (const { line, digest, sequences } of rows) {
      this.#rows.push({ line, digest: parseInt(digest, 16), repeats: 0, first: this.#sequences.length });
      for (const { role, row } of sequences) parts.push(...this.#append(role, row));
    }
    this.#put(parts);
  }

  /** @param notes whatever else is to be known of the file, as JSON has it */
  commit(notes: unknown): void {
    const rows = this.#rows.columns();
    countRepeats(rows);
    const index = [
      ...columnBytes(rowColumns, rows),
      ...columnBytes(sequenceColumns, this.#sequences.columns()),
    ];
    const described: z.input<typeof contents> = {
      rows: this.#rows.length,
      sequences: this.#sequences.length,
      roles: this.#roles,
      names: this.#names.map((names) => JSON.parse(names) as RowNames),
      notes,
    };
    const description = Buffer.from(JSON.stringify(described));
    const sizes = Buffer.alloc(16);
    sizes.writeDoubleLE(index.reduce((sum, { length }) => sum + length, 0));
    sizes.writeDoubleLE(description.length, 8);
    const hash = createHash('sha256');
    for (const part of [...index, description, sizes]) hash.update(part);
    this.#put([...index, description, sizes, hash.digest(), MARK]);
    this.#file.commit();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  #append(role: string, row: TokenRow): Uint8Array[] {
    const { ids, responseStart, weights, segments, scoreOnly } = row;
    if (!this.#roles.includes(role)) this.#roles.push(role);
    const names = JSON.stringify(namesOf(row));
    if (!this.#names.includes(names)) this.#names.push(names);
    const { bytes, numbers, places } = bytesOf(row);
    this.#sequences.push({
      offset: this.#written,
      length: ids.length,
      responseStart,
      scoreOnly: scoreOnly?.length ?? 0,
      largestId: largestIdOf(row),
      checksum: checksumOf(bytes),
      prompt: digestOf(ids.subarray(0, responseStart)),
      role: this.#roles.indexOf(role),
      hasWeights: weights ? 1 : 0,
      hasSegments: segments ? 1 : 0,
      names: this.#names.indexOf(names),
      ...{ numbers, places },
    });
    this.#written += bytes.length;
    return [bytes];
  }

  #put(parts: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(parts);
    this.#file.fill((fd) => {
      writeAll(fd, bytes);
    });
  }
}

/** A file that is not whole, or not as it was written. */
export class DamagedTokens extends Error {}

/** A file of tokens that is read. */
export class TokenFile implements Disposable {
  readonly rows: number;
  readonly sequences: number;
  readonly notes: unknown;
  /** Of the index, which has a checksum of each sequence: of all that the rows have become. */
  readonly digest: string;
  readonly #fd: number;
  readonly #rows: Columns<typeof rowColumns>;
  readonly #sequences: Sequences;
  readonly #roles: readonly string[];
  readonly #names: readonly RowNames[];

  /** @throws DamagedTokens where the file is not whole; UserError where there is none */
  constructor(readonly path: string) {
    const { fd, size } = openRegular(path);
    this.#fd = fd;
    try {
      const { described, index, digest } = readEnd(fd, size);
      const { rows, sequences, roles, names, notes } = described;
      const rowBytes = tableBytes(rowColumns, rows);
      this.#rows = readColumns(rowColumns, rows, index);
      this.#sequences = readColumns(sequenceColumns, sequences, index.subarray(rowBytes));
      [this.rows, this.sequences, this.#roles, this.#names] = [rows, sequences, roles, names];
      this.notes = notes;
      this.digest = digest;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  line(row: number): number {
    return this.#rows.line[row]!;
  }

  /** A name that the row keeps while what it says stays the same: a digest, and which of several equal rows it is. */
  id(row: number): string {
    const digest = this.#rows.digest[row]!.toString(16).padStart(13, '0');
    return `${digest}-${this.#rows.repeats[row]!}`;
  }

  /** The indices of a row's sequences, from the first to before the end. */
  sequencesOf(row: number): { first: number; end: number } {
    const end = row + 1 < this.rows ? this.#rows.first[row + 1]! : this.sequences;
    return { first: this.#rows.first[row]!, end };
  }

  role(sequence: number): string {
    return this.#roles[this.#sequences.role[sequence]!]!;
  }

  /** The number of a sequence's tokens. */
  length(sequence: number): number {
    return this.#sequences.length[sequence]!;
  }

  /** The number of tokens of a sequence's response. */
  responseLength(sequence: number): number {
    return this.#sequences.length[sequence]! - this.#sequences.responseStart[sequence]!;
  }

  /** A number that sequences with the same prompt have in common, from the index alone. */
  prompt(sequence: number): number {
    return this.#sequences.prompt[sequence]!;
  }

  /** A digest of all that is kept of a sequence, from the index alone. */
  digestOf(sequence: number): string {
    const { length, responseStart, scoreOnly, checksum, hasWeights, hasSegments, numbers, places } =
      this.#sequences;
    return [length, responseStart, scoreOnly, hasWeights, hasSegments, numbers, places, checksum]
      .map((column) => column[sequence]!)
      .join(' ');
  }

  /** The largest token id of a sequence. */
  largestId(sequence: number): number {
    return this.#sequences.largestId[sequence]!;
  }

  /** Reads a sequence. @throws DamagedTokens where it is not as it was written; the file is removed then */
  read(sequence: number): TokenRow {
    const { offset, length, responseStart, scoreOnly, checksum, hasWeights, hasSegments } = this.#sequences;
    const { names, numbers, places } = this.#sequences;
    const start = responseStart[sequence]!;
    const shape: RowShape = {
      ids: length[sequence]!,
      scoreOnly: scoreOnly[sequence]!,
      weights: hasWeights[sequence]! * (length[sequence]! - start),
      segments: hasSegments[sequence]! * (length[sequence]! - start),
      numbers: numbers[sequence]!,
      places: places[sequence]!,
    };
    const bytes = new Uint8Array(sizeOf(shape));
    const read = readFully(this.#fd, bytes, offset[sequence]!);
    if (read < bytes.length || checksumOf(bytes) !== checksum[sequence]) {
      rmSync(this.path, { force: true });
      throw new DamagedTokens(
        `the tokens in ${this.path} are damaged: they are removed, and made anew by the next run`,
      );
    }
    return { responseStart: start, ...rowOf(bytes, shape, this.#names[names[sequence]!]!) };
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function readEnd(
  fd: number,
  size: number,
): { described: z.output<typeof contents>; index: Uint8Array; digest: string } {
  const damaged = () => new DamagedTokens('it is not whole');
  const tail = Buffer.alloc(TAIL_BYTES);
  if (size < TAIL_BYTES || readFully(fd, tail, size - TAIL_BYTES) < TAIL_BYTES) throw damaged();
  const [indexBytes, descriptionBytes] = [tail.readDoubleLE(0), tail.readDoubleLE(8)];
  const total = indexBytes + descriptionBytes;
  if (!tail.subarray(-MARK.length).equals(MARK)) throw damaged();
  if (
    ![indexBytes, descriptionBytes].every(Number.isSafeInteger) ||
    !(total >= 0 && total <= size - TAIL_BYTES)
  )
    throw damaged();
  const bytes = Buffer.alloc(total);
  readFully(fd, bytes, size - TAIL_BYTES - total);
  const digest = createHash('sha256').update(bytes).update(tail.subarray(0, 16)).digest();
  if (!digest.equals(tail.subarray(16, 48))) throw damaged();
  const described = contents.parse(JSON.parse(bytes.toString('utf8', indexBytes)));
  return { described, index: bytes.subarray(0, indexBytes), digest: digest.toString('hex') };
}

const digestOf = (ids: Int32Array): number =>
  parseInt(createHash('sha256').update(ids).digest('hex').slice(0, 13), 16);

/** FNV-1a over words of four bytes. */
function checksumOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
    hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
  return hash >>> 0;
}

/** Numbers the rows of a digest in file order. Only digests that occur more than once are held beside the columns. */
function countRepeats({ digest, repeats }: Columns<typeof rowColumns>): void {
  const sorted = digest.slice().sort();
  const seen = new Map<number, number>();
  sorted.forEach((value, i) => {
    if (i > 0 && sorted[i - 1] === value) seen.set(value, 0);
  });
  if (seen.size === 0) return;
  digest.forEach((value, i) => {
    const before = seen.get(value);
    if (before === undefined) return;
    repeats[i] = before;
    seen.set(value, before + 1);
  });
}
