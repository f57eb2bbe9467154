/** @file Computes rotary position embeddings. */
import * as ops from '../torch/ops.js';
import { fromArray } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { RopeConfig } from './ropeConfig.js';

/** Computes the angle by which one position turns each of the headDim/2 pairs. */
export function inverseFrequencies(rope: RopeConfig, headDim: number): Float32Array {
  const base = Float32Array.from({ length: headDim / 2 }, (_, i) => rope.theta ** ((-2 * i) / headDim));
  const { scaling } = rope;
  if (scaling.kind === 'none') return base;
  if (scaling.kind === 'linear') return base.map((frequency) => frequency / scaling.factor);
  // Llama 3.1 stretches long wavelengths, keeps short ones and blends between.
  const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling;
  return base.map((frequency) => {
    const turns = (originalContext * frequency) / (2 * Math.PI);
    if (turns < lowFreqFactor) return frequency / factor;
    if (turns > highFreqFactor) return frequency;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

/** Cosines and sines of one attention kind at given positions: [tokens, 1, headDim/2] each. */
export interface Rotation {
  cos: Tensor;
  sin: Tensor;
}

export function rotation(rope: RopeConfig, headDim: number, positions: Tensor, dtype: Dtype): Rotation {
  return scope(() => {
    const frequencies = ops.toDevice(fromArray(inverseFrequencies(rope, headDim)), positions.device, 'f32');
    const angles = ops.unsqueeze(ops.outer(ops.toDtype(positions, 'f32'), frequencies), 1);
    return { cos: ops.toDtype(ops.cos(angles), dtype), sin: ops.toDtype(ops.sin(angles), dtype) };
  });
}
