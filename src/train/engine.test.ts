import { describe, expect, it } from 'vitest';
import {
  engineOf,
  gradientsOf,
  madeUpGradient,
  madeUpRows,
  worst,
  worstOf,
} from '../../test/support/engines.js';
import { expectedGradients, familiesWithGradients } from '../../test/support/families.js';
import { namedTensors } from '../models/checkpoint.js';
import { packSequences } from '../models/pack.js';
import { Scorer } from '../models/scorer.js';
import { createObjective, type ObjectiveSpec } from '../objectives/index.js';
import { withReference } from '../objectives/objective.js';
import type { TokenRow } from '../text/tokenRows.js';
import { backward } from '../torch/autograd.js';
import { fromArray, indices, toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { disposeAll, liveTensors, scope } from '../torch/tensor.js';
import type { Engine } from './engine.js';
import type { TrainSequence } from './sequences.js';
import { runStep, stepByPacks } from './step.js';

/** Tied and untied heads, biases, QK-norm, sliding windows, Gemma's four norms and scaled embedding. */
const families = ['llama', 'llama3', 'llama-tied-old-keys', 'mistral-window', 'qwen2', 'qwen3', 'gemma3'];
const rows = madeUpRows([19, 31, 7, 12]);
const gradient = madeUpGradient(rows);

/** One forward and backward over each list of rows. */
function run(engine: Engine, packs: readonly (readonly number[])[]) {
  engine.weights.zeroGrads();
  const logps: Float64Array[] = [];
  for (const pack of packs) {
    const activations = engine.forward(pack.map((i) => rows[i]!));
    const result = engine.backward(
      activations,
      pack.map((i) => gradient[i]!),
    );
    pack.forEach((i, position) => (logps[i] = result[position]!));
  }
  return { logps, gradients: gradientsOf(engine) };
}

/** The same by full logits under one graph. */
function plain({ weights }: Engine) {
  const { model } = weights;
  weights.zeroGrads();
  return scope(() => {
    const pack = packSequences(
      model,
      rows.map(({ ids }) => ids),
    );
    const logits = ops.linear(model.hidden(pack.ids, pack.context), model.head);
    const all = ops.logSoftmax(logits, -1);
    let offset = 0;
    const logps = rows.map(({ ids, responseStart }) => {
      const count = ids.length - responseStart;
      const predicting = ops.narrow(all, 0, offset + responseStart - 1, count);
      offset += ids.length;
      return ops.squeeze(
        ops.gather(predicting, 1, ops.unsqueeze(indices(ids.subarray(responseStart)), 1)),
        1,
      );
    });
    backward(
      logps,
      gradient.map((values) => ops.toDtype(fromArray(values), model.dtype)),
    );
    return { logps: logps.map((tensor) => toFloat64Array(tensor)) };
  });
}

describe.each(families)('the engine on %s', (family) => {
  it.each([
    ['f64', 1e-12],
    ['f32', 1e-5],
  ] as const)('has the log-probs and gradients of the plain graph in %s', (dtype, tolerance) => {
    using engine = engineOf(family, dtype);
    const expected = plain(engine);
    const expectedGradients = gradientsOf(engine);
    const found = run(engine, [[0, 1, 2, 3]]);
    expect(
      found.logps.map((values, i) => worst(values, expected.logps[i]!)).every((x) => x < tolerance),
    ).toBe(true);
    expect(worstOf(found.gradients, expectedGradients)).toBeLessThan(tolerance);
  });

  it('recomputes to the same bits', () => {
    for (const dtype of ['f32', 'bf16'] as const) {
      using engine = engineOf(family, dtype);
      using recomputing = engineOf(family, dtype, { recompute: true });
      expect(run(recomputing, [[0, 1, 2, 3]])).toEqual(run(engine, [[0, 1, 2, 3]]));
    }
  });

  it('gives a pack what its rows give alone, and accumulated packs what one gives', () => {
    using engine = engineOf(family, 'f32');
    const one = run(engine, [[0, 1, 2, 3]]);
    for (const packs of [
      [[0], [1], [2], [3]],
      [
        [3, 0],
        [2, 1],
      ],
    ]) {
      const other = run(engine, packs);
      expect(worstOf(other.gradients, one.gradients)).toBeLessThan(1e-5);
      expect(Math.max(...other.logps.map((values, i) => worst(values, one.logps[i]!)))).toBeLessThan(1e-5);
    }
  });

  it('scores as it trains, with a backward or without', () => {
    using engine = engineOf(family, 'f32');
    using scorer = new Scorer(engine.weights.model);
    const activations = engine.forward(rows);
    const scored = engine.score(activations);
    disposeAll(activations);
    expect(scored).toEqual(run(engine, [[0, 1, 2, 3]]).logps);
    expect(scorer.score(rows)).toEqual(scored);
    expect(engine.scorer.score(rows)).toEqual(scored);
  });

  it('is near in bf16', () => {
    using wide = engineOf(family, 'f32');
    using narrow = engineOf(family, 'bf16');
    const [expected, found] = [run(wide, [[0, 1, 2, 3]]), run(narrow, [[0, 1, 2, 3]])];
    const cosine = (a: Float64Array, b: Float64Array) => {
      const dot = (x: Float64Array, y: Float64Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    for (const [name, values] of expected.gradients) {
      expect(cosine(found.gradients.get(name)!, values), name).toBeGreaterThan(0.99);
    }
    const gaps = expected.logps.flatMap((values, i) =>
      [...values].map((x, t) => Math.abs(x - found.logps[i]![t]!)),
    );
    expect(gaps.reduce((a, b) => a + b) / gaps.length).toBeLessThan(0.05);
  });
});

describe.each(familiesWithGradients)('the float64 gradient of %s', (family) => {
  it("is transformers'", () => {
    const expected = expectedGradients(family);
    using engine = engineOf(family, 'f64');
    const row: TokenRow = { ids: Int32Array.from(expected.ids), responseStart: expected.from };
    const count = row.ids.length - row.responseStart;
    const [logps] = engine.backward(engine.forward([row]), [new Float64Array(count).fill(-1 / count)]);
    // transformers computes the rotary angles in float32 by another order of operations.
    const tolerance = 1e-5;
    const loss = -logps!.reduce((a, b) => a + b) / count;
    expect(Math.abs(loss / expected.loss - 1)).toBeLessThan(tolerance);
    scope(() => {
      const named = namedTensors(engine.weights.model.config, engine.weights.grads, new Map());
      expect(named.map(({ name }) => name).sort()).toEqual(Object.keys(expected.gradients).sort());
      for (const { name, tensor } of named) {
        const { shape, norm, entries } = expected.gradients[name]!;
        const values = toFloat64Array(tensor);
        expect(tensor.shape).toEqual(shape);
        expect(Math.abs(Math.hypot(...values) / norm - 1), name).toBeLessThan(tolerance);
        for (const [index, value] of entries) {
          expect(Math.abs(values[index]! - value), `${name}[${index}]`).toBeLessThan(tolerance * norm);
        }
      }
    });
  });

  it('is that of central differences, in every parameter', () => {
    using engine = engineOf(family, 'f64');
    using scorer = new Scorer(engine.weights.model);
    const loss = () => {
      let sum = 0;
      scorer.score(rows).forEach((logps, row) => {
        logps.forEach((logp, t) => (sum += gradient[row]![t]! * logp));
      });
      return sum;
    };
    const { gradients } = run(engine, [[0, 1, 2, 3]]);
    for (const [name, master] of engine.weights.masters) {
      const analytic = gradients.get(name)!;
      const values = scope(() => toFloat64Array(ops.detach(master))); // the parameter's own memory
      const largest = analytic.reduce(
        (best, x, i) => (Math.abs(x) > Math.abs(analytic[best]!) ? i : best),
        0,
      );
      const entries = [largest, ...[0.21, 0.55, 0.83].map((part) => Math.floor(part * values.length))];
      for (const i of entries) {
        const start = values[i]!;
        const at = (shift: number) => {
          values[i] = start + shift;
          const result = loss();
          values[i] = start;
          return result;
        };
        // Fourth order: the error is h⁴ times the fifth derivative.
        const h = 1e-3;
        const numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        const scale = Math.max(Math.abs(analytic[i]!), 1e-3 * Math.abs(analytic[largest]!));
        expect(Math.abs(numeric - analytic[i]!) / scale, `${name}[${i}]`).toBeLessThan(1e-6);
      }
    }
  });
});

describe('an optimizer step', () => {
  const pairs = (engine: Engine): TrainSequence[] => {
    using scorer = new Scorer(engine.weights.model);
    const reference = scorer.score(rows).map((logps) => logps.map((x, t) => x + 0.1 * Math.cos(t)));
    return rows.map((row, i) =>
      withReference(
        {
          role: i % 2 === 0 ? 'chosen' : 'rejected',
          group: Math.floor(i / 2),
          length: row.ids.length - row.responseStart,
          row,
        },
        reference[i]!,
      ),
    );
  };

  it.each<ObjectiveSpec>([
    { name: 'redi', alpha: 0.8 },
    { name: 'symmetric' },
    { name: 'simpo' },
    { name: 'dpo' },
  ])('of %o does not depend on how its sequences are packed', (spec) => {
    using engine = engineOf('llama', 'f32');
    const sequences = pairs(engine);
    const objective = createObjective(spec);
    const step = (tokenBudget: number) => {
      engine.weights.zeroGrads();
      const before = liveTensors();
      const result = runStep(engine, objective, sequences, tokenBudget);
      expect(liveTensors()).toBe(before);
      return { ...result, gradients: gradientsOf(engine) };
    };
    const whole = step(1000);
    // 1: every sequence in a pack of its own, so a pair's halves lie apart; 31: some of them.
    for (const other of [step(1), step(31)]) {
      expect(Math.abs(other.loss / whole.loss - 1)).toBeLessThan(1e-5);
      expect(worstOf(other.gradients, whole.gradients)).toBeLessThan(1e-5);
      for (const [name, value] of Object.entries(whole.metrics)) {
        expect(Math.abs(other.metrics[name]! - value), name).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(value)),
        );
      }
    }
  });

  it('frees what it kept when it is stopped between packs', () => {
    using engine = engineOf('llama', 'f32');
    const sequences = pairs(engine);
    for (const name of ['redi', 'dpo']) {
      const before = liveTensors();
      const packs = stepByPacks(engine, createObjective({ name }), sequences, 1);
      packs.next();
      packs.next();
      packs.return({ loss: 0, metrics: {}, remember: new Map() });
      expect(liveTensors()).toBe(before);
    }
  });
});

describe('a backward pass that fails', () => {
  const sequences = rows.map((row, i): TrainSequence => ({
    role: i % 2 === 0 ? 'chosen' : 'rejected',
    group: Math.floor(i / 2),
    length: row.ids.length - row.responseStart,
    row,
  }));

  it.each(['sft', 'redi', 'simpo'])('frees what the forward of %s had kept', (name) => {
    using engine = engineOf('llama', 'bf16');
    const objective = createObjective({ name });
    const before = liveTensors();
    const backward = engine.backward.bind(engine);
    // A gradient for one token too few in each row.
    engine.backward = (activations, given) =>
      backward(
        activations,
        given.map((values) => values.subarray(1)),
      );
    expect(() => runStep(engine, objective, sequences, 30)).toThrow('another number of bytes');
    expect(liveTensors()).toBe(before);
  });
});

describe('responses', () => {
  it('are predicted from the token before each of theirs', () => {
    using engine = engineOf('llama', 'f32');
    using scorer = new Scorer(engine.weights.model);
    const [row] = rows;
    const score = (responseStart: number) => scorer.score([{ ids: row!.ids, responseStart }])[0]!;
    const all = score(1);
    expect(all).toHaveLength(row!.ids.length - 1);
    expect(worst(score(row!.ids.length - 1), all.slice(-1))).toBeLessThan(1e-6);
    expect(worst(score(5), all.slice(4))).toBeLessThan(1e-6);
    expect(() => score(0)).toThrow('a token before it');
  });

  it('may be empty in a row beside others', () => {
    using scorer = engineOf('llama', 'f32');
    const empty = { ids: rows[2]!.ids, responseStart: rows[2]!.ids.length };
    const activations = scorer.forward([rows[0]!, empty]);
    const result = scorer.backward(activations, [gradient[0]!, new Float64Array(0)]);
    expect(result.map((logps) => logps.length)).toEqual([gradient[0]!.length, 0]);
  });
});

describe('live tensors', () => {
  it.each([
    ['f32', false],
    ['bf16', false],
    ['bf16', true],
  ] as const)('stay constant over 20 forwards and backwards in %s, recompute %s', (dtype, recompute) => {
    const start = liveTensors();
    const engine = engineOf('gemma3', dtype, { recompute });
    run(engine, [[0, 1, 2, 3]]);
    const before = liveTensors();
    for (let i = 0; i < 20; i++) {
      run(engine, [
        [0, 1],
        [2, 3],
      ]);
      disposeAll(engine.forward(rows));
    }
    expect(liveTensors()).toBe(before);
    engine[Symbol.dispose]();
    expect(liveTensors()).toBe(start);
  });
});
