import { readFileSync, writeFileSync } from 'node:fs';

/** Codes of value types in the format. */
const UINT16 = 2;
const STRING = 8;
const ALIGNMENT = 32;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

/** A copy of a GGUF file with another string as the value of a key that holds one. */
export function withString(file: Buffer, key: string, value: string): Buffer {
  const at = file.indexOf(Buffer.concat([text(key), u32(STRING)])) + text(key).length + 4;
  const length = Number(file.readBigUInt64LE(at));
  const rest = file.subarray(at + 8 + length);
  // The data keep their place modulo the alignment, which the padding before them provides.
  const grown = text(value).length - (8 + length);
  const start = layoutOf(file).dataStart;
  const header = Buffer.concat([
    file.subarray(0, at),
    text(value),
    rest.subarray(0, start - (at + 8 + length)),
  ]);
  const end = layoutOf(file).headerEnd + grown;
  const padded = Buffer.alloc(Math.ceil(end / ALIGNMENT) * ALIGNMENT);
  header.copy(padded, 0, 0, end);
  return Buffer.concat([padded, file.subarray(start)]);
}

interface Layout {
  keysEnd: number;
  headerEnd: number;
  dataStart: number;
  keys: number;
  tensors: { info: Buffer; name: string; offset: number }[];
}

const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** Reads where the parts of a file are. */
function layoutOf(file: Buffer): Layout {
  const count = Number(file.readBigUInt64LE(8));
  const keys = Number(file.readBigUInt64LE(16));
  let at = 24;
  const long = (): number => {
    at += 8;
    return Number(file.readBigUInt64LE(at - 8));
  };
  const word = (): number => {
    at += 4;
    return file.readUInt32LE(at - 4);
  };
  const skipText = (): void => {
    const length = long();
    at += length;
  };
  const skip = (type: number): void => {
    if (type === STRING) skipText();
    else if (type === 9) {
      const of = word();
      for (let left = long(); left > 0; left--) skip(of);
    } else at += SIZES[type]!;
  };
  for (let i = 0; i < keys; i++) {
    skipText();
    skip(word());
  }
  const keysEnd = at;
  const tensors = Array.from({ length: count }, () => {
    const begin = at;
    const length = long();
    const name = file.toString('utf8', at, at + length);
    at += length;
    const dimensions = word();
    at += 8 * dimensions + 4;
    const offset = long();
    return { info: file.subarray(begin, at - 8), name, offset };
  });
  return { keysEnd, headerEnd: at, dataStart: Math.ceil(at / ALIGNMENT) * ALIGNMENT, keys, tensors };
}

/** Splits a GGUF file as llama.cpp's gguf-split does: the first part has the metadata, all have their numbers. */
export function splitGguf(path: string, parts: readonly string[]): void {
  const file = readFileSync(path);
  const { keysEnd, dataStart, keys, tensors } = layoutOf(file);
  const ordered = [...tensors].sort((a, b) => a.offset - b.offset);
  parts.forEach((part, number) => {
    const own = tensors.filter((_, i) => i % parts.length === number);
    let position = 0;
    const data: Buffer[] = [];
    const infos = own.map(({ info, offset }) => {
      const next = ordered.find((other) => other.offset > offset)?.offset ?? file.length - dataStart;
      const bytes = Buffer.alloc(Math.ceil((next - offset) / ALIGNMENT) * ALIGNMENT);
      file.copy(bytes, 0, dataStart + offset, dataStart + next);
      data.push(bytes);
      position += bytes.length;
      return Buffer.concat([info, u64(position - bytes.length)]);
    });
    const small = (key: string, value: number): Buffer =>
      Buffer.concat([text(key), u32(UINT16), Buffer.from([value & 255, value >> 8])]);
    const split = [
      small('split.no', number),
      small('split.count', parts.length),
      small('split.tensors.count', tensors.length),
    ];
    const header = Buffer.concat([
      file.subarray(0, 8),
      u64(own.length),
      u64((number === 0 ? keys : 0) + split.length),
      ...(number === 0 ? [file.subarray(24, keysEnd)] : []),
      ...split,
      ...infos,
    ]);
    const padding = Buffer.alloc((ALIGNMENT - (header.length % ALIGNMENT)) % ALIGNMENT);
    writeFileSync(part, Buffer.concat([header, padding, ...data]));
  });
}
