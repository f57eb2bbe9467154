/** @file Opens a file of rows as pieces of bytes, unpacked, whatever its name; what it cannot be read as, it refuses by name. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { messageOf, UserError } from '../util/errors.js';
import { readFully } from '../util/files.js';

const PIECE_BYTES = 1 << 20;
const STANDARD_INPUT = 0;
/** So much of a Zstandard file is unpacked at a time: four bytes of it may become 128 KiB. */
const ZSTD_BYTES = 1 << 12;

/** Yields a file as it is, in pieces of up to 1 MiB that share memory. @throws UserError where it cannot be read */
export function* readPieces(path: string): Generator<Buffer, void> {
  const fd = open(path);
  try {
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let read = readPiece(fd, piece, path); read > 0; read = readPiece(fd, piece, path))
      yield piece.subarray(0, read);
  } finally {
    if (fd !== STANDARD_INPUT) closeSync(fd);
  }
}

/**
 * Yields what a text file holds, in pieces: as it is, or unpacked where it is a gzip or a Zstandard file.
 * @throws UserError naming what the file is where that is something else, or in another encoding than UTF-8
 */
export async function* unpackedPieces(path: string): AsyncGenerator<Buffer, void> {
  const pieces = readPieces(path);
  try {
    const first = pieces.next().value;
    if (!first) return;
    const packing = packings.find(({ magic }) => begins(first, magic));
    let isFirst = true;
    for await (const piece of packing
      ? unpacked(packing, copies(first, pieces), path)
      : chain(first, pieces)) {
      if (isFirst) requireText(piece, path);
      isFirst = false;
      yield piece;
    }
  } finally {
    pieces.return();
  }
}

/** Tells whether a regular file is packed. A pipe is not looked into: what is read from it is gone. */
export function isPacked(path: string): boolean {
  const head = beginningOf(path);
  return packings.some(({ magic }) => begins(head, magic));
}

/** The first bytes of a regular file; none of a folder, a pipe or a device. @throws UserError where there is no such file */
export function beginningOf(path: string): Buffer {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`${path} does not exist.`);
  if (!found.isFile()) return Buffer.alloc(0);
  const fd = open(path);
  try {
    const head = Buffer.alloc(8);
    return head.subarray(0, readFully(fd, head, 0));
  } finally {
    closeSync(fd);
  }
}

function* chain(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  yield first;
  yield* rest;
}

/** What unpacks takes its time, and the pieces share memory. */
function* copies(first: Buffer, rest: Iterable<Buffer>): Generator<Buffer> {
  for (const piece of chain(first, rest)) yield Buffer.from(piece);
}

interface Packing {
  readonly name: string;
  readonly magic: string;
  readonly unpack: (pieces: Iterable<Buffer>) => AsyncIterable<unknown> | Iterable<unknown>;
}

const packings: readonly Packing[] = [
  {
    name: 'gzip',
    magic: '\x1f\x8b',
    unpack: (pieces) =>
      pipeline(Readable.from(pieces), createGunzip({ chunkSize: PIECE_BYTES }), () => undefined),
  },
  { name: 'Zstandard', magic: '\x28\xb5\x2f\xfd', unpack: unpackZstd },
];

function* unpackZstd(pieces: Iterable<Buffer>): Generator<Uint8Array> {
  const ready: Uint8Array[] = [];
  const stream = new Decompress((chunk) => ready.push(chunk));
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += ZSTD_BYTES) {
      stream.push(piece.subarray(start, start + ZSTD_BYTES));
      yield* ready.splice(0);
    }
  }
  stream.push(new Uint8Array(0), true);
  yield* ready;
}

async function* unpacked(
  { name, unpack }: Packing,
  pieces: Iterable<Buffer>,
  path: string,
): AsyncGenerator<Buffer> {
  const iterator = unpack(pieces);
  try {
    for await (const piece of iterator) {
      const { buffer, byteOffset, length } = piece as Uint8Array<ArrayBuffer>;
      yield Buffer.from(buffer, byteOffset, length);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} is not a whole ${name} file: ${messageOf(error)}.`);
  }
}

/** How files begin that are not rows of text, and what to do with them. */
const OTHERS: readonly (readonly [magic: string, what: string])[] = [
  ['PK\x03\x04', 'a ZIP archive: unpack it first'],
  ['BZh', 'a bzip2 file: unpack it first, with bunzip2'],
  ['\xfd7zXZ\0', 'an xz file: unpack it first, with unxz'],
  ['7z\xbc\xaf\x27\x1c', 'a 7-Zip archive: unpack it first'],
  ['\x04\x22\x4d\x18', 'an LZ4 file: unpack it first, with unlz4'],
  ['\x1f\x8b', 'a gzip file within another: unpack it first, with gunzip'],
  ['\x28\xb5\x2f\xfd', 'a Zstandard file within another: unpack it first, with unzstd'],
  ['PAR1', 'a Parquet file in a pipe or a packed file: unpack it into a file of its own first'],
  ['ARROW1', 'an Arrow file: save it as Parquet or JSON lines'],
  ['SQLite format 3\0', 'an SQLite database: save its rows as JSON lines'],
  ['version https://git-lfs', 'a Git LFS pointer instead of the file: fetch that with git lfs pull'],
  ['\xff\xfe\0\0', 'text in UTF-32: save it in UTF-8, for example with iconv -f UTF-32 -t UTF-8'],
  ['\0\0\xfe\xff', 'text in UTF-32: save it in UTF-8, for example with iconv -f UTF-32 -t UTF-8'],
  ['\xff\xfe', 'text in UTF-16: save it in UTF-8, for example with iconv -f UTF-16 -t UTF-8'],
  ['\xfe\xff', 'text in UTF-16: save it in UTF-8, for example with iconv -f UTF-16 -t UTF-8'],
];

/** @throws UserError naming what the file looks like where its first bytes are not those of JSON in UTF-8 */
function requireText(piece: Buffer, path: string): void {
  const other = OTHERS.find(([magic]) => begins(piece, magic));
  if (other) throw new UserError(`${path} looks like ${other[1]}.`);
  // JSON begins with two characters of ASCII: without a mark, every other byte of them is zero.
  const [a, b, c, d] = piece;
  const order =
    a !== 0 && b === 0 && c !== 0 && d === 0 ? 'LE' : a === 0 && b !== 0 && c === 0 ? 'BE' : undefined;
  if (order)
    throw new UserError(
      `${path} looks like text in UTF-16: save it in UTF-8, for example with iconv -f UTF-16${order} -t UTF-8.`,
    );
}

function begins(bytes: Buffer, magic: string): boolean {
  return bytes.subarray(0, magic.length).equals(Buffer.from(magic, 'latin1'));
}

function open(path: string): number {
  try {
    // A socket, which Node gives to the programs that it starts, cannot be opened by its name.
    if (path === '/dev/stdin' && fstatSync(STANDARD_INPUT).isSocket()) return STANDARD_INPUT;
    return openSync(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(missing ? `${path} does not exist.` : `${path} cannot be read: ${messageOf(error)}.`);
  }
}

function readPiece(fd: number, piece: Buffer, path: string): number {
  try {
    return readSync(fd, piece);
  } catch (error) {
    const directory = (error as NodeJS.ErrnoException).code === 'EISDIR';
    throw new UserError(
      directory
        ? `${path} is a directory, not a file of rows.`
        : `${path} cannot be read: ${messageOf(error)}.`,
    );
  }
}
