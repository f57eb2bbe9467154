import { describe, expect, it } from 'vitest';
import { describeProducts } from '../../test/support/factors.js';
import { compareKernels } from '../../test/support/kernels.js';
import type { Dtype } from './dtype.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

describeProducts('a fused kernel on the CPU', () => {
  compareKernels('cpu');
});

describe('a fused kernel on the CPU', () => {
  const zeros = (shape: readonly number[], dtype: Dtype = 'bf16') => ops.zeros(shape, { dtype });
  const angles = (dtype?: Dtype) => zeros([3, 1, 4], dtype);
  const calls: Record<string, () => Tensor | readonly Tensor[]> = {
    'a weight of bytes': () =>
      ops.rmsNormBackward_(zeros([3, 8]), zeros([3, 8]), zeros([8], 'u8'), 1e-6, 0, zeros([8], 'f32')),
    'a sum in bf16': () =>
      ops.rmsNormBackward_(zeros([3, 8]), zeros([3, 8]), zeros([8]), 1e-6, 0, zeros([8])),
    'a sum of another shape': () => ops.addRmsNorm_(zeros([3, 8]), zeros([2, 8]), zeros([8]), 1e-6, 0),
    'a wide sum': () => ops.addRmsNorm_(zeros([3, 8], 'f32'), zeros([3, 8]), zeros([8]), 1e-6, 0),
    'wide sines': () => ops.rotate(zeros([3, 2, 8]), angles(), angles('f32'), false),
    'a weight that is too short': () => ops.rmsNormRows(zeros([3, 8]), zeros([4]), 1e-6, 0),
    'an odd row of two halves': () => ops.glu(zeros([3, 7]), false),
    'a target beyond the vocabulary': () =>
      ops.targetLogps(zeros([1, 8]), ops.full([1], 8, { dtype: 'i64' })),
    'heads without size': () => {
      const x = zeros([3, 1, 0]);
      return ops.attention(x, x, x, [3], 1, 0);
    },
  };

  it.each(Object.entries(calls))('refuses %s in a sentence', (_, call) => {
    scope(() => {
      expect(call).toThrow(/needs|of 8 logits|no products/);
    });
  });
});
