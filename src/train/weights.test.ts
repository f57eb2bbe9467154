import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
import { loadState, writeState, type RunPosition, type TrainState } from './state.js';
import { DESCRIPTION } from './stateFolder.js';
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
      [undefined, { rank: 3 }, { dora: true }].flatMap((lora) =>
        [false, true].map((offload) => [family, compute, lora, offload] as const),
      ),
    ),
  ),
)(
  'steps of %s in %s, adapters %o, masters with the host %s, are those of tensors that lie apart, to the last bit',
  (family, compute, lora, offload) => {
    using weights = new TrainableWeights(
      lora ? adapted(family, compute, lora) : loadModel(familyDir(family), { dtype: 'f32' }).model,
      compute,
      { offload },
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

it.each(['bf16', 'f32'] as const)(
  'masters and moments that are with the host are in a state, from which another run goes on: %s',
  async (compute) => {
    const folder = join(mkdtempSync(join(tmpdir(), 'redistill-')), 'state');
    const opened = () => {
      const { model } = loadModel(familyDir('llama'), { dtype: 'f32' });
      const weights = new TrainableWeights(model, compute, { offload: true });
      return { weights, engine: new Engine(weights), optimizer: weights.optimizer(options) };
    };
    const rows = madeUpRows([19, 31]);
    const step = ({ weights, engine, optimizer }: ReturnType<typeof opened>) => {
      engine.backward(engine.forward(rows), madeUpGradient(rows));
      weights.update(optimizer, 1e-3, 1);
    };
    const tensorsOf = ({ weights, optimizer }: ReturnType<typeof opened>) => [
      ...[weights.masters, weights.whole(optimizer.expAvgs), weights.whole(optimizer.expAvgSqs)],
      weights.model.parameters,
    ];
    const [first, second] = [opened(), opened()];
    step(first);
    const position = { updates: 1, skipped: { total: 0, inARow: 0 } } as RunPosition;
    await writeState(folder, first, position).done;
    const { tensors } = JSON.parse(readFileSync(join(folder, DESCRIPTION), 'utf8')) as TrainState;
    loadState({ folder, tensors, position } as TrainState, second);
    scope(() => {
      for (const run of [first, second]) step(run);
      const [expected, found] = [first, second].map((run) =>
        tensorsOf(run).map((of) => digests(of.values())),
      );
      expect(found).toEqual(expected);
    });
    for (const { weights, engine, optimizer } of [first, second])
      for (const part of [optimizer, engine, weights]) part[Symbol.dispose]();
    rmSync(dirname(folder), { recursive: true });
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
        { ranks, offload: rank > 1 },
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
