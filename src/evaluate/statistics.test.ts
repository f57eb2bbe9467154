import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { comparePaired, passAt1, passAtK, twoSidedNormal, type ProblemResult } from './statistics.js';

interface Fixture {
  passAtK: { results: ProblemResult[]; k: number; mean: number; standardError: number }[];
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

describe('passAtK', () => {
  it('equals the count over all subsets', () => {
    for (const { results, k, mean, standardError } of fixture.passAtK) {
      const ours = passAtK(results, k);
      expect(ours.mean).toBeCloseTo(mean, 12);
      expect(ours.standardError).toBeCloseTo(standardError, 12);
      expect(ours.problems).toBe(results.length);
    }
  });

  it('stays finite with many samples', () => {
    expect(passAtK([result(0, 1, 10_000)], 5000).mean).toBeCloseTo(0.5, 10);
    expect(passAtK([result(0, 0, 10_000)], 5000).mean).toBe(0);
  });

  it('asks for enough samples, possible counts and a problem', () => {
    expect(() => passAtK([result(7, 1, 2)], 3)).toThrow(/p7 has 2/);
    expect(() => passAtK([result(7, 3, 2)], 1)).toThrow(UserError);
    expect(() => passAtK([result(7, 1, 2)], 1.5)).toThrow(UserError);
    expect(() => passAt1([])).toThrow(UserError);
  });
});

describe('passAt1', () => {
  it('with one sample has the binomial standard error (with n − 1)', () => {
    const results = Array.from({ length: 300 }, (_, i) => result(i, i < 42 ? 1 : 0));
    const ours = passAt1(results);
    expect(ours.mean).toBeCloseTo(0.14, 12);
    expect(ours.standardError).toBeCloseTo(Math.sqrt((0.14 * 0.86) / 299), 12);
  });

  it('does not gain from repeating a sample', () => {
    const once = [1, 0, 0, 1, 1, 0].map((correct, i) => result(i, correct));
    const tenTimes = once.map(({ id, correct }) => ({ id, correct: 10 * correct, samples: 10 }));
    expect(passAt1(tenTimes)).toEqual(passAt1(once));
  });
});

describe('comparePaired', () => {
  it('equals brute force over all sign vectors', () => {
    for (const { before, after, difference, standardError, pValue } of fixture.paired) {
      const ours = comparePaired(before, after);
      expect(ours.test).toBe('exact sign-flip');
      expect(ours.difference).toBeCloseTo(difference, 12);
      expect(ours.standardError).toBeCloseTo(standardError, 12);
      expect(ours.pValue).toBeCloseTo(pValue, 12);
      expect(ours.interval[0]).toBeCloseTo(difference - 1.96 * standardError, 12);
      expect(ours.interval[1]).toBeCloseTo(difference + 1.96 * standardError, 12);
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
    for (const { z, pValue } of fixture.normal) expect(twoSidedNormal(z) / pValue).toBeCloseTo(1, 6);
  });

  it('asks for the same problems', () => {
    expect(() => comparePaired([result(1, 1)], [result(2, 1)])).toThrow(/p1 is in the first/);
    expect(() => comparePaired([result(1, 1)], [])).toThrow(UserError);
    expect(() => comparePaired([result(1, 1), result(1, 0)], [result(1, 1), result(2, 0)])).toThrow(
      UserError,
    );
  });
});
