import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { alwaysValid } from './sequential.js';
import { estimate } from './estimators.js';
import {
  averageOf,
  betaInterval,
  clopperPearsonInterval,
  clusteredError,
  normalInterval,
  runsError,
  studentInterval,
  wilsonInterval,
  type Interval,
} from './intervals.js';
import { bootstrapInterval } from './paired.js';

const DATA_SETS = 2000;
const random = new Random(29);

/** How often an interval over simulated data holds the truth. */
function coverage(truth: number, draw: () => Interval, rounds = DATA_SETS): number {
  let held = 0;
  for (let i = 0; i < rounds; i++) {
    const [low, high] = draw();
    if (low <= truth && truth <= high) held++;
  }
  return held / rounds;
}

const heads = (n: number, p: number) => {
  let count = 0;
  for (let i = 0; i < n; i++) if (random.nextFloat() < p) count++;
  return count;
};
const normal = () =>
  Math.sqrt(-2 * Math.log(1 - random.nextFloat())) * Math.cos(2 * Math.PI * random.nextFloat());
const logChoose = (n: number, k: number) => {
  let log = 0;
  for (let i = 1; i <= k; i++) log += Math.log((n - k + i) / i);
  return log;
};
/** The exact coverage of an interval of a share: the chance of the counts whose interval holds it. */
function exactCoverage(n: number, p: number, interval: (share: number, n: number) => Interval): number {
  let sum = 0;
  for (let right = 0; right <= n; right++) {
    const [low, high] = interval(right / n, n);
    if (low <= p && p <= high)
      sum += Math.exp(logChoose(n, right) + right * Math.log(p) + (n - right) * Math.log(1 - p));
  }
  return sum;
}
const ofShare = (share: number, n: number): Interval =>
  normalInterval(share, Math.sqrt((share * (1 - share)) / n));

describe('coverage over 2,000 data sets is within 2 points of the level', () => {
  const expectLevel = (found: number, level = 0.95) => {
    expect(Math.abs(found - level)).toBeLessThan(0.02);
  };

  it.each([0.95, 0.8])('Wilson and Beta, on average over shares, with 30 problems, level %d', (level) => {
    for (const interval of [wilsonInterval, betaInterval]) {
      let held = 0;
      for (let i = 0; i < DATA_SETS; i++) {
        const p = random.nextFloat();
        const [low, high] = interval(heads(30, p) / 30, 30, level);
        if (low <= p && p <= high) held++;
      }
      expectLevel(held / DATA_SETS, level);
    }
  });

  it.each([0.3, 0.5, 0.8])(
    'CLT, Wilson, Beta and Clopper-Pearson of 500 problems with a share of %d',
    (p) => {
      for (const interval of [ofShare, wilsonInterval, betaInterval, clopperPearsonInterval])
        expectLevel(coverage(p, () => interval(heads(500, p) / 500, 500)));
    },
  );

  it('CLT does not cover with 30 problems and a share near 1; Wilson does, Clopper-Pearson by more than it says', () => {
    // Summed over every count: the CLT's 95 % interval holds 0.97 in 60 % of data sets.
    expect(exactCoverage(30, 0.97, ofShare)).toBeLessThan(0.7);
    for (const p of [0.9, 0.97]) {
      expect(exactCoverage(30, p, wilsonInterval)).toBeGreaterThan(0.93);
      expect(exactCoverage(30, p, clopperPearsonInterval)).toBeGreaterThan(0.95);
    }
    for (let p = 0.01; p < 1; p += 0.01) {
      expect(exactCoverage(20, p, clopperPearsonInterval)).toBeGreaterThanOrEqual(0.95);
      expect(
        exactCoverage(20, p, (share, n) => clopperPearsonInterval(share, n, 0.8)),
      ).toBeGreaterThanOrEqual(0.8);
    }
  });

  it("Student's t of rates over eight problems; the normal one is too narrow there", () => {
    const sets = Array.from({ length: DATA_SETS }, () =>
      estimate(Array.from({ length: 8 }, () => 0.4 + 0.1 * normal())),
    );
    const held = (interval: (mean: number, error: number) => Interval) =>
      sets.filter(({ mean, standardError }) => {
        const [low, high] = interval(mean, standardError);
        return low <= 0.4 && 0.4 <= high;
      }).length / DATA_SETS;
    expectLevel(held((mean, error) => studentInterval(mean, error, 7)));
    expectLevel(
      held((mean, error) => studentInterval(mean, error, 7, 0.8)),
      0.8,
    );
    expect(held(normalInterval)).toBeLessThan(0.92);
  });

  /** Rates of 40 templates with up to 3 problems each, which share most of their difficulty. */
  const templates = () => {
    const values: number[] = [];
    const clusters: string[] = [];
    for (let c = 0; c < 40; c++) {
      const shared = 0.5 + 0.2 * normal();
      for (let i = 0; i < 1 + (c % 3); i++) {
        values.push(shared + 0.05 * normal());
        clusters.push(String(c));
      }
    }
    return { values, clusters };
  };

  it('clustered, where the error over problems is too small', () => {
    expectLevel(
      coverage(0.5, () => {
        const { values, clusters } = templates();
        const { standardError, clusters: count } = clusteredError(values, clusters);
        return studentInterval(estimate(values).mean, standardError, count - 1);
      }),
    );
    const ofProblems = coverage(0.5, () => {
      const { mean, standardError } = estimate(templates().values);
      return normalInterval(mean, standardError);
    });
    expect(ofProblems).toBeLessThan(0.87);
  });

  it('bootstrap, by problems and by clusters', () => {
    expectLevel(
      coverage(0.05, () =>
        bootstrapInterval(
          Array.from({ length: 80 }, () => 0.05 + 0.3 * normal()),
          { draws: 200, seed: random.nextUint32() },
        ),
      ),
    );
    expectLevel(
      coverage(0.5, () => {
        const { values, clusters } = templates();
        return bootstrapInterval(values, { clusters, draws: 200, seed: random.nextUint32() });
      }),
    );
  });

  it('runs: the mean of the same problems, over other samples of them', () => {
    const chances = Array.from({ length: 30 }, () => random.nextFloat());
    const truth = estimate(chances).mean;
    const draw = (): Interval => {
      const scores = chances.map((p) => Array.from({ length: 16 }, () => (random.nextFloat() < p ? 1 : 0)));
      return studentInterval(estimate(scores.flat()).mean, runsError(scores, 1), 15);
    };
    expectLevel(coverage(truth, draw));
    // It says nothing of other problems: the mean of the distribution that they came from.
    const other = coverage(0.5, () => {
      const ps = Array.from({ length: 30 }, () => random.nextFloat());
      const scores = ps.map((p) => Array.from({ length: 16 }, () => (random.nextFloat() < p ? 1 : 0)));
      return studentInterval(estimate(scores.flat()).mean, runsError(scores, 1), 15);
    });
    expect(other).toBeLessThan(0.6);
  });

  it('the always-valid interval at a single look holds more than it says: that is its price', () => {
    const found = coverage(
      0.1,
      () => alwaysValid(Array.from({ length: 60 }, () => heads(1, 0.3) - heads(1, 0.2))).interval,
      200,
    );
    expect(found).toBeGreaterThan(0.97);
  });
});

describe('wilsonInterval', () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('is what Newcombe has for %i of %i', (right, n, low, high) => {
    const found = wilsonInterval(right / n, n);
    expect(found[0]).toBeCloseTo(low, 4);
    expect(found[1]).toBeCloseTo(high, 4);
  });

  it('is its own mirror image, and stays within what a share can be', () => {
    for (const n of [1, 2, 7, 1000])
      for (const share of [0, 0.25, 0.5, 1]) {
        const [low, high] = wilsonInterval(share, n);
        const [mirroredLow, mirroredHigh] = wilsonInterval(1 - share, n);
        expect(low).toBeCloseTo(1 - mirroredHigh, 12);
        expect(high).toBeCloseTo(1 - mirroredLow, 12);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(share);
        expect(high).toBeGreaterThanOrEqual(share);
      }
  });
});

describe('errors by name', () => {
  it('clustered is the double sum over pairs of one cluster', () => {
    for (let round = 0; round < 20; round++) {
      const values = Array.from({ length: 9 }, () => random.nextFloat());
      const clusters = values.map(() => String(random.nextInt(4)));
      const mean = values.reduce((a, b) => a + b) / 9;
      let sum = 0;
      for (const [i, a] of values.entries())
        for (const [j, b] of values.entries())
          if (clusters[i] === clusters[j]) sum += (a - mean) * (b - mean);
      const found = clusteredError(values, clusters);
      const g = new Set(clusters).size;
      expect(found.cr0).toBeCloseTo(Math.sqrt(sum) / 9, 12);
      expect(found.standardError).toBeCloseTo((Math.sqrt(sum) / 9) * Math.sqrt(g / (g - 1)), 12);
      expect(found.clusters).toBe(g);
    }
    const values = [0.2, 0.4, 1, 0];
    const alone = clusteredError(values, ['a', 'b', 'c', 'd']);
    expect(alone.standardError).toBeCloseTo(estimate(values).standardError, 14);
    expect(clusteredError(values, ['a', 'a', 'a', 'a']).standardError).toBeNaN();
  });

  it('over runs needs a rectangle', () => {
    expect(() => runsError([[1, 0], [1]], 0)).toThrow('the same number of samples of every problem');
    expect(runsError([[1, 1, 1]], 1)).toBe(0);
  });

  it('of an average over benchmarks', () => {
    const { mean, standardError } = averageOf([
      { mean: 1, standardError: 3 },
      { mean: 2, standardError: 4 },
    ]);
    expect([mean, standardError]).toEqual([1.5, 2.5]);
  });

  it('intervals take a level', () => {
    expect(normalInterval(0.5, 0.1, 0.6826894921370859)).toEqual([
      expect.closeTo(0.4, 9),
      expect.closeTo(0.6, 9),
    ]);
    expect(studentInterval(0, 1, 1, 0.5)).toEqual([expect.closeTo(-1, 9), expect.closeTo(1, 9)]); // Cauchy
    for (const interval of [wilsonInterval, betaInterval, clopperPearsonInterval]) {
      const [low, high] = interval(0.3, 50, 0.8);
      const [lower, higher] = interval(0.3, 50);
      expect(lower).toBeLessThan(low);
      expect(higher).toBeGreaterThan(high);
    }
  });
});
