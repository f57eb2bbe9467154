import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { worst } from '../../test/support/engines.js';
import { expectedGradients, familiesWithGradients, familyDir } from '../../test/support/families.js';
import { contents, readRows, writeRows } from '../../test/support/tinyModel.js';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import {
  root,
  model,
  pairs,
  chosenTokens,
  pairTokens,
  setUpRuns,
  attempt,
  recipeOf,
  trained,
  withoutReference,
  lasting,
  embedding,
  linesOf,
  parametersOf,
  relative,
  triedObjectives,
} from '../../test/support/trainingRuns.js';
import { native } from '../torch/native.js';
import type { StepMetrics } from './trainer.js';

setUpRuns();

it.each(['redi', 'kto'])('counts the tokens that %s trains, not those that are only scored', async (name) => {
  const { steps } = await trained(recipeOf(name));
  expect(steps.at(-1)!.num_tokens).toBe(pairTokens);
});

it.each([
  ['terms that cancel', [{ name: 'sft' }, { name: 'sft', weight: -1 }]],
  ['a divergence from itself', [{ name: 'kl' }]],
])('says of %s that nothing was learnt, and saves nothing', async (_, terms) => {
  const { error, recipe, steps } = await attempt(recipeOf({ terms }));
  expect((error as Error).message).toContain('The gradient was 0 in every step');
  expect(steps.map(({ grad_norm: norm }) => norm)).toEqual([0, 0, 0]);
  expect(readdirSync(recipe.out)).not.toContain('model.safetensors');
});

describe.each(triedObjectives)('train with %s', (objective) => {
  it('trains, tells what it does, and leaves a model that loads', async () => {
    const { recipe, events, steps, result } = await trained(recipeOf(objective));
    const [data, start] = [
      events.find((event) => event.kind === 'data')!,
      events.find((event) => event.kind === 'start')!,
    ];
    expect(data).toEqual({
      kind: 'data',
      rows: 5,
      dropped: [],
      tokens: objective === 'sft' ? chosenTokens : pairTokens,
    });
    expect(start.steps).toBe(3);
    // 2 × embedding, and a layer: 2 norms, q and o of 48 × 48, k and v of 24 × 48, three of 80 × 48.
    const layer = 2 * 48 + 2 * 48 * 48 + 2 * 24 * 48 + 3 * 80 * 48;
    expect(start.parameters).toBe(2 * 128 * 48 + 2 * layer + 48);
    const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== 'reference');
    expect(kinds).toEqual(['data', 'estimate', 'start', 'step', 'step', 'step', 'saved']);

    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const step of steps) {
      for (const value of Object.values(step)) expect(Number.isFinite(value)).toBe(true);
      expect(step.grad_norm).toBeGreaterThan(0);
      expect(step.tokens_per_second).toBeGreaterThan(0);
    }
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(linesOf(steps));
    expect(result).toEqual({ model: join(recipe.out, 'model'), steps: 3, last: steps[2] });
    expect(readdirSync(recipe.out).sort()).toEqual([
      ...['finished.json', 'metrics.jsonl', 'model', 'recipe.yaml', 'speed.jsonl'],
    ]);
    expect(embedding(result.model)).not.toEqual(embedding(model));
  });

  it("has TRL's metrics", async () => {
    const { steps } = await trained(recipeOf(objective, { max_steps: 1 }));
    const counted = ['step', 'epoch', 'num_tokens', 'skipped_steps'];
    const common = [...counted, 'loss', 'grad_norm', 'learning_rate', 'clipped_share'];
    const rewards = ['chosen', 'rejected', 'accuracies', 'margins'].map((name) => `rewards/${name}`);
    const logps = ['chosen', 'rejected'].map((name) => `logps/${name}`);
    const own = ['tokens_per_second', 'peak_memory_bytes'];
    const perToken = ['logps/chosen_per_token', 'logps/rejected_per_token'];
    const ofPairs = objective === 'sft' ? [] : [...rewards, ...logps, ...perToken];
    expect(Object.keys(steps[0]!).sort()).toEqual([...common, ...ofPairs, ...own].sort());
  });

  it('gives the same first step whatever goes through the model at once', async () => {
    const keys = { max_steps: 1, batch_size: 5 };
    const [whole, ...parts] = [
      await trained(recipeOf(objective, { ...keys, token_budget: 100_000 })),
      await trained(recipeOf(objective, { ...keys, token_budget: 1 })),
      await trained(recipeOf(objective, { ...keys, token_budget: 40 })),
      await trained(recipeOf(objective, { ...keys, token_budget: 40, recompute: true })),
    ];
    const [expected] = lasting(whole.steps);
    for (const { steps } of parts) {
      const [found] = lasting(steps);
      expect(Object.keys(found!)).toEqual(Object.keys(expected!));
      for (const [name, value] of Object.entries(expected!)) {
        const difference = Math.abs(found![name]! - value);
        // What is 0 but for rounding (DPO's rewards) has no relative difference.
        expect([name, difference <= 1e-5 * Math.max(1, Math.abs(value))]).toEqual([name, true]);
      }
      for (const name of ['loss', 'grad_norm']) {
        expect(relative(found![name]!, expected![name]!)).toBeLessThan(1e-5);
      }
    }
  });

  it('makes the same bytes twice, and others with another seed', async () => {
    const first = await trained(recipeOf(objective, { max_steps: 4 }));
    const second = await trained(recipeOf(objective, { max_steps: 4 }));
    const other = await trained(recipeOf(objective, { max_steps: 4, seed: 7 }));
    expect(lasting(second.steps)).toEqual(lasting(first.steps));
    expect(contents(second.result.model)).toEqual(contents(first.result.model));
    expect(contents(other.result.model)).not.toEqual(contents(first.result.model));
  });

  it('goes down', async () => {
    // All rows in every step; the rate is constant.
    const schedule = { warmup_ratio: 0, decay: 'constant' };
    const { steps } = await trained(recipeOf(objective, { batch_size: 5, max_steps: 15, schedule }));
    expect(steps.at(-1)!.loss).toBeLessThan(steps[0]!.loss - 0.1);
    if (objective !== 'sft') {
      expect(steps.at(-1)!['rewards/margins']).toBeGreaterThan(steps[0]!['rewards/margins']! + 0.1);
    }
  });
});

it('is deterministic when asked, which on the CPU changes no bit', async () => {
  const seen = new Set<boolean>();
  const run = await attempt(recipeOf('redi', { deterministic: true }), () => {
    seen.add(native.isDeterministic());
    return false;
  });
  expect(seen).toEqual(new Set([true]));
  expect(native.isDeterministic()).toBe(false);
  const plain = await trained(recipeOf('redi'));
  expect(lasting(run.steps)).toEqual(lasting(plain.steps));
  expect(contents(run.result!.model)).toEqual(contents(plain.result.model));
});

describe('losses', () => {
  it('of DPO begins at ln 2, with rewards of 0, until a step has changed the weights', async () => {
    const { steps, events } = await trained(recipeOf('dpo', { schedule: { warmup_ratio: 0.5 } }));
    // ⌈0.5 · 3⌉ = 2 steps of warm-up: the first one's rate is 0.
    for (const step of steps.slice(0, 2)) {
      expect(Math.abs(step.loss - Math.LN2)).toBeLessThan(1e-6);
      for (const name of ['chosen', 'rejected', 'margins']) {
        expect(Math.abs(step[`rewards/${name}`]!)).toBeLessThan(1e-5);
      }
    }
    expect(Math.abs(steps[2]!.loss - Math.LN2)).toBeGreaterThan(1e-6);
    const reference = events.filter((event) => event.kind === 'reference');
    expect(reference.at(-1)).toEqual({ kind: 'reference', done: 10, total: 10 });
    const order = events.map(({ kind }) => kind);
    expect(order.lastIndexOf('reference')).toBeLessThan(order.indexOf('start'));
  });

  it('of the others are not scored against a reference', async () => {
    for (const objective of withoutReference) {
      const { events } = await trained(recipeOf(objective, { max_steps: 1 }));
      expect(events.some((event) => event.kind === 'reference')).toBe(false);
    }
  });

  it('follow from the logged log-probs', async () => {
    const steps = async (objective: { name: string }, batch_size: number) =>
      (await trained(recipeOf(objective, { batch_size }))).steps;
    const perToken = (step: StepMetrics) =>
      [step['logps/chosen_per_token']!, step['logps/rejected_per_token']!] as const;
    for (const step of await steps({ name: 'redi', alpha: 0.3 } as { name: string }, 2)) {
      const [chosen, rejected] = perToken(step);
      expect(step.loss).toBeCloseTo(-chosen + 0.3 * rejected, 10);
    }
    for (const step of await steps({ name: 'symmetric' }, 2)) {
      const [chosen, rejected] = perToken(step);
      expect(step.loss).toBeCloseTo(-chosen + rejected, 10);
    }
    // Not linear, so a step of one pair.
    for (const step of await steps({ name: 'simpo', beta: 2, gamma: 0.5 } as { name: string }, 1)) {
      const [chosen, rejected] = perToken(step);
      expect(step.loss).toBeCloseTo(Math.log(1 + Math.exp(-(2 * (chosen - rejected) - 0.5))), 10);
      expect(step['rewards/margins']).toBeCloseTo(2 * (chosen - rejected), 10);
    }
    for (const step of await steps({ name: 'dpo' }, 1)) {
      expect(step.loss).toBeCloseTo(Math.log(1 + Math.exp(-step['rewards/margins']!)), 10);
    }
  });

  it('of SFT on pairs is that on the chosen sides alone', async () => {
    const onPairs = await trained(recipeOf('sft', { data: pairs }));
    const onMessages = await trained(recipeOf('sft'));
    expect(lasting(onPairs.steps)).toEqual(lasting(onMessages.steps));
    expect(contents(onPairs.result.model)).toEqual(contents(onMessages.result.model));
  });
});

describe('the gradient norm', () => {
  /** A row whose tokens are these ids, the last one being the token that ends texts. */
  function rowOfIds(dir: string, ids: readonly number[], from: number): string {
    const words = (part: readonly number[]) => part.map((id) => `t${id}`).join(' ');
    const vocab = Object.fromEntries(Array.from({ length: 128 }, (_, id) => [`t${id}`, id]));
    const tokenizer = {
      version: '1.0',
      added_tokens: [],
      pre_tokenizer: { type: 'WhitespaceSplit' },
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }, // one must be there
      model: { type: 'WordLevel', vocab, unk_token: 't0' },
    };
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify({ eos_token: words(ids.slice(-1)) }));
    return writeRows(join(dir, 'row.jsonl'), [
      { prompt: words(ids.slice(0, from)), completion: words(ids.slice(from, -1)) },
    ]);
  }

  it.each(familiesWithGradients)(
    "and the loss are transformers' own, whatever is clipped: %s",
    async (family) => {
      const { ids, from, loss, gradients } = expectedGradients(family);
      const dir = join(root, `family-${family}`);
      cpSync(familyDir(family), dir, { recursive: true });
      const data = rowOfIds(dir, ids, from);
      for (const clip_grad_norm of [1e-4, 1e4]) {
        const optimizer = { lr: 1e-3, clip_grad_norm };
        const { steps } = await trained(recipeOf('sft', { model: dir, data, optimizer, max_steps: 1 }));
        expect(steps[0]!.num_tokens).toBe(ids.length);
        expect(relative(steps[0]!.loss, loss)).toBeLessThan(1e-5);
        const norm = Math.hypot(...Object.values(gradients).map((gradient) => gradient.norm));
        expect(relative(steps[0]!.grad_norm, norm)).toBeLessThan(1e-5);
      }
    },
  );

  it('is clipped before the update', async () => {
    // With an ε this large Adam's updates are as long as the gradient, nearly; a norm of 1e-6 moves next to nothing.
    const moved = async (clip_grad_norm: number) => {
      const keys = { schedule: { warmup_ratio: 0 }, optimizer: { lr: 1, eps: 1e3, clip_grad_norm } };
      const { result } = await trained(recipeOf('sft', { ...keys, max_steps: 1 }));
      const start = embedding(model);
      return Math.hypot(...embedding(result.model).map((x, i) => x - start[i]!));
    };
    expect(await moved(1e-6)).toBeLessThan(1e-6);
    expect(await moved(1e4)).toBeGreaterThan(1e-4);
  });

  it.each(triedObjectives)('is of one step alone: %s', async (objective) => {
    // Both steps see all rows and the start weights, since the first one's rate is 0.
    const schedule = { warmup_ratio: 0.5 };
    const { steps } = await trained(recipeOf(objective, { batch_size: 5, max_steps: 2, schedule }));
    expect(steps.map((step) => step.learning_rate)).toEqual([0, 1e-3]);
    expect(relative(steps[1]!.grad_norm, steps[0]!.grad_norm)).toBeLessThan(1e-5);
  });
});

describe('weight decay', () => {
  it.each(['llama', 'qwen2', 'qwen3', 'gemma3'])(
    'is of the matrices and embeddings of %s alone',
    async (family) => {
      const from = join(root, `decay-${family}`);
      cpSync(familyDir(family), from, { recursive: true });
      writeTinyTokenizer(from);
      const lr = 0.01;
      const weightsAfter = async (weight_decay: number) => {
        const keys = { model: from, max_steps: 1, optimizer: { lr, weight_decay } };
        const { result } = await trained(recipeOf('sft', keys));
        return parametersOf(result.model);
      };
      const [start, plain, decayed] = [parametersOf(from), await weightsAfter(0), await weightsAfter(0.5)];
      // transformers 5.23, trainer_pt_utils.get_parameter_names as Trainer.get_decay_parameter_names calls it.
      const spared = [/bias/, /layernorm/, /rmsnorm/, /(?:^|\.)norm(?:$|\.)/, /_norm(?:$|\.)/];
      let norms = 0;
      for (const [name, { parts, values }] of start) {
        const exempt = parts.map((part) => spared.some((pattern) => pattern.test(part)));
        expect(new Set(exempt).size, name).toBe(1);
        const expected = plain.get(name)!.values.map((x, i) => (exempt[0] ? x : x - lr * 0.5 * values[i]!));
        if (exempt[0]) {
          norms++;
          expect(decayed.get(name)!.values, name).toEqual(expected);
        } else expect(worst(decayed.get(name)!.values, expected), name).toBeLessThan(1e-6);
      }
      expect(norms).toBeGreaterThan(4);
    },
  );
});
