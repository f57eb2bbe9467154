import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromArray, toFloat64Array } from './data.js';
import { withoutKernels } from './fused.js';
import * as ops from './ops.js';
import { AdamW, clipFactor, clipGradNorm, globalNorm } from './optim.js';
import { seed } from './runtime.js';
import { liveTensors, scope, type Tensor } from './tensor.js';

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
      let before = oracle.start;
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
        const changes = step.params.flatMap((values, i) => values.map((value, j) => value - before[i]![j]!));
        expect(worst([optimizer.updateNorm(lr)], [Math.hypot(...changes)])).toBeLessThan(tolerance);
        before = step.params;
      }
      expect(liveTensors()).toBe(live);
    });
  });

  it('does the same in one update, which copies the parameters and zeros the gradients', () => {
    scope(() => {
      const tensors = (lists: number[][]) =>
        lists.map((list, i) => ops.toDtype(fromArray(Float64Array.from(list), oracle.shapes[i]), dtype));
      const params = tensors(oracle.start);
      const copies = params.map((param) => ops.toDtype(param, 'bf16'));
      using optimizer = new AdamW(params, options);
      for (const step of oracle.steps) {
        const grads = tensors(step.grads);
        optimizer.update(grads, lr, { factor: clipFactor(globalNorm(grads), oracle.maxNorm), copies });
        params.forEach((param, i) => {
          expect(worst(toFloat64Array(param), step.params[i]!)).toBeLessThan(tolerance);
          expect(toFloat64Array(copies[i]!)).toEqual(toFloat64Array(ops.toDtype(param, 'bf16')));
        });
        for (const grad of grads) expect(new Set(toFloat64Array(grad))).toEqual(new Set([0]));
      }
    });
  });
});

describe('the kernel for an update', () => {
  /** All that an update leaves, after three of them. */
  const updated = (shapes: readonly (readonly number[])[], weightDecay: number, factor: number) =>
    scope(() => {
      seed(3);
      const draw = (spread: number) =>
        shapes.map((shape) => ops.mulScalar(ops.randn(shape, { dtype: 'f32' }), spread));
      const params = draw(0.1);
      const copies = params.map((param) => ops.toDtype(param, 'bf16'));
      using optimizer = new AdamW(params, { betas: [0.9, 0.95], eps: 1e-8, weightDecay });
      for (let step = 0; step < 3; step++) optimizer.update(draw(1e-3), 1e-3, { factor, copies });
      return [params, copies, optimizer.expAvgs, optimizer.expAvgSqs].map((tensors) =>
        tensors.map((tensor) => toFloat64Array(tensor).slice()),
      );
    });

  it.each([
    ['vectors of any length', [[64, 48], [160], [1 << 14, 3]], 0.1, 0.37],
    ['no decay and nothing to scale', [[1 << 15]], 0, 1],
  ] as const)("makes libtorch's results to the last bit: %s", (_, shapes, weightDecay, factor) => {
    expect(updated(shapes, weightDecay, factor)).toEqual(
      withoutKernels(() => updated(shapes, weightDecay, factor)),
    );
  });

  it('is within the last digit where libtorch does not use its vectors', () => {
    const shapes = [[3, 5], [1], [7], [16385]];
    const [found, expected] = [updated(shapes, 0.1, 0.5), withoutKernels(() => updated(shapes, 0.1, 0.5))];
    found.forEach((tensors, kind) => {
      tensors.forEach((values, i) => {
        // Rounded to bf16, a difference of the last digit may become one of 2⁻⁷.
        expect(worst(values, expected[kind]![i]!)).toBeLessThan(kind === 1 ? 2 ** -7 : 1e-6);
      });
    });
  });

  it.each<[string, (x: Tensor, other: Tensor) => [grads: Tensor[], copies: Tensor[], step: number]]>([
    ['tensors of two shapes', (_, other) => [[other], [], 1]],
    ['too few of one', () => [[], [], 1]],
    ['copies that are not narrow', (x) => [[x], [x], 1]],
    ['no step', (x) => [[x], [], 0]],
  ])('refuses %s in a sentence', (_, given) => {
    scope(() => {
      const [x, other] = [ops.zeros([4], { dtype: 'f32' }), ops.zeros([3], { dtype: 'f32' })];
      const [grads, copies, step] = given(x, other);
      expect(() => {
        ops.adamwInOnePass_([x], grads, [x], [x], copies, step, 1, 1, 0, 0, 1, 0);
      }).toThrow(/adamw needs/);
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
