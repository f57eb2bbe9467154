/** @file Computes RMSNorm, forward and backward. */
import { noGrad } from '../torch/autograd.js';
import { hasAddRmsNorm, hasRmsNormBackward, rmsNormKernel } from '../torch/fused.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';

/**
 * Applies RMSNorm (Zhang & Sennrich 2019) over the last dimension. Half-precision input is normalised in float32 and
 * rounded once: before it is multiplied by the weight, or after it where weights are offsets from one (`offset` 1), as
 * the original models do. libtorch's kernel for GPUs rounds once, at the end.
 */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number, offset: 0 | 1): Tensor {
  if (x.dtype === 'f64') {
    return ops.rmsNorm(x, [x.size(-1)], offset === 0 ? weight : ops.addScalar(weight, 1), eps);
  }
  const fused = rmsNormKernel(x, weight, eps, offset);
  if (fused) return fused;
  const wide = ops.toDtype(x, 'f32');
  const scale = ops.rsqrt(ops.addScalar(ops.meanDim(ops.mul(wide, wide), [-1], true), eps));
  const normalised = ops.mul(wide, scale);
  if (offset === 0) return ops.mul(ops.toDtype(normalised, x.dtype), weight);
  return ops.toDtype(ops.mul(normalised, ops.addScalar(ops.toDtype(weight, 'f32'), 1)), x.dtype);
}

/** A sum and its norm. */
export interface NormedSum {
  sum: Tensor;
  normed: Tensor;
}

/**
 * Adds two tensors of [tokens, hidden] and applies `rmsNorm` to the sum, in one pass over memory where there is a kernel.
 * @param added holds the sum afterwards, unless autograd records it
 */
export function addAndNorm(x: Tensor, added: Tensor, weight: Tensor, eps: number, offset: 0 | 1): NormedSum {
  const isRecorded = added.requiresGrad;
  if (!isRecorded && hasAddRmsNorm(added))
    return { sum: added, normed: ops.addRmsNorm_(added, x, weight, eps, offset) };
  const sum = isRecorded ? ops.add(x, added) : ops.add_(added, x);
  return { sum, normed: rmsNorm(sum, weight, eps, offset) };
}

/** Computes the backward of `rmsNorm` as `rmsNormBackward` does, and adds dLoss/dx to `sum`. */
export function addRmsNormBackward(
  x: Tensor,
  weight: Tensor,
  eps: number,
  offset: 0 | 1,
  grad: Tensor,
  weightGrad: Tensor | undefined,
  sum: Tensor,
): void {
  scope(() => {
    noGrad(() => {
      if (hasAddRmsNorm(x))
        ops.addRmsNormBackward_(grad, x, weight, eps, offset, weightGrad ?? unusedGrad(weight), sum);
      else ops.add_(sum, rmsNormBackward(x, weight, eps, offset, grad, weightGrad));
    });
  });
}

/**
 * Computes the backward of `rmsNorm`, for which autograd would keep three float32 copies of the input.
 * With x̂ = x / rms(x) and u = grad · weight, dx = (u − x̂ · mean(u · x̂)) / rms(x) and dweight = Σ grad · x̂.
 * @param weightGrad receives the weight's gradient, which is added to it; none where the weight is frozen
 * @returns dLoss/dx in the dtype of x
 */
export function rmsNormBackward(
  x: Tensor,
  weight: Tensor,
  eps: number,
  offset: 0 | 1,
  grad: Tensor,
  weightGrad: Tensor | undefined,
): Tensor {
  return scope(() =>
    noGrad(() => {
      if (hasRmsNormBackward(x))
        return ops.rmsNormBackward_(grad, x, weight, eps, offset, weightGrad ?? unusedGrad(weight));
      const wide = x.dtype === 'f64' ? 'f64' : 'f32';
      const input = ops.toDtype(x, wide);
      const incoming = ops.toDtype(grad, wide);
      const scale = ops.rsqrt(ops.addScalar(ops.meanDim(ops.mul(input, input), [-1], true), eps));
      const normalised = ops.mul(input, scale);
      if (weightGrad) ops.add_(weightGrad, ops.sumDim(ops.mul(incoming, normalised), [0]));
      const factor = ops.toDtype(weight, wide);
      const scaled = ops.mul(incoming, offset === 0 ? factor : ops.addScalar(factor, 1));
      const along = ops.meanDim(ops.mul(scaled, normalised), [-1], true);
      const result = ops.mul_(ops.sub_(scaled, ops.mul_(normalised, along)), scale);
      return ops.toDtype(result, x.dtype);
    }),
  );
}

/** What a kernel may add a gradient to that nobody wants. */
const unusedGrad = ({ shape, device }: Tensor): Tensor => ops.zeros(shape, { dtype: 'f32', device });
