/** @file Moves numbers between typed arrays and tensors. */
import { dtypeCodes, type Dtype } from './dtype.js';
import { native } from './native.js';
import { contiguous, toDevice, toDtype } from './ops.js';
import { scope, Tensor } from './tensor.js';

const arrayDtype = {
  Uint8Array: 'u8',
  Int8Array: 'i8',
  Int16Array: 'i16',
  Int32Array: 'i32',
  BigInt64Array: 'i64',
  Float32Array: 'f32',
  Float64Array: 'f64',
} as const satisfies Record<string, Dtype>;

type NumericArray =
  Uint8Array | Int8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array;

/** Wraps the array's own memory as a CPU tensor: writing to one changes the other. */
export function fromArray(data: NumericArray, shape: readonly number[] = [data.length]): Tensor {
  const dtype = arrayDtype[data[Symbol.toStringTag]]; // a Buffer's tag is Uint8Array
  return new Tensor(native.fromBuffer(data, shape, dtypeCodes[dtype]));
}

/** Wraps raw bytes of the given element type as a CPU tensor. */
export function fromBytes(data: Uint8Array, shape: readonly number[], dtype: Dtype): Tensor {
  return new Tensor(native.fromBuffer(data, shape, dtypeCodes[dtype]));
}

/** Copies token ids or indices to `device` as int64, which libtorch's indexing requires. */
export function indices(values: ArrayLike<number>, device = 'cpu'): Tensor {
  const ids = Int32Array.from(values);
  return scope(() => toDevice(fromArray(ids), device, 'i64'));
}

/** Returns the tensor's bytes in row-major order, without a copy if it is on the CPU and contiguous. */
export function toBytes(tensor: Tensor): Uint8Array {
  return new Uint8Array(
    scope(() => native.toBuffer(contiguous(toDevice(tensor, 'cpu', tensor.dtype)).handle)),
  );
}

/** Returns the values in row-major order as 32-bit floats. */
export function toFloat32Array(tensor: Tensor): Float32Array {
  return new Float32Array(
    scope(() => native.toBuffer(contiguous(toDtype(toDevice(tensor, 'cpu', tensor.dtype), 'f32')).handle)),
  );
}

/** Returns the values in row-major order as 64-bit floats. */
export function toFloat64Array(tensor: Tensor): Float64Array {
  return new Float64Array(
    scope(() => native.toBuffer(contiguous(toDtype(toDevice(tensor, 'cpu', tensor.dtype), 'f64')).handle)),
  );
}

/** Returns integer values in row-major order. */
export function toInt32Array(tensor: Tensor): Int32Array {
  return new Int32Array(
    scope(() => native.toBuffer(contiguous(toDtype(toDevice(tensor, 'cpu', tensor.dtype), 'i32')).handle)),
  );
}
