/** @file Computes rotary position embeddings. */
import * as ops from '../torch/ops.js';
import { fromArray, indices } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { RopeConfig } from './ropeConfig.js';
import type { RopeScaling } from './ropeScaling.js';

/**
 * Computes the angle by which one position turns each of the headDim/2 pairs.
 * @param length of the sequence, on which some scalings depend; 0 is shorter than any context
 */
export function inverseFrequencies(
  { theta, scaling }: RopeConfig,
  headDim: number,
  length = 0,
): Float32Array {
  const frequencies = (base: number) =>
    Float64Array.from({ length: headDim / 2 }, (_, i) => base ** ((-2 * i) / headDim));
  const plain = frequencies(theta);
  switch (scaling.kind) {
    case 'none':
      return Float32Array.from(plain);
    case 'linear':
      return Float32Array.from(plain, (frequency) => Math.fround(frequency) / scaling.factor);
    case 'dynamic': {
      const { factor, originalContext } = scaling;
      if (length <= originalContext) return Float32Array.from(plain);
      const growth = (factor * length) / originalContext - (factor - 1);
      return Float32Array.from(frequencies(theta * growth ** (headDim / (headDim - 2))));
    }
    case 'yarn':
      return yarnFrequencies(plain, theta, scaling, headDim);
    case 'llama3':
      return Float32Array.from(plain, (frequency) => llama3Frequency(Math.fround(frequency), scaling));
    case 'longrope': {
      const { shortFactors, longFactors, originalContext } = scaling;
      const factors = length > originalContext ? longFactors : shortFactors;
      return Float32Array.from(plain, (frequency, i) => frequency / factors[i]!);
    }
  }
}

/** Llama 3.1 stretches long wavelengths, keeps short ones and blends between. */
function llama3Frequency(frequency: number, scaling: RopeScaling & { kind: 'llama3' }): number {
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI);
  if (turns < lowFreqFactor) return frequency / factor;
  if (turns > highFreqFactor) return frequency;
  const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** YaRN keeps pairs that turn often in the original context, stretches those that turn seldom, and blends between. */
function yarnFrequencies(
  plain: Float64Array,
  theta: number,
  scaling: RopeScaling & { kind: 'yarn' },
  headDim: number,
): Float32Array {
  const { factor, originalContext, betaFast, betaSlow, truncate } = scaling;
  /** The pair that turns so often in the original context. */
  const pairTurning = (turns: number) =>
    (headDim * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [fast, slow] = [pairTurning(betaFast), pairTurning(betaSlow)];
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, headDim - 1);
  const width = low === high ? 0.001 : high - low;
  return Float32Array.from(plain, (frequency, i) => {
    const stretched = Math.min(1, Math.max(0, (i - low) / width));
    return (frequency / factor) * stretched + frequency * (1 - stretched);
  });
}

/** By what cosines and sines are multiplied, and so attention's products by its square. */
export const attentionFactor = ({ scaling }: RopeConfig): number =>
  'attentionFactor' in scaling ? scaling.attentionFactor : 1;

/** Tells whether a token's rotation depends on how long its sequence is. */
export const dependsOnLength = ({ scaling }: RopeConfig): boolean =>
  scaling.kind === 'dynamic' || scaling.kind === 'longrope';

/** The frequencies of some tokens. */
export interface Frequencies {
  /** [rows, headDim/2] */
  table: Float32Array;
  rows: number;
  /** The row of each token; without it all have the only one. */
  rowOf?: Int32Array;
}

/** Computes the frequencies of tokens whose sequences have these lengths. */
export function frequenciesOf(rope: RopeConfig, headDim: number, lengths: ArrayLike<number>): Frequencies {
  if (!dependsOnLength(rope)) return { table: inverseFrequencies(rope, headDim), rows: 1 };
  const rows = new Map<number, number>();
  const rowOf = Int32Array.from(lengths, (length) => {
    const row = rows.get(length) ?? rows.size;
    rows.set(length, row);
    return row;
  });
  const half = headDim / 2;
  const table = new Float32Array(rows.size * half);
  for (const [length, row] of rows) table.set(inverseFrequencies(rope, headDim, length), row * half);
  return { table, rows: rows.size, rowOf };
}

/** Cosines and sines of one attention kind at given positions: [tokens, 1, headDim/2] each. */
export interface Rotation {
  cos: Tensor;
  sin: Tensor;
}

/**
 * Computes the rotation of tokens.
 * @param positions i64[tokens]
 * @param lengths of each token's sequence
 */
export function rotation(
  rope: RopeConfig,
  headDim: number,
  positions: Tensor,
  lengths: ArrayLike<number>,
  dtype: Dtype,
): Rotation {
  return scope(() => {
    const { device } = positions;
    const { table, rows, rowOf } = frequenciesOf(rope, headDim, lengths);
    const all = ops.toDevice(fromArray(table, [rows, headDim / 2]), device, 'f32');
    const frequencies = rowOf ? ops.indexSelect(all, 0, indices(rowOf, device)) : all;
    const angles = ops.unsqueeze(ops.mul(ops.unsqueeze(ops.toDtype(positions, 'f32'), 1), frequencies), 1);
    const factor = attentionFactor(rope);
    const scaled = (x: Tensor) => ops.toDtype(factor === 1 ? x : ops.mulScalar(x, factor), dtype);
    return { cos: scaled(ops.cos(angles)), sin: scaled(ops.sin(angles)) };
  });
}
