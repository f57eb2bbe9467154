/** @file Decodes ggml's quantized blocks to float32. */
import { GGMLQuantizationType } from '@huggingface/gguf';

/**
 * A block layout of ggml (ggml-common.h): `d` and `m` are half-precision scales and minima. The arithmetic is float32,
 * rounded where ggml rounds, so that the values are the same bit for bit. A product of a half-precision scale and a
 * small integer is exact in a double, so that storing it into a Float32Array is the only rounding.
 */
interface Codec {
  /** Weights per block. */
  readonly weights: number;
  /** Bytes per block. */
  readonly bytes: number;
  /** Writes all weights of `blocks` blocks. */
  readonly decode: (input: Uint8Array, output: Float32Array, blocks: number) => void;
}

const CODECS = new Map<number, Codec>([
  [GGMLQuantizationType.F32, { weights: 1, bytes: 4, decode: decodeF32 }],
  [GGMLQuantizationType.F16, { weights: 1, bytes: 2, decode: decodeF16 }],
  [GGMLQuantizationType.BF16, { weights: 1, bytes: 2, decode: decodeBF16 }],
  [GGMLQuantizationType.Q4_0, { weights: 32, bytes: 18, decode: decodeQ4_0 }],
  [GGMLQuantizationType.Q4_1, { weights: 32, bytes: 20, decode: decodeQ4_1 }],
  [GGMLQuantizationType.Q5_0, { weights: 32, bytes: 22, decode: decodeQ5_0 }],
  [GGMLQuantizationType.Q5_1, { weights: 32, bytes: 24, decode: decodeQ5_1 }],
  [GGMLQuantizationType.Q8_0, { weights: 32, bytes: 34, decode: decodeQ8_0 }],
  [GGMLQuantizationType.Q4_K, { weights: 256, bytes: 144, decode: decodeQ4_K }],
  [GGMLQuantizationType.Q5_K, { weights: 256, bytes: 176, decode: decodeQ5_K }],
  [GGMLQuantizationType.Q6_K, { weights: 256, bytes: 210, decode: decodeQ6_K }],
]);

/** Names of the types that can be read. */
export const READABLE_TYPES = [...CODECS.keys()].map((type) => GGMLQuantizationType[type]!);

/** Returns weights and bytes per block of the type; undefined if it cannot be read. */
export function blockSize(type: number): { weights: number; bytes: number } | undefined {
  return CODECS.get(type);
}

/**
 * Decodes the weights of a tensor stored as `type`, in the order of the file.
 * @throws RangeError if the type cannot be read or `bytes` is not a whole number of blocks
 */
export function dequantize(type: number, bytes: Uint8Array): Float32Array {
  const codec = CODECS.get(type);
  if (codec === undefined) throw new RangeError(`cannot read the quantization type ${type}`);
  const blocks = bytes.length / codec.bytes;
  if (!Number.isInteger(blocks)) throw new RangeError(`${bytes.length} bytes are not whole blocks`);
  const output = new Float32Array(blocks * codec.weights);
  codec.decode(bytes, output, blocks);
  return output;
}

/** All 65,536 half-precision numbers as float32: looking one up is several times faster than computing it. */
const HALF = makeHalfTable();

function makeHalfTable(): Float32Array {
  const table = new Float32Array(65_536);
  const bits = new Uint32Array(table.buffer);
  for (let half = 0; half < 65_536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) table[half] = sign * fraction * 2 ** -24;
    // Infinity and NaN keep their bits.
    else if (exponent === 31) bits[half] = ((half & 0x8000) << 16) | 0x7f800000 | (fraction << 13);
    else table[half] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return table;
}

function half(input: Uint8Array, at: number): number {
  return HALF[input[at]! | (input[at + 1]! << 8)]!;
}

function decodeF32(input: Uint8Array, output: Float32Array): void {
  new Uint8Array(output.buffer).set(input);
}

function decodeF16(input: Uint8Array, output: Float32Array): void {
  // The bits are copied, because a NaN's payload may change when it becomes a number.
  const bits = new Uint32Array(output.buffer);
  const table = new Uint32Array(HALF.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = table[input[2 * i]! | (input[2 * i + 1]! << 8)]!;
}

function decodeBF16(input: Uint8Array, output: Float32Array): void {
  const bits = new Uint32Array(output.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (input[2 * i]! << 16) | (input[2 * i + 1]! << 24);
}

/** A block is d and 16 bytes of low and high nibbles: d · (q − 8). */
function decodeQ4_0(input: Uint8Array, output: Float32Array, blocks: number): void {
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 18, to += 32) {
    const d = half(input, at);
    for (let i = 0; i < 16; i++) {
      const q = input[at + 2 + i]!;
      output[to + i] = d * ((q & 15) - 8);
      output[to + i + 16] = d * ((q >> 4) - 8);
    }
  }
}

/** A block is d, m and nibbles: d · q + m. */
function decodeQ4_1(input: Uint8Array, output: Float32Array, blocks: number): void {
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 20, to += 32) {
    const d = half(input, at);
    const m = half(input, at + 2);
    for (let i = 0; i < 16; i++) {
      const q = input[at + 4 + i]!;
      output[to + i] = d * (q & 15) + m;
      output[to + i + 16] = d * (q >> 4) + m;
    }
  }
}

/** A block is d, 32 fifth bits and nibbles: d · (q − 16). */
function decodeQ5_0(input: Uint8Array, output: Float32Array, blocks: number): void {
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 22, to += 32) {
    const d = half(input, at);
    const high = word(input, at + 2);
    for (let i = 0; i < 16; i++) {
      const q = input[at + 6 + i]!;
      output[to + i] = d * (((q & 15) | (((high >>> i) & 1) << 4)) - 16);
      output[to + i + 16] = d * (((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
    }
  }
}

/** A block is d, m, 32 fifth bits and nibbles: d · q + m. */
function decodeQ5_1(input: Uint8Array, output: Float32Array, blocks: number): void {
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 24, to += 32) {
    const d = half(input, at);
    const m = half(input, at + 2);
    const high = word(input, at + 4);
    for (let i = 0; i < 16; i++) {
      const q = input[at + 8 + i]!;
      output[to + i] = d * ((q & 15) | (((high >>> i) & 1) << 4)) + m;
      output[to + i + 16] = d * ((q >> 4) | (((high >>> (i + 16)) & 1) << 4)) + m;
    }
  }
}

function word(input: Uint8Array, at: number): number {
  return input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16) | (input[at + 3]! << 24);
}

/** A block is d and 32 signed bytes: d · q. */
function decodeQ8_0(input: Uint8Array, output: Float32Array, blocks: number): void {
  const signed = new Int8Array(input.buffer, input.byteOffset, input.byteLength);
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 34, to += 32) {
    const d = half(input, at);
    for (let i = 0; i < 32; i++) output[to + i] = d * signed[at + 2 + i]!;
  }
}

/** Unpacks eight 6-bit scales and eight 6-bit minima from 12 bytes, as Q4_K and Q5_K pack them. */
function unpackScales(input: Uint8Array, at: number, scales: Uint8Array, minima: Uint8Array): void {
  for (let i = 0; i < 4; i++) {
    const s = input[at + i]!;
    const m = input[at + 4 + i]!;
    const high = input[at + 8 + i]!;
    scales[i] = s & 63;
    minima[i] = m & 63;
    scales[i + 4] = (high & 15) | ((s >> 2) & 0x30);
    minima[i + 4] = (high >> 4) | ((m >> 2) & 0x30);
  }
}

/** A block is d, dmin, packed scales and nibbles; eight groups of 32: (d · scale) · q − (dmin · minimum). */
function decodeQ4_K(input: Uint8Array, output: Float32Array, blocks: number): void {
  const scales = new Uint8Array(8);
  const minima = new Uint8Array(8);
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 144) {
    const d = half(input, at);
    const dmin = half(input, at + 2);
    unpackScales(input, at + 4, scales, minima);
    for (let pair = 0, from = at + 16; pair < 8; pair += 2, from += 32, to += 64) {
      const d1 = d * scales[pair]!;
      const m1 = dmin * minima[pair]!;
      const d2 = d * scales[pair + 1]!;
      const m2 = dmin * minima[pair + 1]!;
      for (let i = 0; i < 32; i++) {
        const q = input[from + i]!;
        output[to + i] = d1 * (q & 15) - m1;
        output[to + i + 32] = d2 * (q >> 4) - m2;
      }
    }
  }
}

/** A block is Q4_K's with fifth bits: byte i of the 32 high bytes holds that of weight i of each of the 8 groups. */
function decodeQ5_K(input: Uint8Array, output: Float32Array, blocks: number): void {
  const scales = new Uint8Array(8);
  const minima = new Uint8Array(8);
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 176) {
    const d = half(input, at);
    const dmin = half(input, at + 2);
    unpackScales(input, at + 4, scales, minima);
    for (let pair = 0, from = at + 48; pair < 8; pair += 2, from += 32, to += 64) {
      const d1 = d * scales[pair]!;
      const m1 = dmin * minima[pair]!;
      const d2 = d * scales[pair + 1]!;
      const m2 = dmin * minima[pair + 1]!;
      for (let i = 0; i < 32; i++) {
        const q = input[from + i]!;
        const high = input[at + 16 + i]! >> pair;
        output[to + i] = d1 * ((q & 15) | ((high & 1) << 4)) - m1;
        output[to + i + 32] = d2 * ((q >> 4) | ((high & 2) << 3)) - m2;
      }
    }
  }
}

/** A block is 128 low bytes, 64 high bytes, 16 signed scales and d; sixteen groups of 16: (d · scale) · (q − 32). */
function decodeQ6_K(input: Uint8Array, output: Float32Array, blocks: number): void {
  const signed = new Int8Array(input.buffer, input.byteOffset, input.byteLength);
  for (let block = 0, at = 0, to = 0; block < blocks; block++, at += 210) {
    const d = half(input, at + 208);
    for (let side = 0; side < 2; side++, to += 128) {
      const low = at + 64 * side;
      const high = at + 128 + 32 * side;
      const scale = at + 192 + 8 * side;
      for (let i = 0; i < 32; i++) {
        const group = scale + (i >> 4);
        const a = input[low + i]!;
        const b = input[low + 32 + i]!;
        const h = input[high + i]!;
        output[to + i] = d * signed[group]! * (((a & 15) | ((h & 3) << 4)) - 32);
        output[to + i + 32] = d * signed[group + 2]! * (((b & 15) | ((h & 12) << 2)) - 32);
        output[to + i + 64] = d * signed[group + 4]! * (((a >> 4) | (h & 48)) - 32);
        output[to + i + 96] = d * signed[group + 6]! * (((b >> 4) | ((h & 192) >> 2)) - 32);
      }
    }
  }
}
