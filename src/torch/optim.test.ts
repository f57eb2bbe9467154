import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromArray, toFloat64Array } from './data.js';
import * as ops from './ops.js';
import { AdamW, clipGradNorm } from './optim.js';
import { liveTensors, scope } from './tensor.js';

/** torch.optim.AdamW(fused=False) in float64: test/oracles/adamw.py. */
const oracle = JSON.parse(
  readFileSync(new URL('../../test/fixtures/adamw.json', import.meta.url), 'utf8'),
) as {
  options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  maxNorm: number;
  shapes: number[][];
  start: number[][];
  steps: { grads: number[][]; norm: number; clipped: number[][]; params: number[][] }[];
};
const { lr, weight_decay: weightDecay, ...rest } = oracle.options;
const options = { ...rest, weightDecay };
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!) / Math.max(1e-6, Math.abs(b[i]!))));

describe.each([
  ['f64', 1e-12],
  ['f32', 2e-5],
] as const)('in %s', (dtype, tolerance) => {
  it('clips and updates as PyTorch over several steps', () => {
    scope(() => {
      const tensors = (lists: number[][]) =>
        lists.map((list, i) => ops.toDtype(fromArray(Float64Array.from(list), oracle.shapes[i]), dtype));
      const params = tensors(oracle.start);
      using optimizer = new AdamW(params, options);
      const live = liveTensors();
      for (const step of oracle.steps) {
        scope(() => {
          const grads = tensors(step.grads);
          const norm = clipGradNorm(grads, oracle.maxNorm);
          expect(Math.abs(norm - step.norm)).toBeLessThan(tolerance * step.norm);
          grads.forEach((grad, i) => {
            expect(worst(toFloat64Array(grad), step.clipped[i]!)).toBeLessThan(tolerance);
          });
          optimizer.step(grads, lr);
          params.forEach((param, i) => {
            expect(worst(toFloat64Array(param), step.params[i]!)).toBeLessThan(tolerance);
          });
        });
      }
      expect(liveTensors()).toBe(live);
    });
  });
});

describe('clipGradNorm', () => {
  it('leaves gradients below the limit bit for bit', () => {
    scope(() => {
      const grad = fromArray(Float32Array.of(0.3, -0.4));
      expect(clipGradNorm([grad], 1)).toBeCloseTo(0.5, 7);
      expect([...toFloat64Array(grad)]).toEqual([Math.fround(0.3), Math.fround(-0.4)]);
    });
  });

  it('tells of a gradient that is not finite and changes nothing', () => {
    scope(() => {
      const grads = [fromArray(Float32Array.of(1, NaN)), fromArray(Float32Array.of(2))];
      expect(clipGradNorm(grads, 1)).toBeNaN();
      expect([...toFloat64Array(grads[1]!)]).toEqual([2]);
    });
  });
});
