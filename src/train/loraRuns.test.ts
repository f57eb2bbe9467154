import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { madeUpRows, worst } from '../../test/support/engines.js';
import {
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
import { resolveModel } from '../hub/resolve.js';
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
