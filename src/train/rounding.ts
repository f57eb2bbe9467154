/** @file Says how far apart two ways of computing the same may come by rounding alone. */
import type { Dtype } from '../torch/dtype.js';

/** Differences that rounding explains: in float32 products are summed in another order, in bf16 they are rounded to 8 bits as well. */
const bounds = {
  f32: { logps: 1e-3, gradients: 1e-3 },
  bf16: { logps: 0.1, gradients: 0.08 },
} as const;

/** Of a number's digits, bf16 keeps so many binary ones. */
const BF16_DIGITS = 8;

/**
 * Bounds of log-probs in nats a token, and of gradients relative to their size.
 * @param logit the largest one: in bf16 two that are computed in other ways may be two steps of its digits apart
 */
export function roundingOf(dtype: Dtype, logit = 0): { logps: number; gradients: number } {
  if (dtype !== 'bf16') return bounds.f32;
  const { logps, gradients } = bounds.bf16;
  return { logps: Math.max(logps, 2 * logit * 2 ** (1 - BF16_DIGITS)), gradients };
}
