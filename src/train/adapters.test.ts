import { describe, expect, it } from 'vitest';
import { adapted } from '../../test/support/adapters.js';
import { gradientsOf, madeUpGradient, madeUpRows, worst } from '../../test/support/engines.js';
import { adapterShapes, type LoraConfig } from '../models/loraShapes.js';
import { Scorer } from '../models/scorer.js';
import { toFloat64Array } from '../torch/data.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { Engine } from './engine.js';
import { TrainableWeights } from './weights.js';

/** A tied head, biases of queries, keys and values, norms of queries and keys, and four norms a layer. */
const families = ['llama-tied-old-keys', 'qwen2', 'qwen3', 'gemma3'];
const kinds: [string, Partial<Omit<LoraConfig, 'modules'>>][] = [
  ['LoRA', {}],
  ['rsLoRA', { rslora: true }],
  ['DoRA', { dora: true }],
];
const rows = madeUpRows([19, 31, 7, 12]);
const gradient = madeUpGradient(rows);

function engineOf(
  family: string,
  dtype: Dtype,
  settings: Parameters<typeof adapted>[2],
  recompute = false,
): Engine & Disposable {
  const weights = new TrainableWeights(adapted(family, dtype, settings), dtype);
  const engine = new Engine(weights, recompute);
  const dispose = engine[Symbol.dispose].bind(engine);
  engine[Symbol.dispose] = () => {
    dispose();
    weights[Symbol.dispose]();
  };
  return engine;
}

function run(engine: Engine) {
  engine.weights.zeroGrads();
  const logps = engine.backward(engine.forward(rows), gradient);
  return { logps, gradients: gradientsOf(engine) };
}

describe.each(families.slice(0, 3))('the adapters of %s', (family) => {
  it.each(kinds)('have the gradients of central differences, in every matrix: %s', (_, settings) => {
    using engine = engineOf(family, 'f64', settings);
    using scorer = new Scorer(engine.weights.model);
    const loss = () => {
      let sum = 0;
      scorer.score(rows).forEach((logps, row) => {
        logps.forEach((logp, t) => (sum += gradient[row]![t]! * logp));
      });
      return sum;
    };
    const { gradients } = run(engine);
    expect(gradients.size).toBeGreaterThan(0);
    for (const [name, master] of engine.weights.masters) {
      const analytic = gradients.get(name)!;
      const values = scope(() => toFloat64Array(ops.detach(master))); // the parameter's own memory
      const largest = analytic.reduce(
        (best, x, i) => (Math.abs(x) > Math.abs(analytic[best]!) ? i : best),
        0,
      );
      for (const i of [largest, Math.floor(0.55 * values.length)]) {
        const start = values[i]!;
        const at = (shift: number) => {
          values[i] = start + shift;
          const result = loss();
          values[i] = start;
          return result;
        };
        // DoRA's norms stay as they are, through which no gradient goes.
        const h = 1e-3;
        const numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h); // fourth order
        const scale = Math.max(Math.abs(analytic[i]!), 1e-3 * Math.abs(analytic[largest]!));
        expect(Math.abs(numeric - analytic[i]!) / scale, `${name}[${i}]`).toBeLessThan(1e-6);
      }
    }
  });
});

describe.each(families)('the adapters of %s', (family) => {
  it.each(kinds)('are near in bf16, recompute to the same bits and leave no tensors: %s', (_, settings) => {
    const before = liveTensors();
    {
      // A rank for which there are kernels.
      using wide = engineOf(family, 'f32', { ...settings, rank: 16 });
      using narrow = engineOf(family, 'bf16', { ...settings, rank: 16 });
      using recomputing = engineOf(family, 'bf16', { ...settings, rank: 16 }, true);
      const [expected, found] = [run(wide), run(narrow)];
      const live = liveTensors();
      expect(run(recomputing)).toEqual(found);
      expect(liveTensors()).toBe(live);
      const cosine = (a: Float64Array, b: Float64Array) => {
        const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
        return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      };
      for (const [name, values] of expected.gradients)
        expect(cosine(found.gradients.get(name)!, values), name).toBeGreaterThan(0.95);
    }
    expect(liveTensors()).toBe(before);
  });

  it('have the gradients of the same projections trained whole, by the chain rule', () => {
    // dLoss/dA = s·Bᵀ·dLoss/dW and dLoss/dB = s·dLoss/dW·Aᵀ, where W is what the adapter makes of the weight.
    using engine = engineOf(family, 'f64', { alpha: 6, rank: 4 });
    const { gradients } = run(engine);
    const merged = adapted(family, 'f64', { alpha: 6, rank: 4 });
    merged.adapters!.merge();
    using weights = new TrainableWeights(merged.base, 'f64');
    using whole = new Engine(weights);
    run(whole);
    const { a, b } = {
      a: gradients.get('model.layers.1.mlp.down_proj.lora_A.weight')!,
      b: gradients.get('model.layers.1.mlp.down_proj.lora_B.weight')!,
    };
    const parameter = (name: string) => engine.weights.model.parameter(name);
    scope(() => {
      const full = whole.weights.gradOf('layers.1.down')!;
      const [lowA, lowB] = ['A', 'B'].map((side) =>
        ops.detach(parameter(`model.layers.1.mlp.down_proj.lora_${side}.weight`)),
      );
      const expectedA = ops.mulScalar(ops.mm(ops.t(lowB!), full), 1.5);
      const expectedB = ops.mulScalar(ops.mm(full, ops.t(lowA!)), 1.5);
      expect(worst(a, toFloat64Array(ops.reshape(expectedA, [-1])))).toBeLessThan(1e-9);
      expect(worst(b, toFloat64Array(ops.reshape(expectedB, [-1])))).toBeLessThan(1e-9);
    });
  });
});

describe('what is frozen', () => {
  it.each(['f32', 'bf16'] as const)('has neither gradient nor state, and stays as it is, in %s', (dtype) => {
    using engine = engineOf('qwen3', dtype, { targets: ['q_proj', 'down_proj'], dora: true });
    const { weights } = engine;
    const { model } = weights;
    const trained = [...adapterShapes(model.config, model.adapters!.lora).keys()];
    expect([...weights.masters.keys()]).toEqual(trained);
    expect([...weights.grads.keys()]).toEqual(trained);
    using optimizer = weights.optimizer({
      ...{ betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 },
    });
    for (const moments of [optimizer.expAvgs, optimizer.expAvgSqs]) {
      const elements = moments.reduce((sum, moment) => sum + moment.elements, 0);
      const padding = 32 * trained.length; // each begins at a cache line
      expect(elements - weights.count).toBeGreaterThanOrEqual(0);
      expect(elements - weights.count).toBeLessThan(padding);
    }
    const frozen = [...model.parameters].filter(([name]) => !trained.includes(name));
    expect(frozen.length).toBe(model.base.parameters.size);
    const before = frozen.map(([, tensor]) => toFloat64Array(tensor).slice());
    const start = run(engine);
    for (const [name, tensor] of frozen) {
      expect(tensor.requiresGrad, name).toBe(false);
      expect(tensor.grad, name).toBeNull();
      expect(tensor.dtype, name).toBe(dtype);
    }
    weights.update(optimizer, 1e-2, 1);
    expect(frozen.map(([, tensor]) => toFloat64Array(tensor))).toEqual(before);
    const now = run(engine);
    expect(Math.max(...now.logps.map((logps, i) => worst(logps, start.logps[i]!)))).toBeGreaterThan(1e-3);
    // The norms are those of the weights as they are now.
    using fresh = new Scorer(model);
    const kept = fresh.score(rows);
    model.adapters!.refresh();
    expect(fresh.score(rows)).toEqual(kept);
  });
});

describe('adapters that have not been trained', () => {
  it.each(['f32', 'bf16'] as const)('change nothing, to the last bit, in %s', (dtype) => {
    for (const family of families)
      for (const [, settings] of kinds) {
        using model = adapted(family, dtype, settings);
        expect(model.adapters!.areIdle).toBe(false);
        for (const [name, tensor] of model.parameters)
          if (name.endsWith('lora_B.weight')) ops.fill_(tensor, 0);
        model.adapters!.refresh();
        model.adapters!.startMagnitudes();
        expect(model.adapters!.areIdle).toBe(true);
        using weights = new TrainableWeights(model, dtype);
        using scorer = new Scorer(weights.model);
        using base = new Scorer(weights.model.base);
        expect(scorer.score(rows), family).toEqual(base.score(rows));
      }
  });
});
