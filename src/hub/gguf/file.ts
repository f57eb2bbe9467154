/** @file Reads GGUF files: metadata, and one tensor at a time. Knows no architecture. */
import { closeSync, openSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import { formatBytesApart } from '../../util/bytes.js';
import { UserError, messageOf } from '../../util/errors.js';
import { readFully } from '../../util/files.js';
import { READABLE_TYPES, blockSize, dequantize } from './dequantize.js';
import { GgufMetadata } from './metadata.js';

export interface GgufTensor {
  name: string;
  /** A `GGMLQuantizationType` that `dequantize` reads. */
  type: number;
  /** Slowest dimension first, as PyTorch writes shapes (the file has the opposite order). */
  shape: number[];
  /** Position in the file and length, in bytes. */
  begin: number;
  length: number;
}

export interface GgufFile {
  path: string;
  metadata: GgufMetadata;
  tensors: ReadonlyMap<string, GgufTensor>;
}

/**
 * Reads the header of a GGUF file and checks that every tensor has a type that can be read and lies inside the file,
 * without overlapping another.
 * @throws UserError that names the file and what is wrong with it
 */
export async function readGguf(path: string): Promise<GgufFile> {
  const file = basename(path);
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new UserError(`${path} does not exist`);
  // The parser limits counts, string lengths, nesting and the bytes that it reads (50 MB).
  const parsed = await gguf(path, { allowLocalFile: true }).catch((error: unknown) => {
    throw new UserError(
      `${file} is not a readable GGUF file (${messageOf(error)}); if it was downloaded, fetch it again`,
    );
  });
  if (!parsed.littleEndian || parsed.metadata.version < 2) {
    throw new UserError(`${file} is a big-endian GGUF file or one of version 1; get the usual kind`);
  }
  const dataStart = Number(parsed.tensorDataOffset);
  // Past the end of the file the parser reads zeros.
  if (parsed.tensorInfoByteRange[1] > size) throw incomplete(file, parsed.tensorInfoByteRange[1], size);

  const header = readRange(path, 0, parsed.tensorInfoByteRange[0]);

  const tensors = new Map<string, GgufTensor>();
  for (const info of parsed.tensorInfos) {
    if (tensors.has(info.name)) throw new UserError(`${file}: tensor ${info.name} is listed twice`);
    const layout = blockSize(info.dtype);
    if (layout === undefined) {
      const type: string | undefined = (GGMLQuantizationType as Record<number, string | undefined>)[
        info.dtype
      ];
      throw new UserError(
        `${file}: tensor ${info.name} has the type ${type ?? info.dtype}, which cannot be read; take a file with ` +
          READABLE_TYPES.join(', '),
      );
    }
    const shape = info.shape.map(Number).reverse();
    const weights = shape.reduce((product, length) => product * length, 1);
    const row = shape.at(-1) ?? 1;
    const length = (weights / layout.weights) * layout.bytes;
    const begin = dataStart + Number(info.offset);
    if (
      shape.length === 0 ||
      weights === 0 ||
      row % layout.weights !== 0 ||
      !Number.isSafeInteger(begin + length)
    ) {
      throw new UserError(`${file}: tensor ${info.name} has the impossible shape [${shape.join(', ')}]`);
    }
    if (begin + length > size) throw incomplete(file, begin + length, size);
    tensors.set(info.name, { name: info.name, type: info.dtype, shape, begin, length });
  }
  checkApart([...tensors.values()], file);
  return { path, metadata: new GgufMetadata(file, { ...parsed.metadata }, header), tensors };
}

function checkApart(tensors: GgufTensor[], file: string): void {
  tensors.sort((a, b) => a.begin - b.begin);
  for (const [index, tensor] of tensors.entries()) {
    const next = tensors[index + 1];
    if (next !== undefined && tensor.begin + tensor.length > next.begin) {
      throw new UserError(`${file}: tensors ${tensor.name} and ${next.name} overlap; fetch the file again`);
    }
  }
}

function incomplete(file: string, needed: number, size: number): UserError {
  const [said, found] = formatBytesApart(needed, size);
  return new UserError(
    `${file}: its header describes at least ${said} but the file has ${found}; ` +
      'the download is incomplete, fetch it again',
  );
}

/** Reads the weights of one tensor as float32, and nothing else of the file. */
export function readGgufTensor(path: string, tensor: GgufTensor): Float32Array {
  return dequantize(tensor.type, readRange(path, tensor.begin, tensor.length));
}

function readRange(path: string, begin: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  const fd = openSync(path, 'r');
  try {
    if (readFully(fd, bytes, begin) < length) {
      throw new UserError(`${basename(path)} became shorter while it was read`);
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}
