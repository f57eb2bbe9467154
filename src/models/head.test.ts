import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backward, noGrad } from '../torch/autograd.js';
import { fromArray, indices, toFloat64Array } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import { seed } from '../torch/runtime.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';
import { ChunkedHead } from './head.js';

const [tokens, hiddenSize, vocab] = [37, 24, 300];
const target = Int32Array.from({ length: tokens }, (_, i) => (i * 71 + 5) % vocab);
/** dLoss/dlogp of both signs and several sizes, with zeros. */
const weights = Float64Array.from({ length: tokens }, (_, i) =>
  i % 7 === 3 ? 0 : Math.sin(i) * 10 ** (i % 3),
);

describe.each(['f64', 'f32', 'bf16'] as const)('entropies in %s', (dtype) => {
  it.each([undefined, 16, 20])('are those of the whole softmax, in chunks of %s', (rows) => {
    scope(() => {
      const { hidden, weight } = inputs(dtype);
      using head = new ChunkedHead(weight, rows);
      const found = head.entropies(hidden);
      // As the head rounds them: the logits to the model's dtype, and nothing after that.
      const logits = toFloat64Array(ops.linear(hidden, weight));
      for (let token = 0; token < tokens; token++) {
        const row = logits.subarray(token * vocab, (token + 1) * vocab);
        const largest = Math.max(...row);
        const powers = row.map((logit) => Math.exp(logit - largest));
        const all = powers.reduce((a, b) => a + b);
        const entropy = -powers.reduce((sum, power) => sum + (power / all) * Math.log(power / all || 1), 0);
        expect(Math.abs(found[token]! - entropy)).toBeLessThan({ f64: 1e-12, f32: 1e-5, bf16: 2e-2 }[dtype]);
      }
    });
  });
});

interface Result {
  logps: Float64Array;
  hiddenGrad: Float64Array;
  weightGrad: Float64Array;
}

function inputs(dtype: Dtype): { hidden: Tensor; weight: Tensor } {
  seed(3);
  const draw = (rows: number) => ops.toDtype(ops.randn([rows, hiddenSize], { dtype: 'f64' }), dtype);
  return { hidden: draw(tokens), weight: draw(vocab) };
}

/** Full logits and autograd. */
function plain(dtype: Dtype): Result {
  return scope(() => {
    const { hidden, weight } = inputs(dtype);
    hidden.requiresGrad = weight.requiresGrad = true;
    const all = ops.logSoftmax(ops.linear(hidden, weight), -1);
    const logps = ops.squeeze(ops.gather(all, 1, ops.unsqueeze(indices(target), 1)), 1);
    backward([logps], [ops.toDtype(fromArray(weights), dtype)]);
    return {
      logps: toFloat64Array(logps),
      hiddenGrad: toFloat64Array(hidden.grad!),
      weightGrad: toFloat64Array(weight.grad!),
    };
  });
}

function chunked(dtype: Dtype, rows: number | undefined): Result & { scored: Float64Array } {
  return scope(() => {
    const { hidden, weight } = inputs(dtype);
    using head = new ChunkedHead(weight, rows);
    const weightGrad = ops.zeros([vocab, hiddenSize], { dtype: dtype === 'f64' ? 'f64' : 'f32' });
    const scored = head.logps(hidden, indices(target));
    const { logps, hiddenGrad } = head.backward(hidden, indices(target), weights, weightGrad);
    return {
      scored,
      logps,
      hiddenGrad: toFloat64Array(hiddenGrad),
      weightGrad: toFloat64Array(weightGrad),
    };
  });
}

/** The largest difference over the largest value. */
const worst = (a: Float64Array, b: Float64Array): number => {
  expect(a).toHaveLength(b.length);
  const largest = b.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return a.reduce((max, x, i) => Math.max(max, Math.abs(x - b[i]!)), 0) / largest;
};

describe('ChunkedHead', () => {
  it.each<[Dtype, number | undefined, number]>([
    ['f64', 5, 1e-13],
    ['f32', 1, 1e-6],
    ['f32', 5, 1e-6],
    ['f32', tokens, 1e-6],
    ['f32', undefined, 1e-6],
  ])('in %s with chunks of %s equals the plain head', (dtype, rows, tolerance) => {
    const expected = plain(dtype);
    const found = chunked(dtype, rows);
    for (const key of ['logps', 'hiddenGrad', 'weightGrad'] as const) {
      expect(worst(found[key], expected[key]), key).toBeLessThan(tolerance);
    }
    expect(found.scored).toEqual(found.logps);
  });

  it.each([4, 1000])('in bf16 with chunks of %i is as near as bf16 can be', (rows) => {
    const expected = plain('f64');
    const found = chunked('bf16', rows);
    for (const key of ['logps', 'hiddenGrad', 'weightGrad'] as const) {
      expect(worst(found[key], expected[key]), key).toBeLessThan(2e-2);
    }
  });

  it('adds to the weight gradient that is there', () => {
    scope(() => {
      const { hidden, weight } = inputs('f32');
      using head = new ChunkedHead(weight, 8);
      const once = ops.zeros([vocab, hiddenSize], { dtype: 'f32' });
      const twice = ops.zeros([vocab, hiddenSize], { dtype: 'f32' });
      for (const sum of [once, twice, twice]) head.backward(hidden, indices(target), weights, sum);
      expect(worst(toFloat64Array(twice), toFloat64Array(ops.mulScalar(once, 2)))).toBeLessThan(1e-6);
    });
  });

  it.each([tokens, 8])(
    'in bf16 with chunks of %i gives to the last bit what it gives without having scored',
    (rows) => {
      scope(() => {
        const { hidden, weight } = inputs('bf16');
        using head = new ChunkedHead(weight, rows);
        const other = ops.neg(hidden);
        const run = (scored: readonly Tensor[]) =>
          noGrad(() => {
            for (const x of scored) head.logps(x, indices(target));
            const sum = ops.zeros([vocab, hiddenSize], { dtype: 'f32' });
            const { logps, hiddenGrad } = head.backward(hidden, indices(target), weights, sum);
            return [logps, toFloat64Array(hiddenGrad), toFloat64Array(sum)];
          });
        const alone = run([]);
        expect(run([hidden])).toEqual(alone);
        expect(run([hidden, other])).toEqual(alone);
        expect(run([])).toEqual(alone);
      });
    },
  );

  it('stays finite where logits are far apart', () => {
    scope(() => {
      const weight = fromArray(Float32Array.of(1000, -1000, 0), [3, 1]);
      using head = new ChunkedHead(weight);
      const hidden = ops.full([3, 1], 1, { dtype: 'f32' });
      expect([...head.logps(hidden, indices([0, 1, 2]))]).toEqual([0, -2000, -1000]);
    });
  });

  it('takes no more memory than its tokens need', () => {
    const addressSpace = () =>
      Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
    for (const dtype of ['f32', 'bf16'] as const)
      scope(() => {
        const weight = ops.zeros([1 << 20, 2], { dtype });
        const before = addressSpace();
        using head = new ChunkedHead(weight, 4096); // 8 or 16 GB if the buffers were for all of a chunk
        const logps = head.logps(ops.zeros([1, 2], { dtype }), indices([7]));
        expect(logps[0]).toBeCloseTo(-20 * Math.LN2, 4);
        expect(addressSpace() - before).toBeLessThan(1e9);
      });
  });

  it('takes no tokens, and leaves none behind', () => {
    const before = liveTensors();
    scope(() => {
      const { weight } = inputs('f32');
      using head = new ChunkedHead(weight);
      expect(
        noGrad(() => head.logps(ops.zeros([0, hiddenSize], { dtype: 'f32' }), indices([]))),
      ).toHaveLength(0);
    });
    expect(liveTensors()).toBe(before);
  });
});
