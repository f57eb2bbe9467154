import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { worst } from '../../test/support/engines.js';
import { expectedGradients, familiesWithGradients, familyDir } from '../../test/support/families.js';
import { contents, readRows, turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';
import { writeTinyTokenizer } from '../../test/support/tinyTokenizer.js';
import { loadModel } from '../models/checkpoint.js';
import { parameterSpecs } from '../models/parameters.js';
import { createObjective, objectiveNames } from '../objectives/index.js';
import { toFloat32Array } from '../torch/data.js';
import { liveTensors } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { parseRecipe } from '../recipe/parse.js';
import { trainRecipe, type TrainRecipe } from './settings.js';
import { train, type StepMetrics, type TrainEvent, type TrainResult } from './trainer.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-trainer-'));
const model = join(root, 'tiny');
const messages = join(root, 'messages.jsonl');
const pairs = join(root, 'pairs.jsonl');

/** The tiny tokenizer has a token a character; its template adds the role's token and the end, twice. */
const tokensOf = (question: string, answer: string) => question.length + answer.length + 4;

const sides: [question: string, chosen: string, rejected: string][] = [
  ['2+2?', '4', 'five'],
  ['3+3?', 'it is 6', '7'],
  ['What is 10-7?', '10-7=3. So 3.', 'It is 4, I guess.'],
  ['1+1', '2', '3'],
  ['9*9 = ?', '81', 'eighty-two'],
];
const chosenTokens = sides.reduce((sum, [question, chosen]) => sum + tokensOf(question, chosen), 0);
const pairTokens = sides.reduce(
  (sum, [question, , rejected]) => sum + tokensOf(question, rejected),
  chosenTokens,
);

beforeAll(() => {
  writeTinyModel(model);
  writeRows(
    messages,
    sides.map(([question, chosen]) => ({ messages: turns(question, chosen) })),
  );
  writeRows(
    pairs,
    sides.map(([question, chosen, rejected]) => ({
      chosen: turns(question, chosen),
      rejected: turns(question, rejected),
    })),
  );
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

let runs = 0;
function recipeOf(objective: string | { name: string }, keys: object = {}): TrainRecipe {
  const spec = typeof objective === 'string' ? { name: objective } : objective;
  const recipe = {
    model,
    data: spec.name === 'sft' ? messages : pairs,
    out: join(root, `run-${++runs}`),
    objective: spec,
    optimizer: { lr: 1e-3 },
    batch_size: 2,
    max_steps: 3,
    dtype: 'f32',
    // The rate of a single step with a warm-up would be 0, which is refused.
    ...('max_steps' in keys && keys.max_steps === 1 && { schedule: { warmup_ratio: 0 } }),
    ...keys,
  };
  return parseRecipe(trainRecipe, recipe, 'recipe');
}

interface Run {
  recipe: TrainRecipe;
  events: TrainEvent[];
  steps: StepMetrics[];
  result?: TrainResult;
  error?: unknown;
}

/** The reason of the signal that stops runs. */
const stopped = new Error('stopped by the test');

/** Trains and keeps what happened; `stop` is asked with the number of times it was asked before. */
async function attempt(recipe: TrainRecipe, stop: (asked: number) => boolean = () => false): Promise<Run> {
  const events: TrainEvent[] = [];
  const live = liveTensors();
  let asked = 0;
  const run: Run = { recipe, events, steps: [] };
  try {
    run.result = await train(recipe, {
      onEvent: (event) => events.push(event),
      signal: {
        throwIfAborted: () => {
          if (stop(asked++)) throw stopped;
        },
      },
    });
  } catch (error) {
    run.error = error;
  }
  run.steps = events.flatMap((event) => (event.kind === 'step' ? [event.metrics] : []));
  expect(liveTensors()).toBe(live); // whether it ended well or not
  return run;
}

async function trained(recipe: TrainRecipe): Promise<Run & { result: TrainResult }> {
  const run = await attempt(recipe);
  if (!run.result) throw run.error;
  return { ...run, result: run.result };
}

const pairwise = objectiveNames.filter((name) => createObjective({ name }).data === 'pairs');
const withoutReference = objectiveNames.filter((name) => !createObjective({ name }).needs.reference);

/** What does not depend on the clock or on what ran before in this process. */
const lasting = (steps: readonly StepMetrics[]): StepMetrics[] =>
  steps.map((step) => ({ ...step, tokens_per_second: 0, peak_memory_bytes: 0 }));

const embedding = (dir: string): Float32Array => {
  using loaded = loadModel(dir, { dtype: 'f32' }).model;
  return toFloat32Array(loaded.parameter('embedding'));
};

/** A model's parameters with the names that its files give to their parts. */
function parametersOf(dir: string): Map<string, { parts: string[]; values: Float32Array }> {
  using loaded = loadModel(dir, { dtype: 'f32' }).model;
  const specs = parameterSpecs(loaded.config);
  return new Map(
    [...loaded.parameters].map(([name, tensor]) => [
      name,
      { parts: specs.get(name)!.parts.map((part) => part.name), values: toFloat32Array(tensor).slice() },
    ]),
  );
}

const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

describe.each(objectiveNames)('train with %s', (objective) => {
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
    expect(kinds).toEqual(['data', 'start', 'step', 'step', 'step', 'saved']);

    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const step of steps) {
      for (const value of Object.values(step)) expect(Number.isFinite(value)).toBe(true);
      expect(step.grad_norm).toBeGreaterThan(0);
      expect(step.tokens_per_second).toBeGreaterThan(0);
    }
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(steps);
    expect(result).toEqual({ model: join(recipe.out, 'model'), steps: 3, last: steps[2] });
    expect(readdirSync(recipe.out).sort()).toEqual(['metrics.jsonl', 'model', 'recipe.yaml']);
    expect(embedding(result.model)).not.toEqual(embedding(model));
  });

  it("has TRL's metrics", async () => {
    const { steps } = await trained(recipeOf(objective, { max_steps: 1 }));
    const common = ['step', 'epoch', 'loss', 'grad_norm', 'learning_rate', 'num_tokens'];
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

  it.each(objectiveNames)('is of one step alone: %s', async (objective) => {
    // Both steps see all rows and the start weights, since the first one's rate is 0.
    const schedule = { warmup_ratio: 0.5 };
    const { steps } = await trained(recipeOf(objective, { batch_size: 5, max_steps: 2, schedule }));
    expect(steps.map((step) => step.learning_rate)).toEqual([0, 1e-3]);
    expect(relative(steps[1]!.grad_norm, steps[0]!.grad_norm)).toBeLessThan(1e-5);
  });
});

describe('steps', () => {
  it('have the rates of the schedule', async () => {
    const rates = async (schedule: object) => {
      const run = await trained(recipeOf('sft', { max_steps: 10, schedule, optimizer: { lr: 8e-4 } }));
      return run.steps.map((step) => step.learning_rate * 1e4);
    };
    const close = (expected: number[]) => expected.map((x) => expect.closeTo(x, 10) as number);
    expect(await rates({ warmup_ratio: 0.2 })).toEqual(close([0, 4, 8, 7, 6, 5, 4, 3, 2, 1]));
    expect(await rates({ warmup_ratio: 0.15, decay: 'constant' })).toEqual(
      close([0, 4, 8, 8, 8, 8, 8, 8, 8, 8]),
    );
    // Half a cosine over 8 steps from the third on: 45° a quarter of the way, 90° in its middle.
    const cosine = await rates({ warmup_ratio: 0.2, decay: 'cosine' });
    expect([0, 1, 2, 4, 6, 8].map((step) => cosine[step])).toEqual(
      close([0, 4, 8, 4 + 2 * Math.SQRT2, 4, 4 - 2 * Math.SQRT2]),
    );
  });

  it('change nothing where the rate is 0, of which the start tells', async () => {
    const keys = { max_steps: 2, schedule: { warmup_ratio: 1 }, save: { every: 1 } };
    const { events, recipe, result } = await trained(recipeOf('sft', keys));
    expect(events.find((event) => event.kind === 'start')).toMatchObject({ steps: 2, idle: 1 });
    expect(embedding(join(recipe.out, 'checkpoints', 'step-1'))).toEqual(embedding(model));
    expect(embedding(result.model)).not.toEqual(embedding(model));
  });

  it.each<[string, object, RegExp]>([
    ['whose only rate is 0', { max_steps: 1, schedule: {} }, /one step.*nothing would be trained/],
    ['that the batch makes one', { max_steps: undefined, batch_size: 32 }, /5 rows, batch_size 32/],
    ['that are less than one', { max_steps: undefined, epochs: 1e-9 }, /less than one step/],
    ['without end', { max_steps: undefined, epochs: 1e308 }, /lower epochs/],
  ])('are refused %s, before anything is written', async (_, keys, message) => {
    const { error, events, recipe } = await attempt(recipeOf('sft', keys));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toMatch(message);
    expect(events).toEqual([]);
    expect(existsSync(recipe.out)).toBe(false);
  });

  it('make up epochs, each over every row, and add up their tokens', async () => {
    const { steps, result } = await trained(recipeOf('redi', { max_steps: undefined, epochs: 2 }));
    expect(result.steps).toBe(6); // 5 rows, 2 at a time
    expect(steps.map(({ epoch }) => epoch)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => expect.closeTo(n / 3, 12) as number),
    );
    const tokens = steps.map((step) => step.num_tokens);
    expect(tokens[2]).toBe(pairTokens);
    expect(tokens[5]).toBe(2 * pairTokens);
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens);
    const half = await trained(recipeOf('redi', { max_steps: undefined, epochs: 0.5 }));
    expect(half.result.steps).toBe(2);
  });

  it('are one epoch unless the recipe says more', async () => {
    const { result } = await trained(recipeOf('sft', { max_steps: undefined, batch_size: 4 }));
    expect(result.steps).toBe(2);
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

describe('out', () => {
  it('may not be a file, which stays as it is', async () => {
    const out = join(root, 'a-file');
    writeFileSync(out, 'mine');
    const { error } = await attempt(recipeOf('sft', { out }));
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/a-file is a file: name a folder/);
    expect(readFileSync(out, 'utf8')).toBe('mine');
  });
});

describe('rows that are too long', () => {
  const question = '2+2?';
  const fits = 'x'.repeat(20);

  it('are left out and counted', async () => {
    const data = writeRows(join(root, 'long.jsonl'), [
      { messages: turns(question, 'x'.repeat(21)) },
      { messages: turns(question, fits) },
      { messages: turns(question, 'x'.repeat(90)) },
      { messages: turns(question, '4') },
    ]);
    const max_length = tokensOf(question, fits);
    const { events, steps } = await trained(recipeOf('sft', { data, max_length, max_steps: 1 }));
    expect(events[0]).toEqual({
      kind: 'data',
      rows: 2,
      dropped: [
        { line: 1, tokens: max_length + 1 },
        { line: 3, tokens: max_length + 70 },
      ],
      tokens: max_length + tokensOf(question, '4'),
    });
    expect(steps[0]!.num_tokens).toBe(max_length + tokensOf(question, '4'));
  });

  it('take their pair with them', async () => {
    const pair = (chosen: string, rejected: string) => ({
      chosen: turns(question, chosen),
      rejected: turns(question, rejected),
    });
    const data = writeRows(join(root, 'long-pairs.jsonl'), [
      pair(fits, 'y'.repeat(21)),
      pair('x'.repeat(21), fits),
      pair('4', '5'),
    ]);
    const max_length = tokensOf(question, fits);
    const { events } = await trained(recipeOf('dpo', { data, max_length, max_steps: 1 }));
    expect(events[0]).toMatchObject({
      rows: 1,
      dropped: [
        { line: 1, tokens: max_length + 1 },
        { line: 2, tokens: max_length + 1 },
      ],
    });
    // Fine-tuning reads the chosen sides only.
    const sft = await trained(recipeOf('sft', { data, max_length, max_steps: 1 }));
    expect(sft.events[0]).toMatchObject({ rows: 2, dropped: [{ line: 2 }] });
  });

  it('are those over the positions of the model without max_length, and it may not be more', async () => {
    const data = writeRows(join(root, 'positions.jsonl'), [
      { messages: turns(question, 'x'.repeat(120)) },
      { messages: turns(question, 'x'.repeat(121)) },
    ]);
    const { events } = await trained(recipeOf('sft', { data, max_steps: 1 }));
    expect(events[0]).toMatchObject({ rows: 1, dropped: [{ line: 2, tokens: 129 }] });
    const { error } = await attempt(recipeOf('sft', { max_length: 129 }));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(`max_length 129 is more than the 128 positions of ${model}`);
  });

  it('must not be all of them', async () => {
    const { error, recipe } = await attempt(recipeOf('sft', { max_length: 3 }));
    expect((error as Error).message).toBe(`${messages}: all 5 rows are longer than max_length 3`);
    expect(existsSync(recipe.out)).toBe(false);
  });
});

describe('checkpoints', () => {
  const constant = { warmup_ratio: 0, decay: 'constant' };

  it('come every N steps and are the models of shorter runs', async () => {
    const recipe = recipeOf('sft', { max_steps: 5, save: { every: 2 }, schedule: constant });
    const { events } = await trained(recipe);
    expect(events.flatMap((event) => (event.kind === 'saved' ? [event.path] : []))).toEqual(
      ['checkpoints/step-2', 'checkpoints/step-4', 'model'].map((path) => join(recipe.out, path)),
    );
    expect(readdirSync(join(recipe.out, 'checkpoints')).sort()).toEqual(['step-2', 'step-4']);
    expect(readdirSync(recipe.out).sort()).toEqual(['checkpoints', 'metrics.jsonl', 'model', 'recipe.yaml']);
    for (const step of [2, 4]) {
      const short = await trained(recipeOf('sft', { max_steps: step, schedule: constant }));
      const dir = join(recipe.out, 'checkpoints', `step-${step}`);
      expect(contents(dir)).toEqual(contents(short.result.model));
      expect(embedding(dir)).not.toEqual(embedding(join(recipe.out, 'model')));
    }
  });

  it('give way to the model at the last step', async () => {
    const recipe = recipeOf('sft', { max_steps: 4, save: { every: 2 } });
    await trained(recipe);
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-2']);
    expect(existsSync(join(recipe.out, 'model'))).toBe(true);
  });

  it('and the model replace those of an earlier run in the same place', async () => {
    const recipe = recipeOf('sft', { max_steps: 3, save: { every: 2 } });
    await trained(recipe);
    const before = contents(recipe.out);
    const again = { ...recipe, optimizer: { ...recipe.optimizer, lr: 1e-2 } };
    const { steps } = await trained(again);
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(steps);
    const after = contents(recipe.out);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const file of ['model/model.safetensors', 'checkpoints/step-2/model.safetensors', 'recipe.yaml']) {
      expect(after[file]).not.toBe(before[file]);
    }
    expect(after['model/tokenizer.json']).toBe(before['model/tokenizer.json']);
  });

  it('can be trained further', async () => {
    const { result } = await trained(recipeOf('sft', { schedule: constant }));
    const next = await trained(recipeOf('redi', { model: result.model, schedule: constant, max_steps: 1 }));
    const fresh = await trained(recipeOf('redi', { schedule: constant, max_steps: 1 }));
    expect(next.steps[0]!['logps/chosen']).toBeGreaterThan(fresh.steps[0]!['logps/chosen']!);
  });
});

describe('tokenising', () => {
  const many = () =>
    writeRows(
      join(root, 'many.jsonl'),
      Array.from({ length: 600 }, (_, i) => ({ messages: turns(`${i}+1?`, `${i + 1}`) })),
    );

  it('tells how far it is', async () => {
    const { events } = await trained(recipeOf('sft', { data: many(), max_steps: 1 }));
    expect(events.filter(({ kind }) => kind === 'tokenized')).toEqual([
      { kind: 'tokenized', done: 256, total: 600 },
      { kind: 'tokenized', done: 512, total: 600 },
    ]);
    expect(events.findIndex(({ kind }) => kind === 'data')).toBe(2);
  });

  it('can be stopped, before anything is written', async () => {
    const { error, events, recipe } = await attempt(recipeOf('sft', { data: many() }), () => true);
    expect(error).toBe(stopped);
    expect(events).toEqual([]);
    expect(existsSync(recipe.out)).toBe(false);
  });
});

describe('a request to stop', () => {
  // Each sequence is a pack of its own with this budget.
  const keys = { token_budget: 1, max_steps: 4, save: { every: 1 } };

  it('ends the run before the next pack and leaves what was saved', async () => {
    let asked = 0;
    const recipe = recipeOf('sft', keys);
    // Steps of two packs: this is between the packs of the second.
    const { error, steps } = await attempt(recipe, (before) => {
      asked = before + 1;
      return before === 3;
    });
    expect(error).toBe(stopped);
    expect(asked).toBe(4);
    expect(steps.map(({ step }) => step)).toEqual([1]);
    expect(readRows(join(recipe.out, 'metrics.jsonl'))).toEqual(steps);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-1']);
    expect(embedding(join(recipe.out, 'checkpoints', 'step-1'))).toEqual(embedding(model)); // rate 0
  });

  it.each(pairwise)('ends %s at any pack', async (objective) => {
    let most = 0;
    const whole = await attempt(recipeOf(objective, { ...keys, max_steps: 1 }), (before) => {
      most = before + 1;
      return false;
    });
    expect(whole.error).toBeUndefined();
    // 4 sequences in the step, and 10 to score beforehand for DPO.
    expect(most).toBe(objective === 'dpo' ? 14 : 4);
    for (const at of [0, most - 1]) {
      const { error, recipe, steps } = await attempt(
        recipeOf(objective, { ...keys, max_steps: 1 }),
        (before) => before === at,
      );
      expect(error).toBe(stopped);
      expect(steps).toEqual([]);
      expect(readdirSync(recipe.out).sort()).toEqual(['metrics.jsonl', 'recipe.yaml']);
    }
  });

  it('ends the scoring of the reference where it is', async () => {
    const { error, events } = await attempt(recipeOf('dpo', keys), (before) => before === 3);
    expect(error).toBe(stopped);
    expect(events.filter((event) => event.kind !== 'data')).toEqual(
      [1, 2, 3].map((done) => ({ kind: 'reference', done, total: 10 })),
    );
  });
});

describe('a step with a NaN', () => {
  const huge = { optimizer: { lr: 1e30 }, schedule: { warmup_ratio: 0 } };

  it.each(objectiveNames)('stops %s in a sentence, without a model', async (objective) => {
    const recipe = recipeOf(objective, huge);
    const { error, steps } = await attempt(recipe);
    expect((error as Error).message).toMatch(
      /^step 2: the loss is \S+ and the gradient norm \S+, so training stopped before this update; no checkpoint had been saved yet; lower optimizer\.lr \(now 1e\+30\)/,
    );
    expect((error as Error).message).toContain(recipe.data);
    expect(steps.map(({ step }) => step)).toEqual([1]);
    expect(readdirSync(recipe.out).sort()).toEqual(['metrics.jsonl', 'recipe.yaml']);
  });

  it('keeps weights that an update has ruined from the disk, and names the last checkpoint', async () => {
    const keys = { ...huge, schedule: { warmup_ratio: 0.5 }, max_steps: 4, save: { every: 1 } }; // first rate 0
    const recipe = recipeOf('sft', keys);
    const { error } = await attempt(recipe);
    const checkpoint = join(recipe.out, 'checkpoints', 'step-1');
    expect((error as Error).message).toMatch(/^step 2: its update left weights of norm Infinity; /);
    expect((error as Error).message).toContain(`the last checkpoint is ${checkpoint}; `);
    expect(embedding(checkpoint)).toEqual(embedding(model));
    expect(readdirSync(join(recipe.out, 'checkpoints'))).toEqual(['step-1']);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });

  it('is refused after the last step too', async () => {
    const recipe = recipeOf('sft', { ...huge, max_steps: 1 });
    const { error } = await attempt(recipe);
    expect((error as Error).message).toMatch(
      /^step 1: its update left weights of norm Infinity; no checkpoint/,
    );
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });
});

describe('what cannot be trained', () => {
  it.each<[string, () => TrainRecipe, string]>([
    ['a model that is not there', () => recipeOf('sft', { model: join(root, 'none') }), join(root, 'none')],
    ['data that is not there', () => recipeOf('sft', { data: join(root, 'no.jsonl') }), 'does not exist'],
    [
      'messages for an objective of pairs',
      () => recipeOf('redi', { data: messages }),
      `${messages}, line 1: objective redi compares`,
    ],
    ['a file without rows', () => recipeOf('sft', { data: writeRows(join(root, 'e'), []) }), 'has no rows'],
  ])('%s is refused before anything is written', async (_, recipe, message) => {
    const run = await attempt(recipe());
    expect(run.error).toBeInstanceOf(UserError);
    expect((run.error as Error).message).toContain(message);
    expect(run.events).toEqual([]);
    expect(existsSync(run.recipe.out)).toBe(false);
  });
});
