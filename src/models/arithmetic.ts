/**
 * @file Chooses how the parts of a model are computed: as fast as its device allows, or so that a row's result is the same to
 * the last bit whatever other rows there are.
 */
import { toFloat64Array, fromArray } from '../torch/data.js';
import { gatedLinearUnit, linear, rotateHalves } from '../torch/fused.js';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { addAndNorm, rmsNorm } from './norm.js';
import { attentionFactor, frequenciesOf, rotation } from './rope.js';

/** Multiplies [rows, in] by a weight [out, in] and adds a bias. Backward may add the weight's gradient to `sum`, f32[out, in]. */
export type Linear = (x: Tensor, weight: Tensor, bias?: Tensor, sum?: Tensor) => Tensor;

/** The parts of a model that compute. */
export interface Arithmetic {
  linear: Linear;
  norm: typeof rmsNorm;
  addAndNorm: typeof addAndNorm;
  gatedLinearUnit: typeof gatedLinearUnit;
  rotate: typeof rotateHalves;
  rotation: typeof rotation;
}

export const usual: Arithmetic = {
  linear,
  norm: rmsNorm,
  addAndNorm,
  gatedLinearUnit,
  rotate: rotateHalves,
  rotation,
};

/**
 * Float32 on the CPU in which nothing that a row brings about depends on another row or on how many there are: libtorch's
 * products choose their order of sums by the number of rows, and its vectors compute their last few values otherwise.
 */
export const exact: Arithmetic = {
  linear: (x, weight, bias) => ops.exactLinear(x, weight, bias ?? null),
  norm: ops.exactNorm,
  addAndNorm: (x, added, weight, eps, offset) => {
    const sum = ops.add(x, added);
    return { sum, normed: ops.exactNorm(sum, weight, eps, offset) };
  },
  gatedLinearUnit: (gateUp, activation) => ops.exactGlu(gateUp, activation === 'gelu_tanh'),
  rotate: ops.exactRotate,
  rotation: (rope, headDim, positions, lengths) => {
    const half = headDim / 2;
    const { table, rowOf } = frequenciesOf(rope, headDim, lengths);
    const factor = attentionFactor(rope);
    const at = toFloat64Array(positions);
    const angles = Float32Array.from({ length: at.length * half }, (_, i) => {
      const token = Math.floor(i / half);
      return at[token]! * table[(rowOf?.[token] ?? 0) * half + (i % half)]!;
    });
    const tensor = (turn: (angle: number) => number) =>
      fromArray(
        angles.map((angle) => turn(angle) * factor),
        [at.length, 1, half],
      );
    return { cos: tensor(Math.cos), sin: tensor(Math.sin) };
  },
};

/** @throws UserError where a model cannot be computed exactly */
export function requireExact({ dtype, device }: { dtype: string; device: string }): void {
  if (dtype !== 'f32' || device !== 'cpu')
    throw new UserError(
      `exact results are in f32 on the CPU, not in ${dtype} on ${device}: set dtype f32 and device cpu`,
    );
}

/** Tokens whose logits are in memory at once. */
const CHUNK = 64;

/**
 * Computes natural log-probs of `targets` under softmax(hidden · weightᵀ), exactly.
 * @param hidden [tokens, hidden] after the final norm
 * @param targets i64[tokens]
 */
export function exactLogps(hidden: Tensor, weight: Tensor, targets: Tensor): Float64Array {
  const tokens = hidden.size(0);
  const result = new Float64Array(tokens);
  for (let start = 0; start < tokens; start += CHUNK) {
    scope(() => {
      noGrad(() => {
        const count = Math.min(CHUNK, tokens - start);
        const logits = exact.linear(ops.narrow(hidden, 0, start, count), weight);
        result.set(toFloat64Array(ops.exactLogps(logits, ops.narrow(targets, 0, start, count))), start);
      });
    });
  }
  return result;
}
