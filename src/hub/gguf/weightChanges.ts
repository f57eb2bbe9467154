/** @file Changes the values of weights from Hugging Face's layout to GGUF's and back. */
import type { WeightChange } from './architectures.js';

/** The heads of queries and of keys. */
export interface Heads {
  query: number;
  key: number;
}

export type Direction = 'to GGUF' | 'from GGUF';

/** Brings a weight with that many rows into the other layout; the given values may be overwritten. */
export function changeWeights(
  weights: Float32Array,
  rows: number,
  change: WeightChange | undefined,
  heads: Heads,
  direction: Direction,
): Float32Array {
  switch (change) {
    case undefined:
      return weights;
    case 'add-one': {
      const offset = direction === 'to GGUF' ? 1 : -1;
      for (let i = 0; i < weights.length; i++) weights[i]! += offset;
      return weights;
    }
    case 'permute-query':
      return permute(weights, rows, heads.query, direction);
    case 'permute-key':
      return permute(weights, rows, heads.key, direction);
  }
}

/** Moves, in each head, row i to 2i and row half + i to 2i + 1, or back. */
function permute(weights: Float32Array, rows: number, heads: number, direction: Direction): Float32Array {
  const columns = weights.length / rows;
  const half = rows / heads / 2;
  const result = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    const inHead = row % (2 * half);
    const other = row - inHead + (inHead >> 1) + (inHead & 1) * half;
    const [from, to] = direction === 'to GGUF' ? [other, row] : [row, other];
    result.set(weights.subarray(from * columns, (from + 1) * columns), to * columns);
  }
  return result;
}
