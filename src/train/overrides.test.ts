import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { turns, writeRows } from '../../test/support/tinyModel.js';
import {
  attempt,
  lasting,
  model,
  recipeOf,
  root,
  setUpRuns,
  trained,
} from '../../test/support/trainingRuns.js';
import { readConfig } from '../models/directory.js';

setUpRuns();

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

const scaling = { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 128 };
const overrides = { rope_theta: 300_000, max_position_embeddings: 256, rope_scaling: scaling };
/** A row longer than the 128 positions of the model. */
const data = () =>
  writeRows(join(root, 'long.jsonl'), [{ messages: turns('count', 'one, two, '.repeat(15)) }]);

it('trains with the changed config, and saves it with the model', async () => {
  const keys = { data: data(), save: { every: 1 }, batch_size: 1 };
  const { events, steps, result, recipe } = await trained(
    recipeOf('sft', { ...keys, model_overrides: overrides }),
  );
  expect(events.find(({ kind }) => kind === 'data')).toMatchObject({ rows: 1, dropped: [] });

  // The same by hand: a copy of the model whose config.json says it.
  const edited = join(root, 'edited');
  cpSync(model, edited, { recursive: true });
  const config = readJson(join(model, 'config.json'));
  const rope = { ...scaling, rope_theta: 300_000 };
  writeFileSync(
    join(edited, 'config.json'),
    JSON.stringify({ ...config, max_position_embeddings: 256, rope_parameters: rope }),
  );
  const byHand = await trained(recipeOf('sft', { ...keys, model: edited }));
  expect(lasting(steps)).toEqual(lasting(byHand.steps));
  for (const saved of ['model', 'checkpoints/step-1'].map((folder) => join(recipe.out, folder))) {
    expect(readJson(join(saved, 'config.json'))).toEqual(readJson(join(edited, 'config.json')));
    expect(readConfig(saved)).toEqual(readConfig(edited));
    expect(readFileSync(join(saved, 'model.safetensors'))).toEqual(
      readFileSync(join(saved.replace(recipe.out, byHand.recipe.out), 'model.safetensors')),
    );
  }
  expect(result.model).toBe(join(recipe.out, 'model'));
  expect(readJson(join(model, 'config.json'))).toEqual(config);

  const plain = await trained(recipeOf('sft'));
  expect(readFileSync(join(plain.result.model, 'config.json'))).toEqual(
    readFileSync(join(model, 'config.json')),
  );
});

it('leaves the row out, and its length is refused, without the change', async () => {
  const { error } = await attempt(recipeOf('sft', { data: data(), max_length: 200 }));
  expect(String(error)).toContain('max_length 200 is more than the 128 positions');
  const { error: dropped } = await attempt(recipeOf('sft', { data: data() }));
  expect(String(dropped)).toContain('all 1 rows are longer than max_length 128');
});
