/** @file Says how far apart two ways of computing the same may come by rounding alone. */
import type { Dtype } from '../torch/dtype.js';

/** Differences that rounding explains: in float32 products are summed in another order, in bf16 they are rounded to 8 bits as well. */
const bounds = {
  f32: { logps: 1e-3, gradients: 1e-3 },
  bf16: { logps: 0.1, gradients: 0.08 },
} as const;

/** Bounds of log-probs in nats a token, and of gradients relative to their size. */
export const roundingOf = (dtype: Dtype): { logps: number; gradients: number } =>
  bounds[dtype === 'bf16' ? 'bf16' : 'f32'];
