import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { normalQuantile, studentQuantile } from './distributions.js';
import { meanOf, varianceOf } from './estimators.js';
import { comparePaired } from './paired.js';
import {
  detectableEffect,
  differenceVariance,
  errorsNeeded,
  problemsNeeded,
  responsesForSeeds,
  samplesNeeded,
  seedsNeeded,
  seedVariance,
  type DifferenceVariance,
} from './power.js';

const level = { alpha: 0.05, power: 0.8 };
const variance: DifferenceVariance = { between: 0.05, within: [0.12, 0.15], seed: 0.0001 };

describe('what a comparison has to see', () => {
  it('is where the smallest effect is the wanted one, by problems and by samples', () => {
    for (const seeds of [1, 3]) {
      const effect = 0.06;
      const problems = problemsNeeded(variance, { effect, samples: 4, seeds, ...level });
      const error = (size: { problems: number; samples: number }) =>
        Math.sqrt(differenceVariance(variance, { ...size, seeds }));
      expect(detectableEffect(error({ problems, samples: 4 }), level)).toBeCloseTo(effect, 12);
      const samples = samplesNeeded(variance, { effect, problems: 150, seeds, ...level });
      expect(detectableEffect(error({ problems: 150, samples }), level)).toBeCloseTo(effect, 12);
    }
  });

  it('adds up seeds, problems and samples', () => {
    const size = { problems: 10, samples: 3, seeds: 2 };
    expect(differenceVariance(variance, size)).toBeCloseTo(0.0001 / 2 + 0.05 / 10 + 0.27 / (3 * 2) / 10, 15);
    const { between, within } = variance;
    expect(differenceVariance({ between, within }, { problems: 10, samples: 3 })).toBeCloseTo(
      0.005 + 0.009,
      15,
    );
  });

  it('is endless where seeds or problems vary too much', () => {
    const seeds = { ...variance, seed: 0.01 };
    expect(problemsNeeded(seeds, { effect: 0.1, samples: 1, ...level })).toBe(Infinity);
    expect(problemsNeeded(seeds, { effect: 0.1, samples: 1, seeds: 20, ...level })).toBeLessThan(1000);
    expect(samplesNeeded(variance, { effect: 0.03, problems: 100, ...level })).toBe(Infinity);
    expect(samplesNeeded(seeds, { effect: 0.1, problems: 1e9, ...level })).toBe(Infinity);
  });

  it('takes the usual level where none is given', () => {
    expect(errorsNeeded()).toBeCloseTo(normalQuantile(0.975) + normalQuantile(0.8), 14);
    expect(errorsNeeded({ alpha: 0.1, power: 0.5 })).toBeCloseTo(normalQuantile(0.95), 14);
    expect(detectableEffect(0.01)).toBe(0.01 * errorsNeeded());
  });

  it('is right for few seeds: Student’s t sees the effect about as often as wanted, and no fewer seeds do', () => {
    const random = new Random(7);
    const normal = () =>
      Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
    const shareSeen = (seeds: number, effect: number) => {
      const limit = studentQuantile(0.975, seeds - 1);
      let seen = 0;
      for (let round = 0; round < 4000; round++) {
        const differences = Array.from({ length: seeds }, () => effect + normal());
        const error = Math.sqrt(varianceOf(differences) / seeds);
        if (Math.abs(meanOf(differences)) / error > limit) seen++;
      }
      return seen / 4000;
    };
    for (const [seeds, share] of [
      [2, 0.73],
      [3, 0.77],
      [5, 0.79],
      [10, 0.8],
    ] as const) {
      const effect = detectableEffect(1 / Math.sqrt(seeds), level, seeds - 1);
      expect(Math.abs(shareSeen(seeds, effect) - share)).toBeLessThan(0.025);
      expect(seedsNeeded(1, { effect: effect * 1.0001, ...level })).toBe(seeds);
      expect(seedsNeeded(1, { effect: effect * 0.9999, ...level })).toBe(seeds + 1);
      // The samples at which a seed's difference varies by 1 are those that as many seeds need.
      const own = { between: 9, within: [0.1, 0.15] as const, seed: 0.4 };
      const responses = responsesForSeeds(own, { effect, seeds, ...level });
      expect(seedVariance(own, { problems: responses, samples: 1 })).toBeCloseTo(1, 9);
      expect(responsesForSeeds({ ...own, seed: 1.01 }, { effect, seeds, ...level })).toBe(Infinity);
    }
    expect(responsesForSeeds({ between: 1, within: [0, 0] }, { effect: 0.1, seeds: 2, ...level })).toBe(0);
  });

  it('is right: with so many problems the effect is seen as often as wanted', () => {
    const random = new Random(41);
    // Each problem's chance is p before and p + 0.06 + u after, u uniform on ± 0.15, one sample of each.
    const chances = () => {
      const p = 0.3 + 0.3 * random.nextFloat();
      return [p, p + 0.06 + 0.3 * (random.nextFloat() - 0.5)] as const;
    };
    const within = [0, 1].map((place) => {
      let sum = 0;
      for (let i = 0; i < 20_000; i++) {
        const p = chances()[place]!;
        sum += p * (1 - p);
      }
      return sum / 20_000;
    }) as [number, number];
    const between = 0.3 ** 2 / 12;
    const problems = Math.ceil(problemsNeeded({ between, within }, { effect: 0.06, samples: 1, ...level }));
    let seen = 0;
    const rounds = 600;
    for (let round = 0; round < rounds; round++) {
      const draws = Array.from({ length: problems }, () =>
        chances().map((p) => (random.nextFloat() < p ? 1 : 0)),
      );
      const side = (place: number) =>
        draws.map((draw, i) => ({ id: String(i), correct: draw[place]!, samples: 1 }));
      const { interval } = comparePaired(side(0), side(1));
      if (interval[0] > 0) seen++;
    }
    expect(Math.abs(seen / rounds - 0.8)).toBeLessThan(0.05); // three standard errors
  });
});
