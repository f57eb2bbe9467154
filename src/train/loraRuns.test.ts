import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { madeUpRows, worst } from '../../test/support/engines.js';
import {
  attempt,
  lastingFiles,
  linesOf,
  model,
  recipeOf,
  root,
  setUpRuns,
  stopAt,
  trained,
} from '../../test/support/trainingRuns.js';
import { contents } from '../../test/support/tinyModel.js';
import { mergeAdapter } from '../hub/ownCopy.js';
import { resolveModel } from '../hub/resolve.js';
import { UserError } from '../util/errors.js';
import { loadModel, saveModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { readSafetensorsHeader } from '../torch/safetensorsFormat.js';
import { readConfig } from '../models/directory.js';
import { parameterCount } from '../models/parameters.js';

setUpRuns();

const lora = { rank: 4, alpha: 8, target_modules: 'all-linear' };
const rows = madeUpRows([9, 14]);

async function scoresOf(name: string): Promise<Float64Array[]> {
  using loaded = loadModel(await resolveModel(name), { dtype: 'f32' }).model;
  using scorer = new Scorer(loaded);
  return scorer.score(rows);
}
const farthest = (a: Float64Array[], b: Float64Array[]) => Math.max(...a.map((x, i) => worst(x, b[i]!)));

describe.each(['sft', 'dpo'])('%s of adapters, stopped at every pack and gone on with', (objective) => {
  it.each(['f32', 'bf16'])('is the undisturbed run in %s, to the last byte', async (dtype) => {
    const keys = {
      token_budget: 1,
      max_steps: 5,
      dtype,
      save: { every: 2, states: 1 },
      lora: { ...lora, use_dora: dtype === 'bf16' },
    };
    const whole = await trained(recipeOf(objective, keys));
    const expected = lastingFiles(whole.recipe.out);
    for (const folder of ['model', 'checkpoints/step-2'])
      expect(readdirSync(join(whole.recipe.out, folder)).sort()).toEqual([
        'adapter_config.json',
        'adapter_model.safetensors',
        'chat_template.jinja',
        'tokenizer.json',
        'tokenizer_config.json',
      ]);
    const sides = { sft: 1, dpo: 4 }[objective]!;
    for (const pack of [2, 5, 7].map((sequence) => sides * sequence + 1)) {
      const recipe = recipeOf(objective, keys);
      const first = await stopAt(recipe, pack);
      const second = await trained(recipe, {});
      expect(linesOf([...first.steps, ...second.steps])).toEqual(linesOf(whole.steps));
      expect(lastingFiles(recipe.out)).toEqual(expected);
      // It is done now, and known to be.
      const third = await trained(recipe, {});
      expect(third.steps).toEqual([]);
    }
  });
});

describe('a run of adapters', () => {
  it('saves and keeps as much as its adapters are', async () => {
    const { recipe, events } = await trained(recipeOf('sft', { lora, proofs: 'on', save: { states: 1 } }));
    const start = events.find((event) => event.kind === 'start')!;
    const count = (file: string) =>
      readSafetensorsHeader(join(recipe.out, file)).entries.reduce(
        (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
        0,
      );
    expect(start).toMatchObject({
      parameters: parameterCount(readConfig(model)),
      trained: count('model/adapter_model.safetensors'),
    });
    expect(count('states/step-3/state.safetensors')).toBe(3 * (start as { trained: number }).trained);
    const proofs = events.find((event) => event.kind === 'proofs');
    expect(proofs).toMatchObject({
      proofs: expect.arrayContaining([
        expect.objectContaining({ claim: 'saved weights and those in memory', difference: 0 }),
      ]) as unknown,
    });
  });

  it('follows from its seed', async () => {
    const of = async (keys: object) => {
      const { recipe } = await trained(recipeOf('sft', { lora, ...keys }));
      return contents(join(recipe.out, 'model'))['adapter_model.safetensors'];
    };
    const one = await of({});
    expect(await of({})).toBe(one);
    expect(await of({ seed: 43, max_steps: 3 })).not.toBe(one);
  });

  it('changes the model, and is loaded wherever a model is named', async () => {
    const { recipe, result } = await trained(recipeOf('sft', { lora, optimizer: { lr: 1e-2 } }));
    expect(result.model).toBe(join(recipe.out, 'model'));
    const [before, after] = [await scoresOf(model), await scoresOf(result.model)];
    expect(farthest(after, before)).toBeGreaterThan(1e-2);
    // Its merged form is a model of its own.
    const merged = join(root, 'merged');
    const loaded = loadModel(await resolveModel(result.model), { dtype: 'f32' });
    saveModel(loaded, merged);
    loaded.model[Symbol.dispose]();
    expect(existsSync(join(merged, 'adapter'))).toBe(false);
    expect(farthest(await scoresOf(merged), after)).toBeLessThan(1e-6);
  });
});

describe('an adapter as the model', () => {
  it('is gone on with', async () => {
    const first = await trained(recipeOf('sft', { lora }));
    const second = await trained(recipeOf('sft', { lora, model: first.result.model, proofs: 'on' }));
    // Its first loss is that of the adapter, and it ends elsewhere.
    const [start, end] = [await scoresOf(first.result.model), await scoresOf(second.result.model)];
    expect(farthest(end, start)).toBeGreaterThan(1e-3);
    const merged = await mergeAdapter(first.result.model, join(root, 'merged-start'));
    const whole = await trained(recipeOf('sft', { model: merged }));
    expect(Math.abs(second.steps[0]!.loss - whole.steps[0]!.loss)).toBeLessThan(1e-5);
    const config = JSON.parse(
      readFileSync(join(second.result.model, 'adapter_config.json'), 'utf8'),
    ) as Record<string, unknown>;
    expect(config).toMatchObject({ base_model_name_or_path: model, r: 4, lora_alpha: 8 });
  });

  it.each([
    ['lora.rank', { rank: 8 }],
    ['lora.alpha', { alpha: 9 }],
    ['lora.use_dora', { use_dora: true }],
    ['lora.use_rslora', { use_rslora: true }],
    ['lora.target_modules', { target_modules: ['q_proj'] }],
  ])('is refused where the recipe has another %s', async (key, other) => {
    const { result } = await trained(recipeOf('sft', { lora, max_steps: 1 }));
    const run = await attempt(recipeOf('sft', { lora: { ...lora, ...other }, model: result.model }));
    expect(run.error).toBeInstanceOf(UserError);
    expect((run.error as Error).message).toMatch(new RegExp(`^${key}: .*set ${key} to`));
  });

  it('is merged and trained whole without lora', async () => {
    const { result } = await trained(recipeOf('sft', { lora }));
    const whole = await trained(recipeOf('sft', { model: result.model }));
    expect(readdirSync(whole.result.model)).toContain('model.safetensors');
    expect(readdirSync(whole.result.model)).not.toContain('adapter_config.json');
  });
});

describe('the reference of dpo', () => {
  const events = (run: { events: { kind: string }[] }) => run.events.map(({ kind }) => kind);

  it('is the model without its adapters: what a run of all weights has scored serves', async () => {
    const whole = await trained(recipeOf('dpo'));
    expect(events(whole)).toContain('reference');
    for (const keys of [{}, { seed: 7 }, { lora: { ...lora, use_dora: true } }]) {
      const { events: found, steps } = await trained(recipeOf('dpo', { lora, proofs: 'on', ...keys }));
      expect(found.map(({ kind }) => kind)).not.toContain('reference');
      // Policy and reference are the same before the first update: log 2.
      expect(Math.abs(steps[0]!.loss - Math.log(2))).toBeLessThan(1e-6);
    }
  });

  it('is the adapter that training starts from, or its base where the recipe says so', async () => {
    const { result } = await trained(recipeOf('sft', { lora, optimizer: { lr: 1e-2 } }));
    const keys = { lora, model: result.model, proofs: 'on' };
    const start = await trained(recipeOf('dpo', keys));
    expect(Math.abs(start.steps[0]!.loss - Math.log(2))).toBeLessThan(1e-6);
    const base = await trained(recipeOf('dpo', { ...keys, reference: model }));
    const copied = join(root, 'elsewhere');
    cpSync(model, copied, { recursive: true });
    const second = await trained(recipeOf('dpo', { ...keys, reference: copied }));
    expect(Math.abs(base.steps[0]!.loss - Math.log(2))).toBeGreaterThan(1e-4);
    expect(linesOf(base.steps)).toEqual(linesOf(second.steps));
  });
});

it('an adapter goes with the config of its base', () => {
  expect(() => recipeOf('sft', { lora, model_overrides: { rope_theta: 300000 } })).toThrow('own config.json');
});
