import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { expectSixSteps, type SixSteps } from '../../test/support/sixSteps.js';
import { setThreads } from '../torch/runtime.js';

const fixtures = new URL('../../test/fixtures/', import.meta.url);

type StoredSide = [ids: number[], responseStart: number];
const { pairs: stored, ...fixture } = JSON.parse(
  readFileSync(new URL('six-steps.json', fixtures), 'utf8'),
) as SixSteps & {
  pairs: [StoredSide, StoredSide][];
};
const side = ([ids, responseStart]: StoredSide) => ({ ids, responseStart });
const pairs = stored.map(([chosen, rejected]) => ({ chosen: side(chosen), rejected: side(rejected) }));

beforeAll(() => {
  setThreads();
});

it.each(Object.keys(fixture.objectives))("six steps of %s with a tiny model follow PyTorch's", (name) => {
  expectSixSteps(fileURLToPath(new URL('families/llama', fixtures)), fixture, pairs, {
    name,
    tokenBudget: 40,
  });
});

it('has a step in which the baseline of kto is above 0, and one in which it is not', () => {
  const baselines = fixture.objectives.kto!.steps.map(({ baseline }) => baseline!);
  expect(baselines.some((value) => value > 0.01)).toBe(true);
  expect(baselines.slice(1).includes(0)).toBe(true);
});
