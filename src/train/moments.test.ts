import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  attempt,
  lastingFiles,
  linesOf,
  model,
  recipeOf,
  setUpRuns,
  stopAt,
  trained,
} from '../../test/support/trainingRuns.js';
import { loadModel } from '../models/checkpoint.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import { SafetensorsFile } from '../torch/safetensors.js';
import { scope } from '../torch/tensor.js';
import { Ranks } from './ranks.js';
import { TENSORS } from './stateFolder.js';
import { TrainableWeights } from './weights.js';

setUpRuns();

const optimizer = { lr: 1e-3, moments: '8bit' };

describe('a run whose moments are in 8 bits', () => {
  const keys = { token_budget: 1, max_steps: 5, save: { every: 2, states: 1 }, optimizer };

  it.each([{}, { lora: {} }, { dtype: 'bf16' }])(
    'is gone on with to the last byte, and its state is smaller: %j',
    async (more) => {
      const whole = await trained(recipeOf('redi', { ...keys, ...more }));
      const expected = lastingFiles(whole.recipe.out);
      for (const pack of [5, 11]) {
        const recipe = recipeOf('redi', { ...keys, ...more });
        await stopAt(recipe, pack);
        const second = await trained(recipe, {});
        expect(linesOf([second.result.last])).toEqual(linesOf([whole.result.last]));
        expect(lastingFiles(recipe.out)).toEqual(expected);
      }
      const state = (out: string) => join(out, 'states/step-5', TENSORS);
      const wide = await trained(recipeOf('redi', { ...keys, ...more, optimizer: { lr: 1e-3 } }));
      const [size, wideSize] = [whole, wide].map(({ recipe: { out } }) => statSync(state(out)).size);
      // Of 12 bytes a weight 6 are left, and what a tiny model has beside its matrices.
      expect(size! / wideSize!).toBeLessThan(0.6);
      using file = new SafetensorsFile(state(whole.recipe.out));
      const tags = new Set(
        [...file.entries].flatMap(([name, { dtype }]) =>
          /^exp_avg.*(weight|qkv|lora_A)/.test(name) ? [dtype] : [],
        ),
      );
      expect(tags).toEqual(new Set(['U8']));
      // It learns about the same.
      const losses = [whole, wide].map(({ result }) => result.last.loss);
      expect(Math.abs(losses[0]! - losses[1]!)).toBeLessThan(0.05 * Math.abs(losses[1]!));
    },
  );

  it.each([
    ['8bit', 'f32', /has moments in 8 bits, .*set it to 8bit/],
    ['f32', '8bit', /has moments in float32, .*set it to f32/],
  ])('in %s is not gone on with in %s', async (first, second, sentence) => {
    const recipe = recipeOf('sft', { ...keys, optimizer: { lr: 1e-3, moments: first } });
    await stopAt(recipe, 5);
    const states = readdirSync(join(recipe.out, 'states'));
    const other = { ...recipe, optimizer: { ...recipe.optimizer, moments: second as 'f32' } };
    const { error } = await attempt(other, () => false, { allowChanges: true });
    expect(String(error)).toMatch(sentence);
    expect(readdirSync(join(recipe.out, 'states'))).toEqual(states);
    expect(existsSync(join(recipe.out, 'model'))).toBe(false);
  });
});

it('masters and moments are not moved to the host from the CPU, which is the host', async () => {
  const recipe = recipeOf('sft', { optimizer: { lr: 1e-3, offload: true } });
  const { error } = await attempt(recipe, () => false);
  expect(String(error)).toMatch(/optimizer.offload is for a GPU: .* moments: 8bit/);
  expect(existsSync(recipe.out)).toBe(false);
});

describe('the scales of moments in 8 bits', () => {
  it.each([1, 2, 3, 8])('are divided among %d ranks, each its own', (world) => {
    scope(() => {
      const taken: number[] = [];
      let blocks = 0;
      for (let rank = 0; rank < world; rank++) {
        const ranks = Object.assign(Object.create(Ranks.prototype) as Ranks, { rank, world });
        const loaded = loadModel(model, { dtype: 'f32', device: 'cpu', onNotice: () => undefined });
        using weights = new TrainableWeights(loaded.model, 'f32', { ranks });
        using adamw = weights.optimizer({ betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0, moments: '8bit' });
        const [i, { expAvg }] = [...adamw.scales][0]!;
        blocks = weights.blocksOf(i);
        weights.takeScales(expAvg, fromArray(Float32Array.from({ length: blocks }, (_, block) => block + 1)));
        taken.push(...toFloat64Array(expAvg));
      }
      expect(taken.slice(0, blocks)).toEqual(Array.from({ length: blocks }, (_, block) => block + 1));
      expect(new Set(taken.slice(blocks)).size).toBeLessThan(2); // zeros after the last block, if there are any
    });
  });
});
