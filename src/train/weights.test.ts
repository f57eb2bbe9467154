import { createHash } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { adapted } from '../../test/support/adapters.js';
import { engineOf, madeUpGradient, madeUpRows } from '../../test/support/engines.js';
import { familyDir } from '../../test/support/families.js';
import { loadModel } from '../models/checkpoint.js';
import { noGrad } from '../torch/autograd.js';
import { toBytes, toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { AdamW, clipFactor, globalNorm } from '../torch/optim.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';
import { Engine } from './engine.js';
import { Ranks } from './ranks.js';
import { TrainableWeights } from './weights.js';

const options = { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
const live = liveTensors();
afterEach(() => {
  expect(liveTensors()).toBe(live);
});

const digests = (tensors: Iterable<Tensor>) =>
  Array.from(tensors, (tensor) => createHash('sha256').update(toBytes(tensor)).digest('hex'));

it.each(
  ['llama', 'qwen2', 'gemma3'].flatMap((family) =>
    (['bf16', 'f32'] as const).flatMap((compute) =>
      [undefined, { rank: 3 }, { dora: true }].map((lora) => [family, compute, lora] as const),
    ),
  ),
)(
  'steps of %s in %s, adapters %o, are those of tensors that lie apart, to the last bit',
  (family, compute, lora) => {
    using weights = new TrainableWeights(
      lora ? adapted(family, compute, lora) : loadModel(familyDir(family), { dtype: 'f32' }).model,
      compute,
    );
    using engine = new Engine(weights);
    using optimizer = weights.optimizer(options);
    scope(() => {
      const names = [...weights.masters.keys()];
      const apart = names.map((name) => ops.clone(weights.masters.get(name)!));
      const narrow = names.map((name, i) =>
        compute === 'bf16' && !name.endsWith('magnitude_vector')
          ? ops.toDtype(apart[i]!, compute)
          : undefined,
      );
      using each = new AdamW(apart, options);
      const rows = madeUpRows([19, 31, 7]);
      for (let step = 1; step <= 3; step++) {
        engine.backward(engine.forward(rows), madeUpGradient(rows));
        const grads = [...weights.grads.values()];
        const own = noGrad(() => grads.map((grad) => ops.clone(grad)));
        const norm = globalNorm(grads);
        expect(norm).toBeGreaterThan(0);
        expect(norm).toBe(globalNorm(own));
        const factor = clipFactor(norm, 0.5);
        weights.update(optimizer, 1e-3 / step, factor);
        each.update(own, 1e-3 / step, { factor, copies: narrow });
        expect(digests(weights.masters.values())).toEqual(digests(apart));
        const computing = names.map((name) => weights.model.parameter(name));
        expect(digests(computing)).toEqual(digests(names.map((_, i) => narrow[i] ?? apart[i]!)));
        expect(digests(weights.whole(optimizer.expAvgs).values())).toEqual(digests(each.expAvgs));
        expect(digests(weights.whole(optimizer.expAvgSqs).values())).toEqual(digests(each.expAvgSqs));
        expect(globalNorm(grads)).toBe(0);
        // Its parts are summed up in another order.
        expect(optimizer.updateNorm(1e-3 / step) / each.updateNorm(1e-3 / step)).toBeCloseTo(1, 6);
      }
    });
  },
);

it('moves the model into the buffers, and frees all', () => {
  using engine = engineOf('llama', 'bf16');
  const { masters, grads, model } = engine.weights;
  expect([...masters.keys()]).toEqual([...grads.keys()]);
  for (const [name, master] of masters) {
    expect(grads.get(name)!.shape).toEqual(master.shape);
    expect(model.parameter(name).dtype).toBe('bf16');
    expect(toFloat64Array(model.parameter(name))).toEqual(
      scope(() => toFloat64Array(ops.toDtype(master, 'bf16'))),
    );
  }
});

/** Counts the numbers of flat tensors. */
const countOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, { elements, shape }) => sum + (shape.length === 1 ? elements : NaN), 0);

it.each([
  ['llama', 'bf16', undefined],
  ['llama', 'f32', undefined],
  ['qwen3', 'bf16', { dora: true }],
] as const)(
  'each of N ranks keeps 1/N of masters and moments: %s in %s, adapters %o',
  (family, dtype, lora) => {
    const stateOf = (rank: number, world: number) => {
      const ranks = Object.assign(new Ranks(), { rank, world });
      using weights = new TrainableWeights(
        lora ? adapted(family, dtype, lora) : loadModel(familyDir(family), { dtype: 'f32' }).model,
        dtype,
        { ranks },
      );
      using optimizer = weights.optimizer(options);
      const [masters, ...moments] = [optimizer.params, optimizer.expAvgs, optimizer.expAvgSqs].map(countOf);
      expect(moments).toEqual([masters, masters]);
      return { masters: masters!, trained: weights.count };
    };
    for (const world of [1, 2, 4]) {
      const states = Array.from({ length: world }, (_, rank) => stateOf(rank, world));
      const [{ masters, trained }] = states as [(typeof states)[0]];
      for (const state of states) expect(state).toEqual({ masters, trained });
      expect(world * masters).toBeGreaterThanOrEqual(trained);
      // Tensors begin at cache lines, and a buffer divides into whole ones.
      const lines = 40 + 2 * world;
      expect(world * masters - trained).toBeLessThan(32 * lines);
    }
  },
);
