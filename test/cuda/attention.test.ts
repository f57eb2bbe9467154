import { describe, expect, it } from 'vitest';
import { attendSequence, bandOf } from '../../src/models/composedAttention.js';
import { backward } from '../../src/torch/autograd.js';
import { toFloat64Array } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import { native } from '../../src/torch/native.js';
import * as ops from '../../src/torch/ops.js';
import { deterministically, memoryStats, seed, synchronize } from '../../src/torch/runtime.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';
import { absent, device } from '../support/cuda.js';
import { engineOf, gradientsOf, madeUpGradient, madeUpRows, worst } from '../support/engines.js';

/** The output of composed attention and the gradients of its inputs; the same values on every device. */
function attended(
  on: string,
  dtype: Dtype,
  length: number,
  headDim: number,
  window?: number,
): Float64Array[] {
  return scope(() => {
    seed(9);
    const [q, k, v] = [6, 2, 2].map((heads) => {
      const x = ops.randn([length, heads, headDim], { dtype: 'f32' });
      const rounded = ops.toDevice(ops.toDtype(ops.toDtype(x, 'bf16'), dtype), on, dtype);
      rounded.requiresGrad = true;
      return rounded;
    }) as [Tensor, Tensor, Tensor];
    const out = attendSequence(
      q,
      k,
      v,
      headDim ** -0.5,
      window === undefined ? undefined : bandOf(window, on),
    );
    backward([out], [ops.cos(ops.detach(q))]);
    return [out, q.grad!, k.grad!, v.grad!].map((x) => toFloat64Array(x).slice());
  });
}

describe.skipIf(absent !== undefined)('composed attention on a GPU', () => {
  it.each<[Dtype, number, number | undefined, number]>([
    ['f32', 64, undefined, 1e-4],
    ['f32', 64, 48, 1e-4],
    ['f32', 12, 48, 1e-4],
    ['f32', 12, undefined, 1e-4],
    ['bf16', 12, undefined, 3e-2],
    ['bf16', 12, 48, 3e-2],
  ])('is that of the CPU: %s, head size %i, window %s', (dtype, headDim, window, bound) => {
    const expected = attended('cpu', 'f32', 300, headDim, window);
    attended(device, dtype, 300, headDim, window).forEach((values, i) => {
      expect(worst(values, expected[i]!), `result ${i}`).toBeLessThan(bound);
    });
  });

  it.each([
    [64, undefined],
    [64, 64],
    [12, undefined],
  ])('in float32 keeps no square of its tokens: head size %i, window %s', (headDim, window) => {
    const before = memoryStats(device).allocated;
    native.resetPeakMemory(device);
    attended(device, 'f32', 8192, headDim, window);
    synchronize(device);
    // The products of six heads alone would take 1.6 GB, three times over with the softmax and its gradient.
    expect(memoryStats(device).peakAllocated - before).toBeLessThan(600e6);
  });
});

describe.skipIf(absent !== undefined)('deterministic training on a GPU', () => {
  // Few ids, so that rows of the embedding's gradient are added to many times.
  const rows = madeUpRows([300, 64, 65, 513, 17], 8);
  const gradient = madeUpGradient(rows);

  it.each([
    ['llama', 'bf16'],
    ['gemma3', 'bf16'],
    ['qwen3', 'bf16'],
    ['llama', 'f32'],
    ['mistral-window', 'f32'],
  ] as const)('gives the same bits in every run: %s in %s', async (family, dtype) => {
    await deterministically(async () => {
      await Promise.resolve();
      using engine = engineOf(family, dtype, { device });
      const run = () => {
        engine.weights.zeroGrads();
        const logps = engine.backward(engine.forward(rows), gradient).map((values) => [...values]);
        return { logps, gradients: gradientsOf(engine) };
      };
      const first = run();
      for (let again = 0; again < 5; again++) expect(run()).toEqual(first);
    });
  });
});

describe.skipIf(absent !== undefined)('the head on a GPU', () => {
  it('takes no more memory than its tokens need', () => {
    using engine = engineOf('llama', 'bf16', { device });
    const before = memoryStats(device).allocated;
    engine.scorer.score(madeUpRows([20]));
    expect(memoryStats(device).allocated - before).toBeLessThan(1e6);
  });
});
