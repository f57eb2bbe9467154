import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../recipe/parse.js';
import { UserError } from '../util/errors.js';
import { planSteps } from './plan.js';
import { learningRate } from './schedule.js';
import { trainRecipe } from './settings.js';

const recipeOf = (keys: object) =>
  parseRecipe(
    trainRecipe,
    {
      model: 'm',
      data: 'rows.jsonl',
      out: 'o',
      objective: { name: 'sft' },
      optimizer: { lr: 1e-5 },
      ...keys,
    },
    'recipe',
  );
const noWarmup = { schedule: { warmup_ratio: 0 } };

describe('planSteps', () => {
  it.each<[string, object, number, number]>([
    ['one epoch', { batch_size: 8 }, 30, 4],
    ['half an epoch', { epochs: 0.5, batch_size: 2 }, 5, 2],
    ['many epochs', { epochs: 3, batch_size: 4 }, 10, 9],
    ['max_steps', { max_steps: 7 }, 3, 7],
    ['one step without a warm-up', { max_steps: 1, ...noWarmup }, 3, 1],
    ['the whole data in one step', { batch_size: 32, ...noWarmup }, 30, 1],
    ['an epoch of one step, twice', { batch_size: 32, epochs: 2 }, 30, 2],
    ['the most steps', { max_steps: 2 ** 31 - 1 }, 3, 2 ** 31 - 1],
  ])('%s', (_, keys, rows, steps) => {
    const plan = planSteps(recipeOf(keys), rows);
    expect(plan).toMatchObject({ steps, schedule: { totalSteps: steps, peak: 1e-5 } });
    // Counted one by one, where that is not too long.
    const rates = Array.from({ length: Math.min(steps, 1000) }, (_, step) =>
      learningRate(step, plan.schedule),
    );
    expect(plan.idle).toBe(rates.filter((rate) => rate === 0).length);
  });

  it.each(['linear', 'cosine', 'constant'])(
    'has one idle step where the rate rises and none where not: %s',
    (decay) => {
      for (const steps of [2, 3, 10, 100]) {
        for (const warmup_ratio of [0, 1e-9, 0.1, 0.5, 1]) {
          const { idle, schedule } = planSteps(
            recipeOf({ max_steps: steps, schedule: { warmup_ratio, decay } }),
            5,
          );
          const zeros = Array.from({ length: steps }, (_, step) => learningRate(step, schedule)).filter(
            (x) => x === 0,
          );
          expect([steps, warmup_ratio, idle]).toEqual([steps, warmup_ratio, zeros.length]);
        }
      }
    },
  );

  it.each<[string, object, number, RegExp]>([
    [
      'a rate of 0 in the only step',
      { batch_size: 32 },
      30,
      /one step \(30 rows, batch_size 32\).*rate would be 0.*Set schedule\.warmup_ratio to 0/,
    ],
    ['the same by max_steps', { max_steps: 1 }, 30, /nothing would be trained/],
    [
      'next to no epoch',
      { epochs: 1e-9, ...noWarmup },
      20,
      /epochs 1e-9 of 20 rows .* less than one step: raise epochs/,
    ],
    ['less than a step of an epoch', { epochs: 0.1, batch_size: 8, ...noWarmup }, 40, /less than one step/],
    [
      'epochs without end',
      { epochs: 1e308 },
      20,
      /epochs 1e\+308 of 20 rows .* more than the 2147483647 steps .* lower epochs/,
    ],
    ['epochs that overflow', { epochs: 1.7e308, batch_size: 1 }, 20, /lower epochs/],
  ])('refuses %s', (_, keys, rows, message) => {
    const plan = () => planSteps(recipeOf(keys), rows);
    expect(plan).toThrow(UserError);
    expect(plan).toThrow(message);
  });
});
