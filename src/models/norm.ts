import * as ops from '../torch/ops.js';
import type { Tensor } from '../torch/tensor.js';

/**
 * RMSNorm (Zhang & Sennrich 2019) over the last dimension. Half-precision input is normalised in float32 and rounded
 * once before the weight, or, where weights are offsets from one, after it (`offset` 1): as the original models do.
 */
export function rmsNorm(x: Tensor, weight: Tensor, eps: number, offset: 0 | 1): Tensor {
  if (x.dtype === 'f64') {
    return ops.rmsNorm(x, [x.size(-1)], offset === 0 ? weight : ops.addScalar(weight, 1), eps);
  }
  const wide = ops.toDtype(x, 'f32');
  const scale = ops.rsqrt(ops.addScalar(ops.meanDim(ops.mul(wide, wide), [-1], true), eps));
  const normalised = ops.mul(wide, scale);
  if (offset === 0) return ops.mul(ops.toDtype(normalised, x.dtype), weight);
  return ops.toDtype(ops.mul(normalised, ops.addScalar(ops.toDtype(weight, 'f32'), 1)), x.dtype);
}
