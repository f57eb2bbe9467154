import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { worst } from '../../test/support/engines.js';
import { topKOf, type TopK } from '../objectives/topK.js';
import { backward, noGrad } from '../torch/autograd.js';
import { fromArray, indices, toFloat64Array } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import { seed } from '../torch/runtime.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';
import { ChunkedHead } from './head.js';
import { locateReads } from './reads.js';

const [tokens, hiddenSize, vocab] = [37, 24, 300];
const target = Int32Array.from({ length: tokens }, (_, i) => (i * 71 + 5) % vocab);
const weights = Float64Array.from({ length: tokens }, (_, i) => (i % 7 === 3 ? 0 : Math.sin(i)));
const lists = (count: (t: number) => number) =>
  topKOf(
    Array.from({ length: tokens }, (_, t) =>
      Array.from({ length: count(t) }, (_, j) => (t * 13 + j * 29) % vocab),
    ),
  );
/** A few for each token, the token itself sometimes among them, and two at a single place. */
const columns: TopK[] = [lists((t) => t % 6), lists((t) => (t === 20 ? 2 : 0))];
columns[0]!.ids[columns[0]!.starts[4]!] = target[4]!;
const gradients = columns
  .map(({ ids }) => ids.length)
  .map((n) => Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i)));

function inputs(dtype: Dtype): { hidden: Tensor; weight: Tensor } {
  seed(3);
  const draw = (rows: number) => ops.toDtype(ops.randn([rows, hiddenSize], { dtype: 'f64' }), dtype);
  return { hidden: draw(tokens), weight: draw(vocab) };
}

interface Result {
  logps: Float64Array;
  reads: Float64Array[];
  hiddenGrad: Float64Array;
  weightGrad: Float64Array;
}

/** Full logits and autograd. */
function plain(dtype: Dtype): Result {
  return scope(() => {
    const { hidden, weight } = inputs(dtype);
    hidden.requiresGrad = weight.requiresGrad = true;
    const all = ops.reshape(ops.logSoftmax(ops.linear(hidden, weight), -1), [-1]);
    const at = (id: ArrayLike<number>, token: (entry: number) => number) =>
      ops.indexSelect(all, 0, indices(Array.from(id, (value, entry) => token(entry) * vocab + value)));
    const own = at(target, (t) => t);
    const read = columns.map(({ ids, starts }) =>
      at(ids, (entry) => starts.findLastIndex((start, t) => t < tokens && start <= entry)),
    );
    backward(
      [own, ...read],
      [weights, ...gradients].map((g) => ops.toDtype(fromArray(g), dtype)),
    );
    return {
      logps: toFloat64Array(own),
      reads: read.map(toFloat64Array),
      hiddenGrad: toFloat64Array(hidden.grad!),
      weightGrad: toFloat64Array(weight.grad!),
    };
  });
}

function chunked(dtype: Dtype, rows: number | undefined): Result {
  return scope(() => {
    const { hidden, weight } = inputs(dtype);
    using head = new ChunkedHead(weight, rows);
    const weightGrad = ops.zeros([vocab, hiddenSize], { dtype: dtype === 'f64' ? 'f64' : 'f32' });
    const reads = columns.map((column) => locateReads([column], vocab, 'cpu'));
    const scored = noGrad(() => head.read(hidden, indices(target), reads));
    const given = reads.map((own, i) => ({ reads: own, gradient: gradients[i]! }));
    const { logps, hiddenGrad } = head.backward(hidden, indices(target), weights, weightGrad, given);
    expect(logps).toEqual(scored.logps);
    return {
      ...scored,
      hiddenGrad: toFloat64Array(hiddenGrad),
      weightGrad: toFloat64Array(weightGrad),
    };
  });
}

describe('a head that is read at several ids of a token', () => {
  it.each<[Dtype, number | undefined, number]>([
    ['f64', 5, 1e-13],
    ['f64', undefined, 1e-13],
    ['f32', 1, 2e-6],
    ['f32', 5, 2e-6],
    ['f32', undefined, 2e-6],
  ])(
    'has in %s with chunks of %s the log-probs and gradients of the whole softmax',
    (dtype, rows, tolerance) => {
      const [expected, found] = [plain(dtype), chunked(dtype, rows)];
      for (const key of ['logps', 'hiddenGrad', 'weightGrad'] as const)
        expect(worst(found[key], expected[key]), key).toBeLessThan(tolerance);
      expected.reads.forEach((values, i) => {
        expect(worst(found.reads[i]!, values), `column ${i}`).toBeLessThan(tolerance);
      });
    },
  );

  it.each([1, 4, 1000])('in bf16 with chunks of %i is as near as bf16 can be', (rows) => {
    const [expected, found] = [plain('f64'), chunked('bf16', rows)];
    for (const key of ['logps', 'hiddenGrad', 'weightGrad'] as const)
      expect(worst(found[key], expected[key]), key).toBeLessThan(2e-2);
    expect(worst(found.reads[0]!, expected.reads[0]!)).toBeLessThan(2e-2);
  });

  it('without any has to the last bit what one target has, and leaves no tensor behind', () => {
    const before = liveTensors();
    scope(() => {
      const { hidden, weight } = inputs('f32');
      using head = new ChunkedHead(weight, 8);
      const none = [locateReads([tokens], vocab, 'cpu')];
      const run = (reads: typeof none) => {
        const sum = ops.zeros([vocab, hiddenSize], { dtype: 'f32' });
        const given = reads.map((own) => ({ reads: own, gradient: new Float64Array() }));
        const { logps, hiddenGrad } = head.backward(hidden, indices(target), weights, sum, given);
        return [logps, toFloat64Array(hiddenGrad), toFloat64Array(sum)];
      };
      expect(run(none)).toEqual(run([]));
      const read = noGrad(() => head.read(hidden, indices(target), none));
      expect(read).toEqual({ logps: head.logps(hidden, indices(target)), reads: [new Float64Array()] });
    });
    expect(liveTensors()).toBe(before);
  });

  it('knows which tokens of several responses have none', () => {
    scope(() => {
      const both = [topKOf([[5, 6], [], [7]]), 2, topKOf([[], [8]])];
      const { starts, tokens: of, at } = locateReads(both, 1e9, 'cpu');
      expect([...starts]).toEqual([0, 2, 2, 3, 3, 3, 3, 4]);
      expect([...toFloat64Array(of)]).toEqual([0, 0, 2, 6]);
      expect([...toFloat64Array(at)]).toEqual([5, 6, 2e9 + 7, 6e9 + 8]);
    });
  });

  it.each(['f32', 'bf16'] as const)('in %s takes the memory of a chunk and not of all tokens', (dtype) => {
    const addressSpace = () =>
      Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
    scope(() => {
      const [many, large] = [512, 1 << 18]; // their logits would be 537 MB in float32
      const weight = ops.zeros([large, 2], { dtype });
      const hidden = ops.zeros([many, 2], { dtype });
      using head = new ChunkedHead(weight);
      const column = topKOf(Array.from({ length: many }, (_, t) => [t, t + 1, large - 1]));
      const targets = indices(new Int32Array(many).fill(7));
      const before = addressSpace();
      const reads = [locateReads([column], large, 'cpu')];
      const { reads: found } = noGrad(() => head.read(hidden, targets, reads));
      expect(found[0]![0]).toBeCloseTo(-18 * Math.LN2, 4);
      const sum = ops.zeros([large, 2], { dtype: 'f32' });
      const given = [{ reads: reads[0]!, gradient: new Float64Array(3 * many).fill(1) }];
      head.backward(hidden, targets, new Float64Array(many), sum, given);
      expect(addressSpace() - before).toBeLessThan(3.5e8);
    });
  });
});
