import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adapted } from '../../test/support/adapters.js';
import { contents, writeRows } from '../../test/support/tinyModel.js';
import { model, recipeOf, root, setUpRuns, trained } from '../../test/support/trainingRuns.js';
import { KeyValueCache } from '../generate/cache.js';
import { loadModel, saveModel } from '../models/checkpoint.js';
import { parseConfig, type ModelConfig } from '../models/config.js';
import { readConfig } from '../models/directory.js';
import { modulesNamed, staysWide } from '../models/loraShapes.js';
import { loraTargets } from '../models/loraTargets.js';
import { parameterCount } from '../models/parameters.js';
import { createObjective } from '../objectives/index.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { dtypeSize } from '../torch/dtype.js';
import { memoryStats } from '../torch/runtime.js';
import { UserError } from '../util/errors.js';
import { besideOf, type BesideSteps } from './besideSteps.js';
import { bytesToCome, expectMemory, type StepsToCome } from './estimate.js';
import { prepareExamples } from './examples.js';
import { activationBytes, operations, trainedCount, weightBytes, type TrainedShapes } from './memoryModel.js';
import { planSteps } from './plan.js';
import { TrainableWeights } from './weights.js';
import { estimate } from './trainer.js';
import { openDevelopment } from './watch/development.js';
import { openWatched } from './watch/open.js';

setUpRuns();

const llama = (keys: object = {}): ModelConfig =>
  parseConfig(
    {
      ...{ model_type: 'llama', vocab_size: 1000, hidden_size: 64, intermediate_size: 256 },
      ...{ num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true },
      ...keys,
    },
    'a test',
  );
const shapesOf = (keys: Partial<TrainedShapes> = {}): TrainedShapes => ({
  ...{ config: llama(), dtype: 'bf16', device: 'cpu', recompute: false },
  ...keys,
});

/** A run over the tests' pairs, of which the longest side has 33 tokens. */
async function run(
  name: string,
  tokenBudget: number,
  beside: Partial<BesideSteps> = {},
): Promise<StepsToCome & Disposable> {
  const recipe = recipeOf(name, { batch_size: 5 });
  const objective = createObjective({ name });
  const { examples } = await prepareExamples(recipe, objective);
  const plan = planSteps(recipe, examples.length);
  return {
    ...{ objective, examples, plan, tokenBudget },
    beside: { written: 0, between: 0, sampled: 0, ...beside },
    [Symbol.dispose]: () => {
      examples[Symbol.dispose]();
    },
  };
}

describe('the memory of', () => {
  it('weights is 18 bytes a parameter in bf16 and 16 in f32', () => {
    // The embedding, and a layer: 2 norms, q and o of 64 × 64, k and v of 32 × 64, three of 256 × 64; and the last norm.
    const parameters = 1000 * 64 + 3 * (2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 256 * 64) + 64;
    expect(weightBytes(shapesOf())).toBe(18 * parameters);
    expect(weightBytes(shapesOf({ dtype: 'f32' }))).toBe(16 * parameters);
    // Gradients and what computes are left on a GPU where the host has masters and moments.
    expect(weightBytes(shapesOf({ offload: true }))).toBe(6 * parameters);
    expect(weightBytes(shapesOf({ offload: true, dtype: 'f32' }))).toBe(8 * parameters);
  });

  it('adapters is that of all that is held for them, and of a model that is frozen', () => {
    for (const dtype of ['bf16', 'f32'] as const)
      for (const dora of [false, true]) {
        using weights = new TrainableWeights(adapted('qwen3', dtype, { rank: 16, dora }), dtype);
        const { config, adapters } = weights.model;
        const shapes = shapesOf({ config, dtype, adapters: adapters!.lora });
        const { masters, grads, model: computes } = weights;
        // Both moments are as large as the masters, and in f32 the masters are the model's own.
        const held = [...masters.values(), ...masters.values(), ...grads.values()];
        const distinct = new Set([...masters.values(), ...computes.parameters.values()]);
        const bytes = [...held, ...distinct].reduce((sum, x) => sum + x.elements * dtypeSize[x.dtype], 0);
        const magnitudes = [...masters].filter(([name]) => staysWide(name));
        const copied = dtype === 'bf16' ? magnitudes.reduce((sum, [, x]) => sum + 2 * x.elements, 0) : 0;
        expect(weightBytes(shapes)).toBe(bytes + copied);
        expect(weights.count).toBe(trainedCount(shapes));
      }
  });

  it('what adapters keep is a little more than without them', () => {
    const load = { tokens: 100, responses: 60, seen: 0 };
    const of = (dora: boolean, recompute: boolean) => {
      const modules = modulesNamed(llama(), loraTargets);
      const adapters = { rank: 16, alpha: 32, rslora: false, dora, modules };
      const [found, without] = [{ adapters }, {}].map((keys) =>
        activationBytes(shapesOf({ recompute, ...keys }), load),
      );
      return found! - without!;
    };
    // What A gives, twice, in 7 projections of 3 layers; with DoRA also the projections' results: 2 · 64 + 2 · 32 + 2 · 256 + 64.
    expect(of(false, false)).toBe(100 * 2 * 3 * 7 * 2 * 16);
    expect(of(true, false)).toBe(100 * 2 * 3 * (7 * 2 * 16 + 768));
    expect(of(true, true)).toBe(of(true, false) / 3);
  });

  it('activations grows with tokens and layers, and is less where they are computed again', () => {
    const load = { tokens: 100, responses: 60, seen: 0 };
    const bytes = activationBytes(shapesOf(), load);
    expect(activationBytes(shapesOf(), { tokens: 200, responses: 120, seen: 0 })).toBe(2 * bytes);
    expect(activationBytes(shapesOf({ dtype: 'f32' }), load)).toBeGreaterThan(2 * bytes);
    const of = (layers: number, recompute: boolean) =>
      activationBytes(shapesOf({ recompute, config: llama({ num_hidden_layers: layers }) }), load);
    // Of one more layer the two streams stay where it is computed again.
    expect(of(4, true) - of(3, true)).toBe(100 * 2 * 64 * 2);
    expect(of(4, false) - of(3, false)).toBeGreaterThan(6 * (of(4, true) - of(3, true)));
  });

  it('a step is that of its largest pack, also of pairs that are larger than one', async () => {
    const of = async (name: string, budget: number) => {
      using some = await run(name, budget);
      return bytesToCome(shapesOf(), some) - weightBytes(shapesOf());
    };
    expect(await of('dpo', 1)).toBe(await of('redi', 1));
    expect(await of('redi', 64)).toBeLessThan(await of('redi', 1000));
    expect(await of('dpo', 1000)).toBe(await of('redi', 1000)); // all of a step at once
  });
});

describe('beside its steps a run', () => {
  const besideOfRun = async (keys: object, name = 'sft', world = 1) => {
    const recipe = recipeOf(name, keys);
    const objective = createObjective({ name });
    using data = (await prepareExamples(recipe, objective)).examples;
    using watched = await openWatched(recipe, objective, data, {
      onRows: () => undefined,
      onNotice: () => undefined,
    });
    return await besideOf(recipe, objective, watched, { trained: parameters(), world });
  };
  const parameters = () => parameterCount(readConfig(model));
  /** The tests' model with a file in bf16, as most models have it. */
  const inBf16 = () => {
    const dir = join(root, 'in-bf16');
    const loaded = loadModel(model, { dtype: 'f32' });
    using copy = loaded.model;
    const fileDtypes = new Map([...loaded.fileDtypes.keys()].map((name) => [name, 'bf16' as const]));
    saveModel({ ...loaded, fileDtypes }, dir, copy.parameters);
    return dir;
  };

  it('has copies of what it writes, where the file has another type than the weights', async () => {
    const all = {
      ...{ save: { every: 1 }, evaluation: { rows: 2 }, best: { metric: 'eval_loss' } },
      sentinel: { act: 'rollback' },
    };
    expect(await besideOfRun(all)).toEqual({ written: 0, between: 0, sampled: 0 });
    const bf16 = inBf16();
    expect(await besideOfRun({ ...all, model: bf16 })).toMatchObject({ written: 2 * parameters() });
    const last = { written: 0, between: 2 * parameters() };
    expect(await besideOfRun({ model: bf16 })).toMatchObject(last);
    expect(await besideOfRun({ model: bf16, save: { every: 1, keep: 0 } })).toMatchObject(last);
  });

  it('brings a state together at rank 0 of several, or the weights alone', async () => {
    const of = async (keys: object) => (await besideOfRun(keys, 'sft', 2)).gathered! / parameters();
    expect(await of({})).toBe(12);
    expect(await of({ save: { every: 1 } })).toBe(16);
    expect(await of({ optimizer: { lr: 1e-3, moments: '8bit' } })).toBeCloseTo(6 + 1 / 32, 6);
    expect(await of({ save: { states: 0 } })).toBe(4);
    expect(await of({ save: { states: 0 }, sentinel: { act: 'rollback' } })).toBe(16);
    using one = await run('redi', 1000);
    const said = (beside: object, world: number) =>
      expectMemory(
        { ...shapesOf(), world },
        { ...one, beside: { ...one.beside, ...beside }, world },
        Infinity,
      );
    // Beside what this process has, which is another at each call.
    expect((said({ gathered: 1e12 }, 2) - said({}, 2)) / 1e12).toBeCloseTo(1, 2);
  });

  it('has the weights of another reference', async () => {
    expect(await besideOfRun({ reference: model }, 'dpo')).toMatchObject({ between: 4 * parameters() });
    expect(await besideOfRun({ reference: 'start' }, 'dpo')).toMatchObject({ between: 0 });
  });

  it('has keys and values of what it samples, as much as the cache of those responses takes', async () => {
    const data = join(root, 'problems.jsonl');
    writeRows(
      data,
      ['1+1?', '2+1? And what is 3+1? Say both.', '2+2?'].map((problem) => ({ problem, answer: '2' })),
    );
    const development = { data, batch_size: 2, sampling: { max_tokens: 100 } };
    const { sampled } = await besideOfRun({ development });
    using small = loadModel(model, { dtype: 'f32' }).model;
    const prompts = (
      await openDevelopment(recipeOf('sft', { development }).development!, ChatTokenizer.load(model))
    ).prompts;
    const lengths = prompts
      .map(({ ids }) => ids.length)
      .sort((a, b) => b - a)
      .slice(0, 2);
    using cache = new KeyValueCache(small, lengths);
    cache.ensure(lengths);
    for (let token = 1; token <= 100; token++)
      cache.ensure(lengths.map((length) => Math.min(length + token, small.config.maxPositions)));
    const taken = [...Array(small.layerCount).keys()].reduce((sum, layer) => {
      const { keys, values } = cache.whole(layer);
      return sum + 4 * (keys.elements + values.elements);
    }, 0);
    expect(sampled / taken).toBeCloseTo(1, 5);
  });

  it('takes what it writes on top of a step, what is between steps instead of one, and is refused for what is certain', async () => {
    const [shapes, written, between] = [shapesOf(), 1000, 1e9];
    using plain = await run('redi', 1000);
    using writing = await run('redi', 1000, { written });
    using waiting = await run('redi', 1000, { between });
    using sampling = await run('redi', 1000, { sampled: between });
    const bytes = bytesToCome(shapes, plain);
    expect(bytesToCome(shapes, writing)).toBe(bytes + written);
    expect(bytesToCome(shapes, waiting)).toBe(weightBytes(shapes) + between);
    const free = weightBytes(shapes) + between / 2;
    expect(() => expectMemory(shapes, waiting, free)).toThrow('not enough memory');
    expect(expectMemory(shapes, sampling, free)).toBeGreaterThan(weightBytes(shapes) + between);
    expect(bytesToCome(shapes, sampling)).toBe(bytes);
  });
});

describe('a run that cannot fit', () => {
  it('is refused with what would', async () => {
    using some = await run('redi', 1000);
    const shapes = shapesOf({ config: llama({ num_hidden_layers: 40, intermediate_size: 64 }) });
    const [needed, weights] = [bytesToCome(shapes, some), weightBytes(shapes)];
    expect(expectMemory(shapes, some, needed)).toBeGreaterThan(needed);
    // Of what comes beside the weights only a part is free, and an estimate may be a tenth too high.
    const free = Math.min(0.85 * needed, weights + 0.6 * (needed - weights));
    const refused = () => expectMemory(shapes, some, free);
    expect(refused).not.toThrow(UserError); // of the machine: the command ends with 1
    let message = '';
    try {
      refused();
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(
      /^there is not enough memory: this run would take about .* are free\. It would fit with /,
    );
    // What it says is true.
    for (const [, recompute, budget] of message.matchAll(
      /(recompute: true)?(?: with )?token_budget: (\d+)/g,
    )) {
      const other = { ...shapes, recompute: recompute !== undefined };
      expect(bytesToCome(other, { ...some, tokenBudget: Number(budget) })).toBeLessThanOrEqual(free);
    }
    expect(() => expectMemory(shapes, some, weights / 2)).toThrow(
      'Take a smaller model, or a machine with more memory.',
    );
    expect(() => expectMemory(shapes, some, weights + 1)).toThrow('Shorter rows (max_length) take less');
  });

  it('is not known on a GPU', async () => {
    using some = await run('redi', 1000);
    expect(expectMemory(shapesOf({ device: 'cuda' }), some, 0)).toBeGreaterThan(0);
  });
});

it('counts the operations of a training pass', () => {
  const config = llama();
  const layer = 64 * 64 * 2 + 64 * 32 * 2 + 3 * 64 * 256;
  expect(operations(config, { tokens: 10, responses: 0, seen: 0 })).toBe(10 * 6 * 3 * layer);
  expect(operations(config, { tokens: 0, responses: 2, seen: 0 })).toBe(2 * 6 * 64 * 1000);
  // Two products a head of 16, each three times, of a multiplication and an addition.
  expect(operations(config, { tokens: 0, responses: 0, seen: 5 })).toBe(5 * 12 * 4 * 16 * 3);
});

describe.each(['sft', 'redi', 'dpo'])('train --estimate of %s', (name) => {
  it.each(['f32', 'bf16'])('says what the run says, and writes nothing in %s', async (dtype) => {
    const recipe = recipeOf(name, { dtype });
    const found = await estimate(recipe, { onEvent: () => undefined });
    expect(existsSync(recipe.out)).toBe(false);
    expect(found.seconds).toBeGreaterThan(0);
    expect(found.memory).toBeGreaterThan(memoryStats('cpu').allocated / 2);
    const { events, steps } = await trained(recipe);
    const told = events.find((event) => event.kind === 'estimate')!;
    expect(told.tokens).toBe(found.tokens);
    expect(told.tokens).toBeCloseTo(steps.at(-1)!.num_tokens / 3, -0.5);
  });
});

it('leaves an unfinished run as it is', async () => {
  const recipe = recipeOf('sft', { save: { every: 1, states: 1 } });
  await trained(recipe);
  const before = contents(recipe.out);
  await estimate({ ...recipe, max_steps: 9 }, { onEvent: () => undefined });
  expect(contents(recipe.out)).toEqual(before);
  expect(readConfig(model).hiddenSize).toBe(48);
  expect(readFileSync(join(recipe.out, 'metrics.jsonl'), 'utf8').trim().split('\n')).toHaveLength(3);
});
