import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import type { ProblemResult } from './estimators.js';
import { comparePaired } from './paired.js';
import { compareOverSeeds, holm, pool } from './seeds.js';

const results = (rights: readonly number[]): ProblemResult[] =>
  rights.map((correct, i) => ({ id: String(i), correct, samples: 1 }));

describe('holm', () => {
  it('adjusts as Holm 1979 does, in the order given', () => {
    // m = 4: .01·4, .02·3, .03·2 and .5·1, each at least the one before.
    expect(holm([0.02, 0.5, 0.01, 0.03])).toEqual([0.06, 0.5, 0.04, 0.06]);
    expect(holm([0.4, 0.4])).toEqual([0.8, 0.8]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });

  it('rejects what the sequential procedure rejects', () => {
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const p = Array.from({ length: 6 }, () => random.nextFloat() ** 4);
      const sorted = p.toSorted((a, b) => a - b);
      const rejected = new Set<number>();
      for (const [i, value] of sorted.entries()) {
        if (value > 0.05 / (sorted.length - i)) break;
        rejected.add(value);
      }
      expect(holm(p).map((value) => value <= 0.05)).toEqual(p.map((value) => rejected.has(value)));
    }
  });
});

describe('compareOverSeeds', () => {
  it('with one seed is the paired comparison', () => {
    const [before, after] = [results([1, 0, 0, 1, 0]), results([1, 1, 0, 1, 1])];
    const { difference, interval, pValue } = comparePaired(before, after);
    const found = compareOverSeeds([before], [after]);
    expect(found).toMatchObject({ difference, interval, pValue, by: 'problems' });
    expect(found.seeds).toEqual([comparePaired(before, after)]);
  });

  it('reports the t-interval of the seeds where it is the wider one', () => {
    const before = Array.from({ length: 3 }, () => results(new Array<number>(100).fill(0)));
    const after = [10, 20, 30].map((n) => results(Array.from({ length: 100 }, (_, i) => (i < n ? 1 : 0))));
    const found = compareOverSeeds(before, after);
    expect(found.by).toBe('seeds');
    expect(found.difference).toBeCloseTo(0.2, 12);
    expect(found.seedDeviation).toBeCloseTo(0.1, 12);
    // t with two degrees of freedom needs 4.302653; P(|T| ≥ 2√3) = 1 − t / √(2 + t²).
    const half = (4.302652729911275 * 0.1) / Math.sqrt(3);
    expect(found.interval[0]).toBeCloseTo(0.2 - half, 9);
    expect(found.interval[1]).toBeCloseTo(0.2 + half, 9);
    const wide = compareOverSeeds(before, after, { level: 0.99 });
    expect(wide.interval[1] - 0.2).toBeCloseTo((9.924843200918307 * 0.1) / Math.sqrt(3), 9);
    const t = 0.2 / (0.1 / Math.sqrt(3));
    expect(found.pValue).toBeCloseTo(1 - t / Math.sqrt(2 + t * t), 9);
  });

  it('reports the interval of the problems where seeds agree', () => {
    const before = results([0, 0, 0, 0, 1, 0, 0, 0]);
    const after = results([1, 1, 0, 0, 1, 0, 0, 0]);
    const found = compareOverSeeds([before, before, before], [after, after, after]);
    expect(found).toMatchObject({ by: 'problems', seedDeviation: 0 });
    expect(found.interval).toEqual(comparePaired(before, after).interval);
  });

  it('takes problems that resemble each other as one, over seeds as well', () => {
    const before = results([0, 0, 0, 0, 1, 0, 0, 0]);
    const after = results([1, 1, 1, 0, 1, 0, 0, 0]);
    const clusters = new Map(['0', '1', '2'].map((id) => [id, 'three']));
    const found = compareOverSeeds([before, before], [after, after], { clusters });
    const { interval, pValue } = comparePaired(before, after, { clusters });
    expect(found).toMatchObject({ by: 'problems', clusters: 6, pValue });
    expect(found.interval[0]).toBeCloseTo(interval[0], 12);
    expect(found.seeds).toEqual([0, 1].map(() => comparePaired(before, after, { clusters })));
    expect(compareOverSeeds([before], [after])).not.toHaveProperty('clusters');
  });

  it('pools by the ids of problems, whatever their order', () => {
    const other = [
      { id: '1', correct: 1, samples: 2 },
      { id: '0', correct: 0, samples: 2 },
    ];
    expect(pool([results([1, 0]), other])).toEqual([
      { id: '0', correct: 1, samples: 3 },
      { id: '1', correct: 1, samples: 3 },
    ]);
    expect(() => pool([results([1, 0]), results([1])])).toThrow(
      'Problem 1 was not evaluated with every seed',
    );
    expect(() => compareOverSeeds([results([1])], [])).toThrow('needs the same seeds');
  });

  it('covers the true difference at least as often as it says', () => {
    const random = new Random(7);
    const normal = () =>
      Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
    let covered = 0;
    const rounds = 1000;
    for (let round = 0; round < rounds; round++) {
      // 100 problems of different difficulty; the effect of 8 points differs from seed to seed by 4.
      const difficulty = Array.from({ length: 100 }, () => 0.2 + 0.5 * random.nextFloat());
      const draw = (shift: number) =>
        results(difficulty.map((p) => (random.nextFloat() < p + shift ? 1 : 0)));
      const before = [0, 0, 0].map(draw);
      const after = [0, 0, 0].map(() => draw(0.08 + 0.04 * normal()));
      const { interval } = compareOverSeeds(before, after);
      if (interval[0] <= 0.08 && 0.08 <= interval[1]) covered++;
    }
    expect(covered / rounds).toBeGreaterThan(0.93);
  });
});
