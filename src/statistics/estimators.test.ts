import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { Random } from '../util/random.js';
import {
  gPassAtK,
  majorityAtK,
  meanGPassAtK,
  passAt1,
  passAtK,
  varianceComponents,
  type AnsweredProblem,
  type ProblemResult,
} from './estimators.js';

/** Brute force in exact fractions (test/oracles/statistics_oracle.py). */
const fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/statistics.json', import.meta.url), 'utf8'),
) as { passAtK: { results: ProblemResult[]; k: number; mean: number; standardError: number }[] };

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
    for (const [correct, samples] of [
      [-1, 2],
      [0, 0],
      [0.5, 1],
      [1, 1.5],
      [NaN, 1],
    ] as const)
      expect(() => passAt1([result(7, correct, samples)])).toThrow(
        `Problem p7 has ${correct} right of ${samples} samples, which cannot be.`,
      );
    for (const k of [0, -1])
      expect(() => passAtK([result(7, 1, 2)], k)).toThrow('needs a whole k of at least 1');
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

/** Every subset of k of the numbers from 0 to n − 1, by the bits of all numbers up to 2ⁿ. */
function subsets(n: number, k: number): number[][] {
  return Array.from({ length: 2 ** n }, (_, bits) =>
    Array.from({ length: n }, (_, i) => i).filter((i) => (bits >> i) & 1),
  ).filter((subset) => subset.length === k);
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
/** √(Σ (x − x̄)² / (n − 1) / n), by all pairs: the variance is half the mean square difference of two. */
function errorOfMean(values: readonly number[]): number {
  let squares = 0;
  for (const a of values) for (const b of values) squares += (a - b) ** 2;
  const n = values.length;
  return Math.sqrt(squares / (2 * n * (n - 1)) / n);
}

/** Random scores of problems with their own chances. */
function randomScores(random: Random, problems: number, samples: () => number): boolean[][] {
  return Array.from({ length: problems }, () => {
    const chance = random.nextFloat();
    return Array.from({ length: samples() }, () => random.nextFloat() < chance);
  });
}

const resultsOf = (scores: readonly (readonly boolean[])[]): ProblemResult[] =>
  scores.map((row, i) => result(i, row.filter(Boolean).length, row.length));

describe('estimators over subsets of samples', () => {
  const random = new Random(11);
  const matrices = Array.from({ length: 12 }, (_, round) =>
    randomScores(random, 2 + random.nextInt(6), () => 8 - (round % 2 === 0 ? 0 : random.nextInt(4))),
  );

  it('equal the mean over every subset', () => {
    for (const scores of matrices)
      for (const k of [1, 2, 3, 5]) {
        const results = resultsOf(scores);
        const over = (value: (right: number) => number) =>
          scores.map((row) =>
            mean(subsets(row.length, k).map((subset) => value(subset.filter((i) => row[i]).length))),
          );
        const expectSame = (found: { mean: number; standardError: number }, values: number[]) => {
          expect(found.mean).toBeCloseTo(mean(values), 12);
          expect(found.standardError).toBeCloseTo(errorOfMean(values), 12);
        };
        expectSame(
          passAtK(results, k),
          over((right) => (right > 0 ? 1 : 0)),
        );
        for (const [i, threshold] of [0.2, 0.5, 0.6, 1].entries()) {
          // ⌈τk⌉ in whole numbers.
          const needed = Math.ceil(([2, 5, 6, 10][i]! * k) / 10);
          expectSame(
            gPassAtK(results, k, threshold),
            over((right) => (right >= needed ? 1 : 0)),
          );
        }
        const thresholds = Array.from({ length: k }, (_, i) => i + 1).filter((i) => i > Math.ceil(k / 2));
        expectSame(
          meanGPassAtK(results, k),
          over((right) => (2 / k) * thresholds.filter((i) => right >= i).length),
        );
      }
  });

  it('ask for thresholds that are shares, and enough samples', () => {
    const results = [result(3, 1, 4)];
    for (const threshold of [0, -1, 1.01, NaN])
      expect(() => gPassAtK(results, 2, threshold)).toThrow('threshold above 0 and at most 1');
    expect(() => gPassAtK(results, 5, 0.5)).toThrow('G-Pass@5 needs 5 samples a problem; p3 has 4.');
    expect(() => meanGPassAtK(results, 5)).toThrow('mG-Pass@5 needs');
    // 0.1 · 30 is a little more than 3 in binary: three right ones are enough.
    expect(gPassAtK([result(0, 3, 30)], 30, 0.1).mean).toBe(1);
    expect(gPassAtK([result(0, 2, 30)], 30, 0.1).mean).toBe(0);
  });
});

describe('majorityAtK', () => {
  const random = new Random(5);
  /** Numbers written in two ways: "2" and "2.0" are the same. */
  const same = (a: string, b: string) => Number(a) === Number(b);
  const problem = (id: string, samples: number): AnsweredProblem => {
    const gold = random.nextInt(3);
    const answers = Array.from({ length: samples }, () => {
      const value = random.nextInt(4);
      return value === 3 ? null : random.nextInt(2) === 0 ? `${value}` : `${value}.0`;
    });
    return { id, answers, right: answers.map((answer) => answer !== null && Number(answer) === gold) };
  };

  /** The share of the right value among the most frequent values of some answers. */
  function slowShare({ answers, right }: AnsweredProblem, subset: readonly number[]): number {
    const tally = new Map<number, { count: number; right: boolean }>();
    for (const i of subset) {
      const answer = answers[i];
      if (answer === null || answer === undefined) continue;
      const count = (tally.get(Number(answer))?.count ?? 0) + 1;
      tally.set(Number(answer), { count, right: right[i]! });
    }
    const most = Math.max(...[...tally.values()].map(({ count }) => count));
    const tied = [...tally.values()].filter(({ count }) => count === most);
    return tied.length === 0 ? 0 : tied.filter((one) => one.right).length / tied.length;
  }

  it('equals the mean over every subset, with ties split and equal answers merged', () => {
    for (let round = 0; round < 20; round++) {
      const problems = Array.from({ length: 3 }, (_, i) => problem(String(i), 7));
      for (const k of [1, 2, 4, 7]) {
        const values = problems.map((one) => mean(subsets(7, k).map((subset) => slowShare(one, subset))));
        const found = majorityAtK(problems, k, { same });
        expect(found.mean).toBeCloseTo(mean(values), 12);
        expect(found.standardError).toBeCloseTo(errorOfMean(values), 12);
        expect(found).toMatchObject({ monteCarloError: 0, problems: 3 });
      }
    }
  });

  it('merges by the text where nothing else is said, and does not count what has no answer', () => {
    const one = (answers: (string | null)[], right: boolean[]) =>
      majorityAtK([{ id: 'a', answers, right }], answers.length).mean;
    expect(one(['2', '2.0', '1', '1'], [true, true, false, false])).toBe(0.5);
    expect(one(['1', '1.0', '2'], [false, false, true])).toBeCloseTo(1 / 3, 15);
    expect(one([null, null, '2'], [false, false, true])).toBe(1);
    expect(one([null, null], [false, false])).toBe(0);
    expect(one(['3', '3', '2'], [false, false, true])).toBe(0);
    // The first wrong answer is found again by its text, though nothing is the same by `same`.
    expect(one(['3', '4', '3', '2', '2'], [false, false, false, true, true])).toBe(0.5);
  });

  it('draws subsets where there are too many, the same for a seed, and says how exact that is', () => {
    const problems = Array.from({ length: 40 }, (_, i) => problem(String(i), 12));
    const exact = majorityAtK(problems, 5, { same, draws: 792 }); // C(12, 5)
    expect(exact.monteCarloError).toBe(0);
    const drawn = majorityAtK(problems, 5, { same, draws: 791 });
    expect(majorityAtK(problems, 5, { same, draws: 791 })).toEqual(drawn);
    expect(majorityAtK(problems.toReversed(), 5, { same, draws: 791 }).mean).toBeCloseTo(drawn.mean, 14);
    expect(drawn.monteCarloError).toBeGreaterThan(0);
    // Over many seeds the errors are as large as they are said to be.
    const few = Array.from({ length: 400 }, (_, seed) => majorityAtK(problems, 5, { same, draws: 20, seed }));
    const square = mean(few.map((one) => ((one.mean - exact.mean) / one.monteCarloError) ** 2));
    expect(Math.abs(square - 1)).toBeLessThan(0.25); // χ² with 400 degrees of freedom over 400: ± 0.07
    expect(mean(few.map((one) => one.mean))).toBeCloseTo(exact.mean, 2);
  });

  it('needs as many samples as it draws', () => {
    expect(() => majorityAtK([{ id: 'x', answers: ['1'], right: [true] }], 2)).toThrow(
      'maj@2 needs 2 samples a problem; x has 1.',
    );
  });
});

describe('varianceComponents', () => {
  it('are unbiased', () => {
    const random = new Random(3);
    const found = Array.from({ length: 3000 }, () =>
      varianceComponents(resultsOf(randomScores(random, 8, () => 2 + random.nextInt(3)))),
    );
    // Chances that are uniform on [0, 1] vary by 1/12, and a sample of one of them by E p(1 − p) = 1/6.
    expect(mean(found.map(({ between }) => between))).toBeCloseTo(1 / 12, 2);
    expect(mean(found.map(({ within }) => within))).toBeCloseTo(1 / 6, 2);
  });

  it('add up to the variance of the rates', () => {
    const results = [result(0, 3, 4), result(1, 1, 4), result(2, 4, 4), result(3, 0, 4)];
    const { between, within } = varianceComponents(results);
    expect((between + within / 4) / 4).toBeCloseTo(passAt1(results).standardError ** 2, 14);
  });

  it('are not known from single samples', () => {
    expect(varianceComponents([result(0, 1), result(1, 0)])).toEqual({ between: NaN, within: NaN });
  });
});
