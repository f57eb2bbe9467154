/** @file Reads and writes tensors as safetensors files. The format itself is in safetensorsFormat.ts. */
import { statSync } from 'node:fs';
import {
  readSafetensorsHeader,
  writeSafetensors,
  type SafetensorsDtype,
  type TensorEntry,
} from './safetensorsFormat.js';
import { UserError } from '../util/errors.js';
import { fromBytes } from './data.js';
import { dtypeSize, type Dtype } from './dtype.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

const dtypes: Partial<Record<SafetensorsDtype, Dtype>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  I32: 'i32',
  I16: 'i16',
  I8: 'i8',
  U8: 'u8',
  BOOL: 'bool',
};
const tags = new Map(Object.entries(dtypes).map(([tag, dtype]) => [dtype, tag as SafetensorsDtype]));

/** A safetensors file mapped into memory: its tensors are views of the file and cost nothing until they are read. */
export class SafetensorsFile implements Disposable {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #dataStart: number;
  readonly #bytes: Tensor;

  /** @throws UserError for a file that does not exist, is cut off, or does not fit its header */
  constructor(readonly path: string) {
    const header = readSafetensorsHeader(path);
    this.entries = new Map(header.entries.map((entry) => [entry.name, entry]));
    this.metadata = header.metadata;
    this.#dataStart = header.dataStart;
    // A private mapping: writing to a view never reaches the file.
    this.#bytes = ops.fromFile(path, false, statSync(path).size, { dtype: 'u8' });
  }

  /** Returns the element type of a tensor in the file. */
  dtype(name: string): Dtype {
    const entry = this.#entry(name);
    const dtype = dtypes[entry.dtype];
    if (!dtype)
      throw new UserError(`${this.path}: tensor "${name}" has type ${entry.dtype}, which is not supported`);
    return dtype;
  }

  /** Returns a view of the file; copy it before the file is disposed. */
  tensor(name: string): Tensor {
    const entry = this.#entry(name);
    const dtype = this.dtype(name);
    return scope(() => {
      const start = this.#dataStart + entry.begin;
      let bytes = ops.narrow(this.#bytes, 0, start, entry.end - entry.begin);
      if (start % 8 !== 0) bytes = ops.clone(bytes); // a view of wider elements needs an aligned start
      return ops.view(ops.viewDtype(bytes, dtype), entry.shape);
    });
  }

  #entry(name: string): TensorEntry {
    const entry = this.entries.get(name);
    if (!entry) throw new UserError(`${this.path}: there is no tensor "${name}"`);
    return entry;
  }

  [Symbol.dispose](): void {
    this.#bytes.dispose();
  }
}

/** A tensor to write; `dtype` is that of the file. */
export interface NamedTensor {
  name: string;
  tensor: Tensor;
  dtype: Dtype;
}

/** Counts the bytes that a tensor takes in a file. */
export const byteLength = ({ tensor, dtype }: NamedTensor): number => tensor.elements * dtypeSize[dtype];

/** Writes a safetensors file as Hugging Face's own library does: the same tensors give the same bytes. */
export function saveSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata?: Record<string, string>,
): void {
  // All tensors are converted into one buffer in turn: a buffer that JavaScript has seen is freed only when the event
  // loop turns, which it does not do during a save.
  const buffer = new Uint8Array(Math.max(0, ...tensors.map(byteLength)));
  writeSafetensors(
    path,
    tensors.map((named) => ({
      name: named.name,
      dtype: tags.get(named.dtype)!,
      shape: [...named.tensor.shape],
      bytes: () => {
        const bytes = buffer.subarray(0, byteLength(named));
        scope(() => ops.copy_(fromBytes(bytes, named.tensor.shape, named.dtype), named.tensor));
        return bytes;
      },
    })),
    metadata,
  );
}
