import { createHash } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { engineOf, madeUpGradient, madeUpRows } from '../../test/support/engines.js';
import { noGrad } from '../torch/autograd.js';
import { toBytes, toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { AdamW, clipFactor, globalNorm } from '../torch/optim.js';
import { liveTensors, scope, type Tensor } from '../torch/tensor.js';

const options = { betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
const live = liveTensors();
afterEach(() => {
  expect(liveTensors()).toBe(live);
});

const digests = (tensors: Iterable<Tensor>) =>
  Array.from(tensors, (tensor) => createHash('sha256').update(toBytes(tensor)).digest('hex'));

it.each(
  ['llama', 'qwen2', 'gemma3'].flatMap(
    (family) =>
      [
        [family, 'bf16'],
        [family, 'f32'],
      ] as const,
  ),
)('steps of %s in %s are those of tensors that lie apart, to the last bit', (family, compute) => {
  using engine = engineOf(family, compute);
  const { weights } = engine;
  using optimizer = weights.optimizer(options);
  scope(() => {
    const names = [...weights.masters.keys()];
    const apart = names.map((name) => ops.clone(weights.masters.get(name)!));
    const narrow = compute === 'bf16' ? apart.map((tensor) => ops.toDtype(tensor, compute)) : [];
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
      expect(digests(weights.model.parameters.values())).toEqual(digests(narrow.length > 0 ? narrow : apart));
      expect(digests(weights.whole(optimizer.expAvgs).values())).toEqual(digests(each.expAvgs));
      expect(digests(weights.whole(optimizer.expAvgSqs).values())).toEqual(digests(each.expAvgSqs));
      expect(globalNorm(grads)).toBe(0);
      // Its parts are summed up in another order.
      expect(optimizer.updateNorm(1e-3 / step) / each.updateNorm(1e-3 / step)).toBeCloseTo(1, 6);
    }
  });
});

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
