import { describe, expect, it } from 'vitest';
import { countStep, stepOf, type SequenceInfo } from '../objectives/objective.js';
import { createObjective } from '../objectives/registry.js';
import { Random } from '../util/random.js';
import { advantageNames, advantageRules, optimalValue } from './advantages.js';
import { flipVerdicts, labelRewards } from './labels.js';
import { cosineLength, groupLength, overlong } from './lengths.js';
import { rewardGroup, type RewardSettings } from './rewards.js';
import type { Sample } from './sample.js';
import { rewardUnlikely } from './unlikely.js';

/** Samples by their verdicts (1 is right), all equally long. */
const group = (...verdicts: number[]): Sample[] =>
  verdicts.map((verdict) => ({ right: verdict === 1, length: 10 }));
const plain: RewardSettings = { right: 1, wrong: 0, advantage: 'none', beta: 0.1 };
const expectClose = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 12);
  });
};
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

describe('advantages', () => {
  // Four samples, one right: mean ¼, deviation √3/4.
  it.each<[(typeof advantageNames)[number], number[]]>([
    ['grpo', [Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3)]],
    ['dapo', [Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3)]],
    ['grpo-n', [0, -1 / Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3)]],
    ['dr-grpo', [3 / 4, -1 / 4, -1 / 4, -1 / 4]],
    ['rloo', [1, -1 / 3, -1 / 3, -1 / 3]],
    ['maxrl', [3, -1, -1, -1]],
    ['r3l', [1, -1 / 4, -1 / 4, -1 / 4]],
    ['none', [1, 0, 0, 0]],
  ])('%s of one right sample in four', (name, expected) => {
    expectClose(advantageRules[name].of([1, 0, 0, 0]), expected);
  });

  it('are all worked out above', () => {
    expect(advantageNames).toHaveLength(8);
  });

  it('rloo takes the mean of the others, one by one', () => {
    const rewards = [0.3, -1, 2, 0.5, 0.5];
    const expected = rewards.map((own, i) => own - sum(rewards.filter((_, j) => j !== i)) / 4);
    expectClose(advantageRules.rloo.of(rewards), expected);
    expect(advantageRules.rloo.of([0.7])).toEqual([0]);
  });

  it('r3l triples what is good and not whole', () => {
    expectClose(advantageRules.r3l.of([1, 0.5, 0]), [1, 0, -0.5]);
    expectClose(advantageRules.r3l.of([0.8, 0.2]), [0.9, -0.3]);
  });

  it('of all groups of four verdicts add up to 0 where the mean is taken off, and are NFT’s weights at ρ = 1', () => {
    for (let mask = 0; mask < 16; mask++) {
      const rewards = [0, 1, 2, 3].map((bit) => (mask >> bit) & 1);
      const p = sum(rewards) / 4;
      for (const name of ['grpo', 'dr-grpo', 'rloo', 'maxrl'] as const)
        expect(sum(advantageRules[name].of(rewards))).toBeCloseTo(0, 12);
      const isMixed = p > 0 && p < 1;
      const root = (x: number) => (isMixed ? Math.sqrt(x) : 0);
      expectClose(
        advantageRules.grpo.of(rewards),
        rewards.map((reward) => (reward === 1 ? root((1 - p) / p) : -root(p / (1 - p)))),
      );
      expectClose(
        advantageRules['dr-grpo'].of(rewards),
        rewards.map((reward) => reward - p),
      );
      expect(rewardGroup(group(...rewards), { ...plain, advantage: 'dapo' }, 0) !== undefined).toBe(isMixed);
    }
  });

  it('are exactly 0 where rewards are equal, whatever they are', () => {
    for (const name of ['grpo', 'dr-grpo', 'dapo', 'grpo-n', 'rloo', 'maxrl'] as const)
      expect(advantageRules[name].of([0.1, 0.1, 0.1])).toEqual([0, 0, 0]);
  });

  it('do not change with the scale of rewards where they are divided by the deviation', () => {
    expectClose(advantageRules.grpo.of([1, -1, -1]), advantageRules.grpo.of([1, 0, 0]));
  });

  it('maxrl refuses a negative reward', () => {
    expect(() => rewardGroup(group(1, 0), { ...plain, wrong: -1, advantage: 'maxrl' }, 0)).toThrow(
      'set "wrong" to 0',
    );
  });
});

describe('V*', () => {
  it('is worked out by hand, and lies between mean and maximum', () => {
    // β ln((e^{1/β} + 1)/2) at β = 1 and ½
    expect(optimalValue([1, 0], 1)).toBeCloseTo(Math.log((Math.E + 1) / 2), 12);
    expect(optimalValue([1, 0], 0.5)).toBeCloseTo(0.5 * Math.log((Math.E ** 2 + 1) / 2), 12);
    expect(optimalValue([1, 0], 1e6)).toBeCloseTo(0.5, 5);
    expect(optimalValue([1, 0], 1e-9)).toBeCloseTo(1, 6); // and nothing overflows
  });
});

describe('unlikeliness', () => {
  const samples: Sample[] = [
    { right: true, length: 1, meanLogp: -0.1 },
    { right: false, length: 1, meanLogp: -3 },
    { right: true, length: 1, meanLogp: -2 },
    { right: false, length: 1, meanLogp: -0.5 },
  ];

  it('is worked out by hand: the likeliest right sample loses most', () => {
    // ranks 3, 0, 1, 2 of 4, β ¼
    expectClose(rewardUnlikely([1, 0, 1, 0], samples, 0.25), [1 - 0.75 / 4, 0, 1 - 0.25 / 4, 0]);
  });

  it('leaves wrong samples alone, in every group of four and at every β', () => {
    const random = new Random(7);
    for (let mask = 0; mask < 16; mask++) {
      const drawn = [0, 1, 2, 3].map((bit) => ({
        right: ((mask >> bit) & 1) === 1,
        length: 1,
        meanLogp: -random.nextFloat(),
      }));
      const rewards = labelRewards(drawn, 1, -1);
      const shaped = rewardUnlikely(rewards, drawn, random.nextFloat());
      drawn.forEach(({ right }, i) => {
        if (!right) expect(shaped[i]).toBe(-1);
        else expect(shaped[i]).toBeLessThanOrEqual(1);
      });
      expect(rewardUnlikely(rewards, drawn, 0)).toEqual(rewards);
    }
  });

  it('gives equal samples the same', () => {
    const equal = samples.map((sample) => ({ ...sample, right: true, meanLogp: -1 }));
    expectClose(rewardUnlikely([1, 1, 1, 1], equal, 0.4), [0.85, 0.85, 0.85, 0.85]); // rank 1½
  });

  it('refuses a sample without a log-prob', () => {
    expect(() => rewardUnlikely([1], group(1), 0.25)).toThrow('sample 0 has no log-prob');
  });
});

describe('lengths', () => {
  const long = (right: boolean, length: number): Sample => ({ right, length });

  it('cosine: 1 and −1 at no length, half of it from the longest on', () => {
    const samples = [0, 50, 100, 500].map((length) => long(true, length));
    expectClose(cosineLength([1, 1, 1, 1], samples, 100), [1, 0.75, 0.5, 0.5]);
    expectClose(cosineLength([-1, -1, -1, -1], samples, 100), [-1, -0.75, -0.5, -0.5]);
  });

  it('group: half for the shortest, minus half for the longest, and nothing above 0 for a wrong one', () => {
    const samples = [long(true, 10), long(true, 20), long(true, 30), long(false, 10), long(false, 30)];
    expectClose(groupLength([1, 1, 1, 0, 0], samples, 1), [1.5, 1, 0.5, 0, -0.5]);
    expectClose(groupLength([1, 1, 1, 0, 0], samples, 0.2), [1.1, 1, 0.9, 0, -0.1]);
    expect(groupLength([1, 0], [long(true, 5), long(false, 5)], 1)).toEqual([1, 0]);
  });

  it('overlong: DAPO’s numbers, 16,384 to 20,480 tokens', () => {
    const samples = [1, 16_384, 18_432, 20_480, 30_000].map((length) => long(true, length));
    expectClose(overlong([1, 1, 1, 1, 1], samples, 20_480), [1, 1, 0.5, 0, 0]);
  });
});

describe('verdicts', () => {
  it('are flipped as a group, with the probability that is asked for', () => {
    const samples = group(1, 0, 0);
    expect(flipVerdicts(samples, 0.4, 0.39).map(({ right }) => right)).toEqual([false, true, true]);
    expect(flipVerdicts(samples, 0.4, 0.4)).toEqual(samples);
    expect(flipVerdicts(samples, 0, 0)).toEqual(samples);
    const random = new Random(1);
    const flips = Array.from({ length: 10_000 }, () =>
      flipVerdicts(samples, 0.4, random.nextFloat())[0]!.right ? 0 : 1,
    );
    expect(Math.abs(sum(flips) - 4000)).toBeLessThan(4 * Math.sqrt(2400));
  });
});

describe('a group', () => {
  it('is rewarded in the order that is said: verdicts, factors, what is added, advantage', () => {
    const samples: Sample[] = [
      { right: true, length: 100, meanLogp: -2 },
      { right: false, length: 50, meanLogp: -1 },
    ];
    const settings: RewardSettings = {
      ...{ right: 2, wrong: -1, flip: 1, unlikely: 0.5, cosine_length: 100, group_length: 0.4 },
      ...{ overlong: 100, advantage: 'dr-grpo', beta: 1 },
    };
    // Flipped: −1 and 2. Rank of the second is 1 of 2: 2·(1 − ¼) = 1.5. Cosine: ·½ and ·¾. Kimi: min(0, −½) and ½, times 0.4. Overlong: −1 and 0.
    const [first, second] = [-1 * 0.5 - 0.2 - 1, 1.5 * 0.75 + 0.2];
    const found = rewardGroup(samples, settings, 0.99)!;
    expectClose(
      found.map(({ reward }) => reward),
      [first, second],
    );
    const mean = (first + second) / 2;
    expectClose(
      found.map(({ advantage }) => advantage),
      [first - mean, second - mean],
    );
    for (const { pass_rate, baseline, value } of found) {
      expect(pass_rate).toBe(0.5);
      expect(baseline).toBeCloseTo(mean, 12);
      expect(value).toBeCloseTo(Math.log((Math.exp(first) + Math.exp(second)) / 2), 12);
    }
  });

  it('has a gradient under grpo at ρ = 1 that is NFT’s, from the scalars of the same rewards', () => {
    const rewarded = rewardGroup(group(1, 0, 0, 1, 0), { ...plain, wrong: -1, advantage: 'grpo' }, 0)!;
    const logps = rewarded.map((_, i) => Float64Array.of(-0.5 - i, -0.25));
    const sequences = rewarded.map((scalars, i): SequenceInfo => ({
      ...{ role: 'sample', group: 0, length: 2, scalars: { ...scalars } },
      columns: { behaviour: logps[i]! },
    }));
    const batch = { sequences, logps, step: stepOf(sequences) };
    expect(countStep(sequences).groups).toBe(1);
    const [asGrpo, asNft] = [
      createObjective({ name: 'grpo' }),
      createObjective({ name: 'nft', weighting: 'grpo' }),
    ].map((objective) => objective.evaluate(batch).gradient.map((row) => [...row]));
    asGrpo!.forEach((row, i) => {
      expectClose(row, asNft![i]!);
    });
    expect(asGrpo!.flat().every((slope) => slope !== 0)).toBe(true);
  });
});
