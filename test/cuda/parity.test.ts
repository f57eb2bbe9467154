import { describe, expect, it } from 'vitest';
import { Decoder } from '../../src/generate/decoder.js';
import { parseConfig, type ModelConfig } from '../../src/models/config.js';
import { packSequences } from '../../src/models/pack.js';
import { parameterSpecs } from '../../src/models/parameters.js';
import { Transformer } from '../../src/models/transformer.js';
import { backward } from '../../src/torch/autograd.js';
import { fromArray, toFloat64Array } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import { native } from '../../src/torch/native.js';
import * as ops from '../../src/torch/ops.js';
import { clipFactor, globalNorm } from '../../src/torch/optim.js';
import { memoryStats, rngState, seed, setRngState, synchronize } from '../../src/torch/runtime.js';
import { Stream } from '../../src/torch/streams.js';
import { liveTensors, scope, type Tensor } from '../../src/torch/tensor.js';
import { Engine } from '../../src/train/engine.js';
import { TrainableWeights } from '../../src/train/weights.js';
import { absent, device } from '../support/cuda.js';
import { engineOf, gradientsOf, madeUpGradient, madeUpRows, worst, worstOf } from '../support/engines.js';
import { familyNames } from '../support/families.js';

/** Sequences of the kinds that varlen kernels treat apart: one token, a block's edge, and longer than a window. */
const rows = madeUpRows([2, 64, 65, 130, 17]);
const gradient = madeUpGradient(rows);

function run(engine: Engine) {
  engine.weights.zeroGrads();
  const logps = engine.backward(engine.forward(rows), gradient);
  return { logps: Float64Array.from(logps.flatMap((values) => [...values])), gradients: gradientsOf(engine) };
}

const fields = {
  ...{ vocab_size: 128, hidden_size: 128, intermediate_size: 256, num_hidden_layers: 3, head_dim: 64 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 256 },
};
/** Head size 64: what flash attention takes. */
const models: Record<string, ModelConfig> = {
  full: parseConfig({ ...fields, model_type: 'llama' }, 'full'),
  window: parseConfig({ ...fields, model_type: 'mistral', sliding_window: 16 }, 'window'),
  mixed: parseConfig(
    { ...fields, model_type: 'gemma3_text', sliding_window: 16, sliding_window_pattern: 2 },
    'mixed',
  ),
};

/** The same weights on every device. */
function randomEngine(config: ModelConfig, on: string, compute: Dtype): Engine {
  const parameters = scope(() => {
    seed(11);
    return new Map(
      [...parameterSpecs(config)].map(([name, { shape }]): [string, Tensor] => {
        const values = ops.mulScalar(ops.randn(shape, { dtype: 'f32' }), shape.length === 1 ? 0.2 : 0.08);
        const offset = shape.length === 1 && config.normOffset === 0 ? 1 : 0;
        return [name, ops.toDevice(ops.addScalar(values, offset), on, 'f32')];
      }),
    );
  });
  return new Engine(new TrainableWeights(new Transformer(config, parameters), compute));
}

function cosine(a: Float64Array, b: Float64Array): number {
  const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

describe.skipIf(absent !== undefined)('CUDA', () => {
  it.each(familyNames)('has the log-probs and gradients of the CPU for %s in f32', (family) => {
    using here = engineOf(family, 'f32');
    using there = engineOf(family, 'f32', { device });
    const [expected, found] = [run(here), run(there)];
    expect(worst(found.logps, expected.logps)).toBeLessThan(1e-4);
    expect(worstOf(found.gradients, expected.gradients)).toBeLessThan(1e-4);
  });

  it.each(['bf16', 'f32'] as const)(
    'takes the same steps where the host has masters and moments: %s',
    (compute) => {
      const [expected, found] = [false, true].map((offload) => {
        using engine = engineOf('llama', compute, { device, offload });
        const { weights } = engine;
        using optimizer = weights.optimizer({ betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.1 });
        for (const { device: where } of [...optimizer.params, ...optimizer.expAvgs])
          expect(where).toBe(offload ? 'cpu' : weights.model.device);
        for (let step = 0; step < 3; step++) {
          engine.backward(engine.forward(rows), gradient);
          weights.update(optimizer, 1e-4, 1);
        }
        expect(globalNorm([...weights.grads.values()])).toBe(0);
        const values = (tensors: ReadonlyMap<string, Tensor>) =>
          new Map(Array.from(tensors, ([name, tensor]) => [name, toFloat64Array(tensor).slice()]));
        return [values(weights.masters), values(weights.model.parameters)] as const;
      });
      for (const kind of [0, 1] as const)
        expect(worstOf(found![kind], expected![kind])).toBeLessThan(compute === 'f32' ? 1e-5 : 1e-2);
    },
  );

  it.each(Object.keys(models))('is near the CPU with flash attention in bf16: %s', (name) => {
    const [expected, found] = [
      run(randomEngine(models[name]!, 'cpu', 'f32')),
      run(randomEngine(models[name]!, device, 'bf16')),
    ];
    const gap = found.logps.reduce((sum, x, i) => sum + Math.abs(x - expected.logps[i]!), 0);
    expect(gap / found.logps.length).toBeLessThan(0.05);
    for (const [parameter, values] of expected.gradients) {
      expect(cosine(found.gradients.get(parameter)!, values), parameter).toBeGreaterThan(0.99);
    }
  });

  it.each(Object.keys(models))('attends as the CPU does, to the edge of each window: %s', (name) => {
    const config = models[name]!;
    const { heads, kvHeads, headDim } = config;
    const lengths = rows.map(({ ids }) => ids);
    const tokens = lengths.reduce((sum, ids) => sum + ids.length, 0);
    const attend = (on: string, dtype: Dtype) =>
      scope(() => {
        seed(5);
        // Large queries make attention sharp, so that one key too many or too few shows.
        const [q, k, v] = [heads, kvHeads, kvHeads].map((count, i) => {
          const x = ops.mulScalar(ops.randn([tokens, count, headDim], { dtype: 'f32' }), i === 0 ? 3 : 1);
          const rounded = ops.toDevice(ops.toDtype(ops.toDtype(x, 'bf16'), dtype), on, dtype);
          rounded.requiresGrad = true;
          return rounded;
        }) as [Tensor, Tensor, Tensor];
        const { model } = randomEngine(config, on, dtype).weights;
        const { context } = packSequences(model, lengths);
        return config.attention.map((_, layer) => {
          const out = context.attend(layer, q, k, v);
          for (const x of [q, k, v]) x.grad = null;
          backward(
            [out],
            [ops.toDtype(ops.cos(ops.toDtype(ops.detach(q), 'f32')), dtype)].map((g) =>
              ops.reshape(g, out.shape),
            ),
          );
          return [out, q.grad!, k.grad!, v.grad!].map((x) => toFloat64Array(x).slice());
        });
      });
    const [expected, found] = [attend('cpu', 'f32'), attend(device, 'bf16')];
    found.forEach((results, layer) => {
      results.forEach((values, i) => {
        expect(worst(values, expected[layer]![i]!), `layer ${layer}, result ${i}`).toBeLessThan(2e-2);
      });
    });
  });

  it.each(Object.keys(models))('decodes as the CPU does, rows of different lengths: %s', (name) => {
    const prompts = [3, 40, 1, 17].map((length, row) =>
      Int32Array.from({ length }, (_, i) => (7 * i + 13 * row) % fields.vocab_size),
    );
    const decode = (on: string, compute: Dtype) => {
      const engine = randomEngine(models[name]!, on, compute);
      using decoder = new Decoder(engine.weights.model, []);
      const logits = [decoder.join(prompts, [1, 2, 1, 1])];
      for (let step = 0; step < 150; step++) {
        if (step === 20) decoder.leave(new Set([0]));
        const rows = step < 20 ? 5 : 4;
        logits.push(decoder.step(Int32Array.from({ length: rows }, (_, row) => (11 * step + row) % 100)));
      }
      return logits.map((x) => scope(() => toFloat64Array(x).slice()));
    };
    const [expected, found] = [decode('cpu', 'f32'), decode(device, 'bf16')];
    found.forEach((values, step) => {
      expect(cosine(values, expected[step]!), `step ${step}`).toBeGreaterThan(0.999);
    });
  });

  it('recomputes, updates and clips', () => {
    const results = ['cpu', device].map((on) => {
      using engine = engineOf('gemma3', 'f32', { recompute: true, device: on });
      const { weights } = engine;
      using optimizer = weights.optimizer({
        betas: [0.9, 0.95],
        eps: 1e-8,
        weightDecay: 0.1,
      });
      const norms = [0, 1, 2].map(() => {
        run(engine);
        const norm = globalNorm([...weights.grads.values()]);
        weights.update(optimizer, 1e-3, clipFactor(norm, 1));
        return norm;
      });
      const masters = [...weights.masters].map(([name, master]): [string, Float64Array] => [
        name,
        scope(() => toFloat64Array(ops.detach(master)).slice()),
      ]);
      return { norms, masters: new Map(masters) };
    });
    expect(worst(results[1]!.norms, results[0]!.norms)).toBeLessThan(1e-4);
    // AdamW's first steps are ±lr whatever the gradient, so a gradient of nearly zero may differ by all of it.
    expect(worstOf(results[1]!.masters, results[0]!.masters)).toBeLessThan(1e-2);
  });

  it('keeps the count of live tensors constant and its memory flat', () => {
    using engine = engineOf('qwen3', 'bf16', { device });
    const measure = () => {
      run(engine);
      synchronize(device);
      return { live: liveTensors(), allocated: memoryStats(device).allocated };
    };
    measure();
    const first = measure();
    for (let i = 0; i < 20; i++) measure();
    expect(measure()).toEqual(first);
  });

  it('counts memory', () => {
    const before = memoryStats(device);
    const tensor = ops.empty([64, 2 ** 20], { dtype: 'u8', device });
    const during = memoryStats(device);
    expect(during.allocated - before.allocated).toBe(64 * 2 ** 20);
    expect(during.peakAllocated).toBeGreaterThanOrEqual(during.allocated);
    tensor.dispose();
    expect(memoryStats(device).allocated).toBe(before.allocated);
    native.resetPeakMemory(device);
    expect(memoryStats(device).peakAllocated).toBe(before.allocated);
    native.emptyCache(device);
  });

  it('says that memory ran out', () => {
    expect(() => ops.empty([2 ** 50], { dtype: 'u8', device })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY' }),
    );
  });

  it('orders work between streams', () => {
    scope(() => {
      const main = Stream.current(device);
      const side = Stream.create(device);
      const a = ops.randn([2048, 2048], { dtype: 'f32', device });
      const product = ops.mm(a, a); // still running when the other stream begins
      side.waitFor(main);
      const doubled = side.run(device, () => ops.addScalar(product, 1));
      main.waitFor(side);
      const difference = ops.sub(doubled, ops.addScalar(ops.mm(a, a), 1));
      expect(ops.norm(difference).item()).toBe(0);
    });
  });

  it('repeats its random numbers from a saved state', () => {
    scope(() => {
      seed(3);
      const state = rngState(device);
      const draw = () => [...toFloat64Array(ops.randn([4], { dtype: 'f32', device }))];
      const first = draw();
      expect(draw()).not.toEqual(first);
      setRngState(device, state);
      expect(draw()).toEqual(first);
    });
  });

  it('moves values there and back', () => {
    scope(() => {
      const there = ops.toDevice(fromArray(Float32Array.of(1, 2, 3)), device, 'bf16');
      expect(there.device).toBe(device);
      expect([...toFloat64Array(there)]).toEqual([1, 2, 3]);
    });
  });
});
