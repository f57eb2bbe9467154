import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { idleSteps, learningRate, warmupSteps, type Schedule } from './schedule.js';

/** Made by test/oracles/schedule.py from transformers. */
const runs = JSON.parse(
  readFileSync(new URL('../../test/fixtures/schedule.json', import.meta.url), 'utf8'),
) as (Schedule & { steps: number[]; rates: number[] })[];

describe('learningRate', () => {
  it.each(runs.map((run) => [`${run.decay}, ${run.totalSteps} steps, warm-up ${run.warmupRatio}`, run]))(
    "equals transformers': %s",
    (_, { steps, rates, ...schedule }) => {
      steps.forEach((step, i) => {
        expect(Math.abs(learningRate(step, schedule) - rates[i]!)).toBeLessThanOrEqual(1e-15 * schedule.peak);
      });
    },
  );

  it('covers every decay', () => {
    expect(new Set(runs.map(({ decay }) => decay))).toEqual(new Set(['linear', 'cosine', 'constant']));
  });

  it('ends at 0 and stays there', () => {
    const schedule = { peak: 1, totalSteps: 10, warmupRatio: 0.1 };
    for (const step of [10, 11]) {
      expect(learningRate(step, { ...schedule, decay: 'linear' })).toBe(0);
      expect(learningRate(step, { ...schedule, decay: 'cosine' })).toBe(0);
    }
  });
});

it('warms up for the steps of the published runs', () => {
  expect([1661, 1818, 3030].map((steps) => warmupSteps(steps, 0.1))).toEqual([167, 182, 303]);
});

it.each(runs.map((run) => [`${run.decay}, ${run.totalSteps} steps, warm-up ${run.warmupRatio}`, run]))(
  'counts the steps that change nothing: %s',
  (_, run) => {
    expect(idleSteps(run)).toBe(run.rates.filter((rate) => rate === 0).length);
  },
);
