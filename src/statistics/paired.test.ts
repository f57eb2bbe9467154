import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { Random } from '../util/random.js';
import { normalQuantile, studentQuantile, twoSidedNormal } from './distributions.js';
import type { ProblemResult } from './estimators.js';
import {
  bootstrapInterval,
  comparePaired,
  mcnemarChiSquare,
  midP,
  pairedDifferences,
  pairedVariance,
  probabilityBetter,
  signTest,
} from './paired.js';

interface Fixture {
  paired: {
    before: ProblemResult[];
    after: ProblemResult[];
    difference: number;
    standardError: number;
    pValue: number;
  }[];
  oneSample: { better: number; worse: number; same: number; pValue: number }[];
  normal: { z: number; pValue: number }[];
}

const fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/statistics.json', import.meta.url), 'utf8'),
) as Fixture;

const result = (id: number, correct: number, samples = 1): ProblemResult => ({
  id: `p${id}`,
  correct,
  samples,
});

describe('comparePaired', () => {
  it('equals brute force over all sign vectors', () => {
    const z = normalQuantile(0.975);
    for (const { before, after, difference, standardError, pValue } of fixture.paired) {
      const ours = comparePaired(before, after);
      expect(ours.test).toBe('exact sign-flip');
      expect(ours.difference).toBeCloseTo(difference, 12);
      expect(ours.standardError).toBeCloseTo(standardError, 12);
      expect(ours.pValue).toBeCloseTo(pValue, 12);
      expect(ours.interval[0]).toBeCloseTo(difference - z * standardError, 12);
      expect(ours.interval[1]).toBeCloseTo(difference + z * standardError, 12);
    }
  });

  it("with one sample a problem is McNemar's exact test", () => {
    for (const { better, worse, same, pValue } of fixture.oneSample) {
      const total = better + worse + same;
      const before = Array.from({ length: total }, (_, i) =>
        result(i, i >= better && i < better + worse ? 1 : 0),
      );
      const after = Array.from({ length: total }, (_, i) => result(i, i < better ? 1 : 0));
      const ours = comparePaired(before, after.reverse());
      expect(ours).toMatchObject({ better, worse, problems: total, test: 'exact sign-flip' });
      expect(ours.pValue / pValue).toBeCloseTo(1, 9);
    }
  });

  it('falls back to the normal approximation where the exact test is too much work', () => {
    // Sample counts that are different primes have a common denominator beyond the bound.
    const primes = [101, 103, 107, 109, 113, 127, 131, 137, 139, 149];
    const before = primes.map((samples, i) => result(i, Math.round(samples * 0.4), samples));
    const after = primes.map((samples, i) =>
      result(i, Math.round(samples * (0.4 + 0.02 * (i % 3))), samples),
    );
    const ours = comparePaired(before, after);
    expect(ours.test).toBe('normal');
    expect(ours.pValue).toBe(twoSidedNormal(ours.difference / ours.standardError));
    for (const { z, pValue } of fixture.normal) expect(twoSidedNormal(z) / pValue).toBeCloseTo(1, 12);
  });

  it('asks for the same problems', () => {
    expect(() => comparePaired([result(1, 1)], [result(2, 1)])).toThrow(/p1 is in the first/);
    expect(() => comparePaired([result(1, 1)], [])).toThrow(UserError);
    for (const [before, after] of [
      [[result(1, 1)], [result(1, 1), result(2, 1)]],
      [[result(1, 1)], []],
      [
        [result(1, 1), result(2, 1)],
        [result(1, 1), result(1, 0)],
      ],
    ] as const)
      expect(() => comparePaired(before, after)).toThrow(
        `needs the same problems once each; there are ${before.length} results and ${after.length}.`,
      );
    expect(() => comparePaired([result(1, 1), result(1, 0)], [result(1, 1), result(2, 0)])).toThrow(
      UserError,
    );
  });
});

const random = new Random(23);
const drawn = (problems: number, samples: number): ProblemResult[] =>
  Array.from({ length: problems }, (_, i) => result(i, random.nextInt(samples + 1), samples));
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('comparePaired with clusters', () => {
  it('equals brute force over the signs of whole clusters', () => {
    for (let round = 0; round < 20; round++) {
      const [before, after] = [drawn(12, 3), drawn(12, 2)];
      const clusters = new Map(before.map(({ id }) => [id, `c${random.nextInt(6)}`]));
      const names = [...new Set(clusters.values())];
      const differences = before.map((one, i) => after[i]!.correct / 2 - one.correct / 3);
      const sums = names.map((name) =>
        differences.reduce((sum, d, i) => sum + (clusters.get(`p${i}`) === name ? d : 0), 0),
      );
      const observed = Math.abs(sums.reduce((a, b) => a + b));
      let extreme = 0;
      for (let signs = 0; signs < 2 ** sums.length; signs++) {
        const flipped = sums.reduce((sum, one, i) => sum + ((signs >> i) & 1 ? one : -one), 0);
        if (Math.abs(flipped) >= observed - 1e-9) extreme++;
      }
      const found = comparePaired(before, after, { clusters });
      expect(found.pValue).toBeCloseTo(extreme / 2 ** sums.length, 12);
      expect(found).toMatchObject({ clusters: names.length, problems: 12, test: 'exact sign-flip' });
      const centred = names.map((name) =>
        differences.reduce(
          (sum, d, i) => sum + (clusters.get(`p${i}`) === name ? d - mean(differences) : 0),
          0,
        ),
      );
      const g = names.length;
      const variance = centred.reduce((sum, one) => sum + one ** 2, 0) / 12 ** 2;
      expect(found.standardError).toBeCloseTo(Math.sqrt((variance * g) / (g - 1)), 12);
      const t = studentQuantile(0.975, g - 1);
      expect(found.interval[1] - found.difference).toBeCloseTo(t * found.standardError, 12);
      const wider = comparePaired(before, after, { clusters, level: 0.99 }).interval;
      const far = studentQuantile(0.995, g - 1);
      expect(found.difference - wider[0]).toBeCloseTo(far * found.standardError, 12);
      const alone = comparePaired(before, after, { level: 0.99 });
      expect(alone.interval[1]).toBeCloseTo(alone.difference + 2.5758293035489 * alone.standardError, 12);
    }
  });

  it('is the comparison by problems where each problem is its own cluster', () => {
    const [before, after] = [drawn(30, 4), drawn(30, 4)];
    const alone = comparePaired(before, after);
    const found = comparePaired(before, after, { clusters: new Map() });
    expect(found).toMatchObject({ pValue: alone.pValue, difference: alone.difference, clusters: 30 });
    expect(found.standardError).toBeCloseTo(alone.standardError, 14);
    expect(alone).not.toHaveProperty('clusters');
  });

  it('has no error with a single cluster', () => {
    const [before, after] = [drawn(4, 1), drawn(4, 1)];
    const found = comparePaired(before, after, { clusters: new Map(before.map(({ id }) => [id, 'one'])) });
    expect(found.standardError).toBeNaN();
    expect(found.pValue).toBe(1);
  });
});

describe('pairedDifferences and pairedVariance', () => {
  it('take the differences by id, in the order of the first', () => {
    expect(pairedDifferences([result(1, 1, 2), result(0, 0)], [result(0, 1), result(1, 2, 2)])).toEqual([
      { id: 'p1', difference: 0.5 },
      { id: 'p0', difference: 1 },
    ]);
  });

  it('splits what a difference varies by, without bias', () => {
    const found = Array.from({ length: 2000 }, () => {
      // Chances p and p + u/2, with p uniform on [0, ½] and u on [0, 1]: their difference varies by 1/48.
      const chances = Array.from({ length: 6 }, () => {
        const p = random.nextFloat() / 2;
        return [p, p + random.nextFloat() / 2] as const;
      });
      const side = (place: 0 | 1, samples: number) =>
        chances.map((both, i) => {
          const rights = Array.from({ length: samples }, () => (random.nextFloat() < both[place] ? 1 : 0));
          return result(i, rights.filter((right) => right === 1).length, samples);
        });
      return pairedVariance(side(0, 3), side(1, 5));
    });
    expect(mean(found.map(({ between }) => between))).toBeCloseTo(1 / 48, 2);
    // E p(1 − p): E p − Var p − (E p)² with p on [0, ½], and with the sum of two of them.
    expect(mean(found.map(({ within }) => within[0]))).toBeCloseTo(1 / 4 - 1 / 48 - 1 / 16, 2);
    expect(mean(found.map(({ within }) => within[1]))).toBeCloseTo(1 / 2 - 2 / 48 - 1 / 4, 2);
  });

  it('leaves all variance between the problems where there are single samples', () => {
    const [before, after] = [drawn(9, 1), drawn(9, 3)];
    const { between, within } = pairedVariance(before, after);
    expect(between).toBeCloseTo(9 * comparePaired(before, after).standardError ** 2, 12);
    expect(within).toEqual([NaN, expect.any(Number)]);
  });
});

describe('bootstrapInterval', () => {
  /** Quantiles of the mean over every way to draw n of n, each equally likely. */
  function everyMean(groups: readonly number[][]): number[] {
    const n = groups.length;
    return Array.from({ length: n ** n }, (_, code) =>
      mean(Array.from({ length: n }, (_, i) => groups[Math.floor(code / n ** i) % n]!).flat()),
    ).sort((a, b) => a - b);
  }

  it('nears the quantiles of every draw with replacement', () => {
    const values = [-1, 0, 0.25, 0.5, 1, 0.1];
    const all = everyMean(values.map((value) => [value]));
    const found = bootstrapInterval(values, { draws: 40_000, level: 0.9 });
    expect(found[0]).toBeCloseTo(all[Math.round(0.05 * all.length)]!, 1);
    expect(found[1]).toBeCloseTo(all[Math.round(0.95 * all.length)]!, 1);
    expect(bootstrapInterval(values)).toEqual(bootstrapInterval(values, { seed: 0, level: 0.95 }));
    expect(bootstrapInterval(values, { seed: 1 })).not.toEqual(bootstrapInterval(values));
    expect(bootstrapInterval([0.5, 0.5])).toEqual([0.5, 0.5]);
  });

  it('draws whole clusters, whatever their sizes', () => {
    const groups = [[1, 1, 0.5], [0], [-1, 0], [0.2], [0.6, 0.7]];
    const all = everyMean(groups);
    const clusters = groups.flatMap((group, i) => group.map(() => String(i)));
    const found = bootstrapInterval(groups.flat(), { clusters, draws: 40_000, level: 0.8 });
    expect(Math.abs(found[0] - all[Math.round(0.1 * all.length)]!)).toBeLessThan(0.03);
    expect(Math.abs(found[1] - all[Math.round(0.9 * all.length)]!)).toBeLessThan(0.03);
  });

  it('takes quantiles between the draws', () => {
    const three = (level: number) => bootstrapInterval([0, 1], { draws: 3, level, seed: 2 });
    const [low, high] = three(1);
    // A level of 0 is the median from either side, one of ½ halfway towards the ends.
    const [median] = three(0);
    expect(three(0)).toEqual([median, median]);
    expect(three(0.5)).toEqual([(low + median) / 2, (median + high) / 2]);
  });
});

describe('exact tests of one sample a problem', () => {
  it('are those of all signs', () => {
    for (let round = 0; round < 60; round++) {
      const table = { onlyBefore: random.nextInt(7), onlyAfter: random.nextInt(7) };
      const n = table.onlyBefore + table.onlyAfter;
      const off = (heads: number) => Math.abs(2 * heads - n);
      const seen = off(table.onlyAfter);
      let [beyond, same] = [0, 0];
      for (let bits = 0; bits < 2 ** n; bits++) {
        const heads = Array.from({ length: n }, (_, i) => (bits >> i) & 1).reduce((a, b) => a + b, 0);
        if (off(heads) > seen) beyond++;
        else if (off(heads) === seen) same++;
      }
      expect(signTest(table)).toBeCloseTo((beyond + same) / 2 ** n, 12);
      expect(midP(table)).toBeCloseTo((beyond + same / 2) / 2 ** n, 12);
      if (n > 0) {
        // The square of the sign test's z: heads less n/2, over √n/2.
        const z = (table.onlyAfter - n / 2) / (Math.sqrt(n) / 2);
        expect(mcnemarChiSquare(table)).toBeCloseTo(z * z, 12);
      }
    }
  });

  it('the chance that one is better is the share of a uniform prior', () => {
    // Among discordant problems the chance of `after` is Beta(n01 + 1, n10 + 1): the integral of its density over (½, 1).
    for (const [onlyBefore, onlyAfter] of [
      [0, 0],
      [3, 3],
      [1, 6],
      [10, 19],
    ] as const) {
      const density = (x: number) => x ** onlyAfter * (1 - x) ** onlyBefore;
      const integral = (from: number, to: number) => {
        const n = 20_000;
        const h = (to - from) / n;
        let sum = density(from) + density(to);
        for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * density(from + i * h);
        return (sum * h) / 3;
      };
      expect(probabilityBetter({ onlyBefore, onlyAfter })).toBeCloseTo(integral(0.5, 1) / integral(0, 1), 10);
    }
  });
});
