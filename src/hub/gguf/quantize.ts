/** @file Encodes float32 weights as ggml's blocks: the opposite of `dequantize.ts`, for the types that are written. */
import { GGMLQuantizationType } from '@huggingface/gguf';
import { blockSize } from './dequantize.js';

type Encode = (weights: Float32Array, output: Uint8Array) => void;

const ENCODERS = new Map<GGMLQuantizationType, Encode>([
  [GGMLQuantizationType.F32, encodeF32],
  [GGMLQuantizationType.F16, encodeF16],
  [GGMLQuantizationType.Q8_0, encodeQ8_0],
]);

/**
 * Encodes weights, whole blocks of them, bit for bit as llama.cpp does.
 * @returns undefined where one is not finite, or the type has no number for it
 * @throws RangeError if the type cannot be written or the weights are not whole blocks
 */
export function quantize(type: GGMLQuantizationType, weights: Float32Array): Uint8Array | undefined {
  const encode = ENCODERS.get(type);
  const block = blockSize(type);
  if (encode === undefined || block === undefined) throw new RangeError(`cannot write the type ${type}`);
  const blocks = weights.length / block.weights;
  if (!Number.isInteger(blocks)) throw new RangeError(`${weights.length} weights are not whole blocks`);
  const output = new Uint8Array(blocks * block.bytes);
  encode(weights, output);
  return weights.every(Number.isFinite) && !overflows(type, output) ? output : undefined;
}

/** Tells whether a half-precision number among the output is infinite: a weight of F16, a scale of Q8_0. */
function overflows(type: GGMLQuantizationType, output: Uint8Array): boolean {
  const { bytes } = blockSize(type)!;
  if (type === GGMLQuantizationType.F32) return false;
  for (let at = 0; at < output.length; at += bytes) if ((output[at + 1]! & 0x7c) === 0x7c) return true;
  return false;
}

function encodeF32(weights: Float32Array, output: Uint8Array): void {
  output.set(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength));
}

/** Bits of a float32 number, in turn. */
const number = new Float32Array(1);
const bits = new Uint32Array(number.buffer);

/** Rounds a number to half precision, ties to even, and returns its bits. */
function halfBits(value: number): number {
  number[0] = value;
  const all = bits[0]!;
  const sign = (all >>> 16) & 0x8000;
  const magnitude = all & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65,536 and more
  if (magnitude < 0x38800000) {
    // Below 2⁻¹⁴ a half counts steps of 2⁻²⁴, whose number is exact in a double.
    return sign | roundToEven(Math.abs(number[0]) * 2 ** 24);
  }
  // 13 bits go; a carry moves on into the exponent, as it should, and from the largest half to infinity.
  const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
  return sign | (rounded >>> 13);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function encodeF16(weights: Float32Array, output: Uint8Array): void {
  for (let i = 0; i < weights.length; i++) {
    const half = halfBits(weights[i]!);
    output[2 * i] = half & 0xff;
    output[2 * i + 1] = half >>> 8;
  }
}

/** A block of 32: d = max/127 as a half, and each weight as a multiple of the d before that rounding (`ggml-quants.c`). */
function encodeQ8_0(weights: Float32Array, output: Uint8Array): void {
  for (let from = 0, at = 0; from < weights.length; from += 32, at += 34) {
    let largest = 0;
    for (let i = from; i < from + 32; i++) largest = Math.max(largest, Math.abs(weights[i]!));
    const d = Math.fround(largest / 127);
    const half = halfBits(d);
    // Weights so small that d is 0 as a half are 0; their inverse might be infinite.
    const inverse = half === 0 ? 0 : Math.fround(1 / d);
    output[at] = half & 0xff;
    output[at + 1] = half >>> 8;
    for (let i = 0; i < 32; i++) {
      const scaled = Math.fround(weights[from + i]! * inverse);
      // Halves go away from zero, and a negative number wraps into its byte.
      output[at + 2 + i] = Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5);
    }
  }
}
