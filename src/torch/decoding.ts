/**
 * @file Chooses between our kernels for decoding on the CPU and the same computed from libtorch's operators, as `fused.ts`
 * does for what training shares.
 */
import type { Dtype } from './dtype.js';
import { hasBf16Products, kernelsAreOff, linear } from './fused.js';
import * as ops from './ops.js';
import type { Tensor } from './tensor.js';

type Kind = Pick<Tensor, 'device' | 'dtype'>;

const isOnCpu = ({ device, dtype }: Kind, ...dtypes: Dtype[]): boolean =>
  !kernelsAreOff() && device === 'cpu' && dtypes.includes(dtype);

/** The most rows that are few: their product takes as long as its weight takes to come from memory. */
const FEW = 128;

/** Sizes of a weight of which the kernel for few rows needs multiples. */
const STEP = 32;

/**
 * Computes x · weightᵀ + bias, as `linear` does, where nothing is recorded for a backward pass and x may have few rows.
 * @param x [rows, in]
 * @param weight [out, in]
 */
export function linearOfFew(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const fits = x.size(0) <= FEW && weight.shape.every((size) => size % STEP === 0);
  if (fits && isOnCpu(x, 'bf16') && hasBf16Products()) return ops.fewRows(x, weight, bias ?? null);
  return linear(x, weight, bias);
}

/** Tells whether `ops.attendSlots` takes such tensors. */
export const hasSlotAttention = (x: Kind): boolean => isOnCpu(x, 'bf16', 'f32');

/** Tells whether `ops.choose` takes such logits. */
export const hasChoice = (logits: Kind): boolean => isOnCpu(logits, 'bf16', 'f32');
