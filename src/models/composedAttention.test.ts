import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backward, noGrad } from '../torch/autograd.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import { seed } from '../torch/runtime.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';
import { attendSequence, bandOf, widened } from './composedAttention.js';

const [heads, kvHeads, headDim, scale] = [6, 2, 12, 0.4];

/** The largest difference, where values are of the size of 1: with a window of 1 the queries' gradient is 0. */
function worst(found: Float64Array, expected: Float64Array): number {
  expect(found).toHaveLength(expected.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}

/** Queries, keys, values and the output's gradient; the same values in every dtype. */
function inputs(length: number, dtype: Dtype): Tensor[] {
  seed(3);
  return [heads, kvHeads, kvHeads, heads].map((count) => {
    const x = ops.randn([length, count, headDim], { dtype: 'f32' });
    const rounded = ops.toDtype(ops.toDtype(x, 'bf16'), dtype);
    rounded.requiresGrad = true;
    return rounded;
  });
}

type Attend = (q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** The output and the gradients of queries, keys and values. */
function results(length: number, dtype: Dtype, attend: Attend): Float64Array[] {
  return scope(() => {
    const [q, k, v, g] = inputs(length, dtype) as [Tensor, Tensor, Tensor, Tensor];
    const out = attend(q, k, v);
    backward([out], [ops.reshape(ops.detach(g), out.shape)]);
    return [out, q.grad!, k.grad!, v.grad!].map((x) => toFloat64Array(x).slice());
  });
}

/** Softmax over all products at once, in float64, with what is hidden at −∞. */
const naive =
  (window: number): Attend =>
  (q, k, v) => {
    const length = q.size(0);
    const hidden = Float64Array.from({ length: length * length }, (_, at) => {
      const distance = Math.floor(at / length) - (at % length);
      return distance >= 0 && distance < window ? 0 : -Infinity;
    });
    const mask = ops.toDtype(fromArray(hidden, [length, length]), q.dtype);
    const outputs = Array.from({ length: heads }, (_, h) => {
      const own = (x: Tensor, head: number) => ops.squeeze(ops.narrow(x, 1, head, 1), 1);
      const kvHead = Math.floor((h * kvHeads) / heads);
      const products = ops.mulScalar(ops.mm(own(q, h), ops.t(own(k, kvHead))), scale);
      return ops.mm(ops.softmax(ops.add(products, mask), -1), own(v, kvHead));
    });
    return ops.stack(outputs, 1);
  };

const cases = [1, 2, 3, 7, 16].flatMap((window) =>
  [1, 2, 7, 15, 16, 17, 32, 49, 100].map((length): [number, number] => [length, window]),
);

describe('attendSequence', () => {
  it.each(cases)('of %i tokens with a window of %i is that of all products at once', (length, window) => {
    const live = liveTensors();
    const windowed: Attend = (q, k, v) => attendSequence(q, k, v, scale, bandOf(window, 'cpu'));
    const expected = results(length, 'f64', naive(window));
    for (const [dtype, bound] of [
      ['f64', 1e-12],
      ['f32', 2e-5],
      ['bf16', 6e-2],
    ] as const) {
      const found = results(length, dtype, windowed);
      expected.forEach((values, i) => {
        expect(worst(found[i]!, values), `${dtype}, result ${i}`).toBeLessThan(bound);
      });
    }
    expect(liveTensors()).toBe(live);
  });

  it.each([1, 2, 40])('of %i tokens without a window sees all before it', (length) => {
    const found = results(length, 'f64', (q, k, v) => attendSequence(q, k, v, scale));
    results(length, 'f64', naive(length)).forEach((values, i) => {
      expect(worst(found[i]!, values)).toBeLessThan(1e-12);
    });
  });

  it('is the same with keys for every head and sizes that a GPU takes', () => {
    const window = bandOf(7, 'cpu');
    const wide: Attend = (q, k, v) => {
      const [a, b, c] = widened(ops.unsqueeze(q, 0), ops.unsqueeze(k, 0), ops.unsqueeze(v, 0)).map((x) => {
        expect(x.shape).toEqual([1, 40, heads, 16]);
        return ops.squeeze(x, 0);
      }) as [Tensor, Tensor, Tensor];
      return ops.narrow(attendSequence(a, b, c, scale, window), 2, 0, headDim);
    };
    const found = results(40, 'f64', wide);
    results(40, 'f64', naive(7)).forEach((values, i) => {
      expect(worst(found[i]!, values)).toBeLessThan(1e-12);
    });
  });

  it('of a long sequence takes memory for its window, not for its square', () => {
    const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
    const [length, window] = [20_000, 8];
    scope(() => {
      noGrad(() => {
        const [q, k, v] = inputs(length, 'f32').map((x) => ops.detach(x)) as [Tensor, Tensor, Tensor];
        const before = peak();
        const out = attendSequence(q, k, v, scale, bandOf(window, 'cpu'));
        // A mask of the square alone, a byte an entry, would take 400 MB.
        expect(peak() - before).toBeLessThan(150e6);
        expect(out.shape).toEqual([length, heads, headDim]);
      });
    });
  });
});
