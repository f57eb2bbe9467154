/** @file Reads and writes the safetensors format. Knows bytes and headers but no tensors: it does not load libtorch. */
import { closeSync } from 'node:fs';
import { basename } from 'node:path';
import { formatUnequalBytes } from '../util/bytes.js';
import { UserError, messageOf } from '../util/errors.js';
import { readFully, replaceFile, writeAll } from '../util/files.js';
import { openRegular } from '../util/regularFile.js';

/** Bytes per element. The order is the reference implementation's, which sorts the tensors of a file by it. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  I16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
} as const;

export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

export interface TensorEntry {
  name: string;
  dtype: SafetensorsDtype;
  shape: number[];
  /** First byte, counted from the start of the data section. */
  begin: number;
  /** One past the last byte. */
  end: number;
}

export interface SafetensorsHeader {
  /** Sorted by the position of their data. */
  entries: TensorEntry[];
  metadata: Record<string, string>;
  /** Position in the file at which the data section begins. */
  dataStart: number;
}

export interface TensorToWrite {
  name: string;
  dtype: SafetensorsDtype;
  shape: readonly number[];
  /** Little-endian data; a function is called only when its tensor is written, so that one at a time is in memory. */
  bytes: Uint8Array | (() => Uint8Array);
}

/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100e6;
const LENGTH_BYTES = 8;

/**
 * Reads and checks the header of a safetensors file: every tensor has a known dtype and as many bytes as its shape
 * needs, and together the tensors fill the data section without overlap or gap.
 * @throws UserError that names the file and what is wrong with it.
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  const { fd, size } = openRegular(path);
  try {
    return readHeader(fd, size, basename(path));
  } finally {
    closeSync(fd);
  }
}

/** Reads and checks the header of an open file; `file` names it in errors. */
export function readHeader(fd: number, size: number, file: string): SafetensorsHeader {
  const { text, dataStart } = readHeaderText(fd, size, file);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: its header is not JSON (${messageOf(error)}); fetch the file again`);
  }
  if (!isRecord(header))
    throw new UserError(`${file}: its header is not a JSON object; fetch the file again`);

  const entries: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = readMetadata(value, file);
    else entries.push(readEntry(name, value, file));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, size - dataStart, file);
  return { entries, metadata, dataStart };
}

function readHeaderText(fd: number, size: number, file: string): { text: string; dataStart: number } {
  const prefix = Buffer.alloc(LENGTH_BYTES);
  if (readFully(fd, prefix, 0) < LENGTH_BYTES) {
    throw new UserError(`${file}: the file has ${size} bytes and no header; fetch it again`);
  }
  const length = prefix.readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw new UserError(
      `${file}: its header would have ${length} bytes, more than the format allows; it is not a safetensors file`,
    );
  }
  if (LENGTH_BYTES + Number(length) > size) {
    const [asked, present] = formatUnequalBytes(Number(length), size);
    throw new UserError(
      `${file}: its header has ${asked} but the file only ${present}; ` +
        'the download is incomplete, fetch it again',
    );
  }
  const header = Buffer.alloc(Number(length));
  readFully(fd, header, LENGTH_BYTES);
  return { text: header.toString('utf8'), dataStart: LENGTH_BYTES + Number(length) };
}

function readMetadata(value: unknown, file: string): Record<string, string> {
  if (!isRecord(value) || !Object.values(value).every((entry) => typeof entry === 'string')) {
    throw new UserError(`${file}: __metadata__ in its header must map names to strings`);
  }
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, file: string): TensorEntry {
  const fail = (problem: string): never => {
    throw new UserError(`${file}: tensor ${JSON.stringify(name.slice(0, 200))} ${problem}`);
  };
  if (!isTensorName(name)) fail('has an empty or unprintable name');
  if (!isRecord(value)) return fail('has no description in the header');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) {
    return fail(
      `has the dtype ${JSON.stringify(dtype)}, which is none of ${Object.keys(ELEMENT_BYTES).join(', ')}`,
    );
  }
  if (!isCounts(shape)) return fail('has a shape that is not a list of sizes');
  if (!isCounts(offsets) || offsets.length !== 2) return fail('has data_offsets that are not two positions');
  const [begin, end] = offsets as [number, number];
  const needed = byteLength(dtype as SafetensorsDtype, shape);
  if (end - begin !== needed) {
    return fail(
      `of dtype ${dtype} and shape [${shape.join(', ')}] needs ${needed} bytes but its data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype: dtype as SafetensorsDtype, shape, begin, end };
}

/** Checks that the tensors fill the data section; `entries` are sorted by position. */
function checkLayout(entries: readonly TensorEntry[], available: number, file: string): void {
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin < position) throw new UserError(`${file}: tensor "${name}" overlaps the tensor before it`);
    if (begin > position) {
      throw new UserError(`${file}: ${begin - position} bytes before tensor "${name}" belong to no tensor`);
    }
    position = end;
  }
  if (position > available) {
    const [asked, present] = formatUnequalBytes(position, available);
    throw new UserError(
      `${file}: header says ${asked} of data but the file has ${present}; ` +
        'the download is incomplete, fetch it again',
    );
  }
  if (position < available) {
    throw new UserError(`${file}: ${available - position} bytes at its end belong to no tensor`);
  }
}

/**
 * Writes a safetensors file in one step (the old file stays until the new one is complete). The bytes depend on the
 * tensors and not on their order, and are those that the reference implementation writes: wider dtypes first, then by
 * name, with the header padded by spaces to 8 bytes.
 * @throws Error where a name is unusable or is given twice, or data does not have the size that its shape needs.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): void {
  const { header, sorted } = layOut(tensors, metadata);
  replaceFile(path, (fd) => {
    writeAll(fd, header);
    for (const tensor of sorted) writeAll(fd, bytesOf(tensor));
  });
}

/**
 * The parts, one after the other, of the file that `writeSafetensors` would write; the data are in memory as they are.
 * @throws as `writeSafetensors`
 */
export function encodeSafetensors(
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array[] {
  const { header, sorted } = layOut(tensors, metadata);
  return [header, ...sorted.map(bytesOf)];
}

/** The header with its length, and the tensors in the order of their data. */
function layOut(
  tensors: Iterable<TensorToWrite>,
  metadata?: Readonly<Record<string, string>>,
): { header: Uint8Array; sorted: TensorToWrite[] } {
  const rank = new Map(Object.keys(ELEMENT_BYTES).map((dtype, index) => [dtype, index]));
  const sorted = [...tensors].sort(
    (a, b) =>
      rank.get(b.dtype)! - rank.get(a.dtype)! || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  return { header: encodeHeader(sorted, metadata), sorted };
}

function bytesOf({ name, dtype, shape, bytes }: TensorToWrite): Uint8Array {
  const data = typeof bytes === 'function' ? bytes() : bytes;
  const needed = byteLength(dtype, shape);
  if (data.length !== needed)
    throw new Error(
      `tensor "${name}" of dtype ${dtype} and shape [${shape.join(', ')}] needs ${needed} bytes, got ${data.length}`,
    );
  return data;
}

function encodeHeader(
  sorted: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  // A Map keeps insertion order for names such as "1", which an object would move to the front.
  const fields = new Map<string, string>();
  if (metadata !== undefined) {
    const pairs = Object.keys(metadata).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    fields.set(
      '__metadata__',
      `{${pairs.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join(',')}}`,
    );
  }
  let position = 0;
  for (const { name, dtype, shape } of sorted) {
    if (!isTensorName(name)) throw new Error(`unusable tensor name ${JSON.stringify(name)}`);
    if (fields.has(name)) throw new Error(`tensor "${name}" is given twice`);
    const end = position + byteLength(dtype, shape);
    fields.set(name, `{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${position},${end}]}`);
    position = end;
  }
  const json = `{${[...fields].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
  const length = Math.ceil(Buffer.byteLength(json) / 8) * 8;
  const header = Buffer.alloc(LENGTH_BYTES + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.write(json, LENGTH_BYTES, 'utf8');
  return header;
}

/** Counts the bytes of a tensor's data. */
export function byteLength(dtype: SafetensorsDtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, ELEMENT_BYTES[dtype]);
}

function isTensorName(name: string): boolean {
  return name !== '__metadata__' && /^[^\p{Cc}\p{Cs}]{1,1000}$/u.test(name);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
