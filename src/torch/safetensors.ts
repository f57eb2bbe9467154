/** @file Reads and writes tensors as safetensors files. The format itself is in safetensorsFormat.ts. */
import {
  encodeSafetensors,
  writeSafetensors,
  type SafetensorsDtype,
  type TensorToWrite,
} from './safetensorsFormat.js';
import { SafetensorsReader } from './safetensorsReader.js';
import { UserError } from '../util/errors.js';
import type { Writing } from '../util/meanwhile.js';
import { noGrad } from './autograd.js';
import { fromBytes, toBytes } from './data.js';
import { dtypeSize, type Dtype } from './dtype.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';
import { writeMeanwhile } from './writeMeanwhile.js';

const dtypes = new Map<SafetensorsDtype, Dtype>([
  ['F64', 'f64'],
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I16', 'i16'],
  ['I8', 'i8'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
]);
const tags = new Map(Array.from(dtypes, ([tag, dtype]) => [dtype, tag]));

/** A safetensors file whose tensors can be read one by one. */
export class SafetensorsFile extends SafetensorsReader {
  /** Returns the element type of a tensor in the file. */
  dtype(name: string): Dtype {
    const { dtype: tag } = this.entry(name);
    const dtype = dtypes.get(tag);
    if (!dtype) throw new UserError(`${this.path}: tensor "${name}" has type ${tag}, which is not supported`);
    return dtype;
  }

  /** Reads a tensor. */
  tensor(name: string): Tensor {
    const tensor = ops.empty(this.entry(name).shape, { dtype: this.dtype(name) });
    this.copyInto(name, tensor);
    return tensor;
  }

  /** Reads a tensor into one of the same shape, of whatever type and device; it must be contiguous. */
  copyInto(name: string, target: Tensor): void {
    const dtype = this.dtype(name);
    scope(() => {
      const flat = ops.view(target, [-1]);
      let at = 0;
      for (const piece of this.pieces(name)) {
        const elements = piece.length / dtypeSize[dtype];
        scope(() => ops.copy_(ops.narrow(flat, 0, at, elements), fromBytes(piece, [elements], dtype)));
        at += elements;
      }
    });
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
  const bytesOf = (named: NamedTensor) => () => {
    const bytes = buffer.subarray(0, byteLength(named));
    scope(() => ops.copy_(fromBytes(bytes, named.tensor.shape, named.dtype), named.tensor));
    return bytes;
  };
  writeSafetensors(
    path,
    tensors.map((named) => ({ ...entryOf(named), bytes: bytesOf(named) })),
    metadata,
  );
}

/**
 * Writes a new file of the same bytes while the program goes on. Tensors on the CPU that have the file's type are not copied:
 * they must stay as they are until they have been taken.
 */
export function saveSafetensorsMeanwhile(
  path: string,
  tensors: readonly NamedTensor[],
  metadata?: Record<string, string>,
): Writing {
  const bytesOf = ({ tensor, dtype }: NamedTensor) =>
    scope(() => noGrad(() => toBytes(ops.toDtype(tensor, dtype))));
  return writeMeanwhile(
    path,
    encodeSafetensors(
      tensors.map((named) => ({ ...entryOf(named), bytes: bytesOf(named) })),
      metadata,
    ),
  );
}

const entryOf = ({ name, tensor, dtype }: NamedTensor): Omit<TensorToWrite, 'bytes'> => ({
  name,
  dtype: tags.get(dtype)!,
  shape: [...tensor.shape],
});
