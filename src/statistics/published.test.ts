import { describe, expect, it } from 'vitest';
import {
  gPassAtK,
  meanGPassAtK,
  passAt1,
  passAtK,
  varianceComponents,
  type ProblemResult,
} from './estimators.js';
import {
  averageOf,
  betaInterval,
  clopperPearsonInterval,
  clusteredError,
  normalInterval,
  runsError,
  studentInterval,
  wilsonInterval,
} from './intervals.js';
import { comparePaired, mcnemarChiSquare, midP, probabilityBetter, signTest } from './paired.js';
import { detectableEffect, differenceVariance, problemsNeeded } from './power.js';

/** As printed: the last digit may be rounded either way. */
const expectPrinted = (found: readonly number[], wanted: readonly number[], digits: number) => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries())
    expect(Math.abs(value - wanted[i]!), `${value} for ${wanted[i]}`).toBeLessThanOrEqual(
      0.5001 * 10 ** -digits,
    );
};
const one = (correct: number, samples: number): ProblemResult[] => [{ id: 'a', correct, samples }];
const ofSingles = (right: number, n: number): ProblemResult[] =>
  Array.from({ length: n }, (_, i) => ({ id: String(i), correct: i < right ? 1 : 0, samples: 1 }));

describe('pass@k and G-Pass@k of exact fractions', () => {
  it.each([
    [16, 3, 1, 3 / 16],
    [16, 3, 4, 17 / 28],
    [16, 3, 8, 9 / 10],
    [16, 1, 8, 1 / 2],
    [16, 9, 8, 1],
    [10, 2, 5, 7 / 9],
    [200, 7, 100, 506067 / 509639],
  ])('pass@k of %i samples, %i right, k = %i', (n, c, k, wanted) => {
    expect(passAtK(one(c, n), k).mean).toBeCloseTo(wanted, 12);
  });

  it('G-Pass@16 of 48 samples', () => {
    expectPrinted(
      [0.5, 0.75].map((threshold) => gPassAtK(one(24, 48), 16, threshold).mean),
      [0.6199454182, 0.0152382624],
      10,
    );
    expect(gPassAtK(one(24, 48), 16, 1).mean * 1e7).toBeCloseTo(3.262, 3);
    expectPrinted(
      [0.5, 0.75, 1].map((threshold) => gPassAtK(one(40, 48), 16, threshold).mean),
      [1, 0.9310553402, 0.0278741965],
      10,
    );
    expectPrinted(
      [24, 40].map((c) => meanGPassAtK(one(c, 48), 16).mean),
      [0.0799636121, 0.6666666667],
      10,
    );
  });
});

describe('intervals of shares', () => {
  const errors = (right: number, n: number) => {
    const share = right / n;
    return {
      share,
      population: Math.sqrt((share * (1 - share)) / n),
      sample: passAt1(ofSingles(right, n)).standardError,
    };
  };

  it('24 of 30', () => {
    const { share, population, sample } = errors(24, 30);
    expectPrinted([population, sample], [0.07303, 0.074278], 6);
    expectPrinted(normalInterval(share, population), [0.656864, 0.943136], 6);
    expectPrinted(studentInterval(share, sample, 29), [0.648084, 0.951916], 6);
    expectPrinted(wilsonInterval(share, 30), [0.626943, 0.904949], 6);
    expectPrinted(betaInterval(share, 30), [0.625268, 0.904058], 6);
    expectPrinted(clopperPearsonInterval(share, 30), [0.614333, 0.922864], 6);
  });

  it('0 of 30', () => {
    expectPrinted(wilsonInterval(0, 30), [0, 0.113513], 6);
    expectPrinted(betaInterval(0, 30), [0.000816, 0.112189], 6);
    expectPrinted(clopperPearsonInterval(0, 30), [0, 0.115703], 6);
    expect(normalInterval(0, errors(0, 30).population)).toEqual([0, 0]);
    // In closed form: the uniform prior makes the posterior Beta(1, 31), and (1 − p)³⁰ is the chance of 0 of 30.
    expect(betaInterval(0, 30)[1]).toBeCloseTo(1 - 0.025 ** (1 / 31), 12);
    expect(clopperPearsonInterval(0, 30)[1]).toBeCloseTo(1 - 0.025 ** (1 / 30), 12);
    expect(clopperPearsonInterval(1, 30)).toEqual([expect.closeTo(0.025 ** (1 / 30), 12), 1]);
  });

  it('86 of 300 and 415 of 500', () => {
    const small = errors(86, 300);
    expectPrinted([small.population], [0.026108], 6);
    expectPrinted(normalInterval(small.share, small.population), [0.235496, 0.337837], 6);
    expectPrinted(wilsonInterval(small.share, 300), [0.238446, 0.340282], 6);
    expectPrinted(betaInterval(small.share, 300), [0.238466, 0.340352], 6);
    const large = errors(415, 500);
    expectPrinted([large.population], [0.016799], 6);
    expectPrinted(normalInterval(large.share, large.population), [0.797075, 0.862925], 6);
    expectPrinted(wilsonInterval(large.share, 500), [0.794588, 0.86038], 6);
  });
});

describe('a paired table', () => {
  it.each([
    [70, 19, 10, 201, [0.03, 0.017897, 0.036768, 0.136046, 0.098737], 2.7931, 0.950631],
    [20, 6, 1, 3, [0.166667, 0.084191, 0.105953, 0.125, 0.070312], 3.5714, 0.964844],
    [400, 25, 10, 65, [0.03, 0.011768, 0.02348, 0.016674, 0.011331], 6.4286, 0.994335],
  ])('%i both, %i and %i one, %i neither', (both, onlyA, onlyB, none, wanted, chiSquare, better) => {
    const rows = [
      ...Array.from({ length: both }, () => [1, 1]),
      ...Array.from({ length: onlyA }, () => [1, 0]),
      ...Array.from({ length: onlyB }, () => [0, 1]),
      ...Array.from({ length: none }, () => [0, 0]),
    ];
    const side = (place: number) =>
      rows.map((row, i) => ({ id: String(i), correct: row[place]!, samples: 1 }));
    const { difference, standardError, pValue } = comparePaired(side(1), side(0));
    const unpaired = Math.hypot(passAt1(side(0)).standardError, passAt1(side(1)).standardError);
    const table = { onlyBefore: onlyB, onlyAfter: onlyA };
    expectPrinted([difference, standardError, unpaired, pValue, midP(table)], wanted, 6);
    expect(signTest(table)).toBeCloseTo(pValue, 12);
    expectPrinted([mcnemarChiSquare(table)], [chiSquare], 4);
    expectPrinted([probabilityBetter(table)], [better], 6);
    // Seen from the other side.
    const mirrored = { onlyBefore: onlyA, onlyAfter: onlyB };
    expect([signTest(mirrored), midP(mirrored)]).toEqual([signTest(table), midP(table)]);
    expect(probabilityBetter(mirrored)).toBeCloseTo(1 - probabilityBetter(table), 12);
  });
});

describe('errors by name', () => {
  it('clusters', () => {
    const values = [1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0];
    const clusters = Array.from('aaabbbbccddd');
    const { cr0, standardError, clusters: count } = clusteredError(values, clusters);
    const { mean, standardError: ofProblems } = passAt1(ofSingles(7, 12));
    expectPrinted([mean, ofProblems, cr0, standardError], [0.583333, 0.148647, 0.181886, 0.210024], 6);
    expect(count).toBe(4);
  });

  it('four problems with four samples', () => {
    const scores = ['1110', '0010', '1111', '0000'].map((row) => Array.from(row, Number));
    const results = scores.map((row, i) => ({
      id: String(i),
      correct: row.reduce((a, b) => a + b),
      samples: 4,
    }));
    const { mean, standardError } = passAt1(results);
    const { within, between } = varianceComponents(results);
    expectPrinted(
      [mean, standardError, within, between, runsError(scores, 1), runsError(scores, 0)],
      [0.5, 0.228218, 0.125, 0.177083, 0.102062, 0.088388],
      6,
    );
  });
});

describe('power', () => {
  const variance = { between: 1 / 9, within: [1 / 6, 1 / 6] as const };

  it.each([
    [1, 3876],
    [2, 2422],
    [4, 1696],
    [10, 1260],
    [100, 998],
    [Infinity, 969],
  ])('problems for 3 points with %d samples', (samples, wanted) => {
    const found = problemsNeeded(variance, { effect: 0.03, samples, alpha: 0.05, power: 0.8 });
    expect(Math.round(found)).toBe(wanted);
  });

  it('the smallest effect', () => {
    const found = [
      { problems: 30, samples: 16 },
      { problems: 300, samples: 1 },
      { problems: 500, samples: 16 },
    ].map((size) => 100 * detectableEffect(Math.sqrt(differenceVariance(variance, size))));
    expectPrinted(found, [18.6, 10.8, 4.6], 1);
  });
});

describe("the tables of REDI's paper", () => {
  // Tables 1 and 2 of arXiv:2505.24850: five benchmarks, each with its error over 16 runs, and their average.
  it.each([
    ['DeepSeek-R1-Distill-Qwen-1.5B', [83.2, 28.3, 62.1, 26.0, 43.1], [0.2, 1.0, 0.8, 0.4, 0.3], 48.6, 0.3],
    ['Qwen-SFT-1.5B-5ep', [80.4, 21.9, 57.5, 27.5, 41.5], [0.3, 1.1, 0.6, 0.4, 0.3], 45.8, 0.3],
    ['Qwen-REDI-1.5B', [83.1, 28.1, 62.4, 28.8, 45.2], [0.3, 1.1, 0.6, 0.3, 0.2], 49.5, 0.3],
    ['SFT-3ep', [76.7, 18.1, 52.8, 24.6, 37.5], [0.3, 1.1, 0.6, 0.5, 0.3], 41.9, 0.3],
    ['DPO', [81.3, 24.6, 58.5, 28.7, 43.1], [0.2, 1.7, 0.6, 0.4, 0.3], 47.2, 0.4],
    ['SimPO', [81.1, 24.8, 58.8, 29.1, 42.2], [0.3, 1.9, 0.6, 0.2, 0.3], 47.2, 0.4],
    ['symmetric', [81.7, 25.8, 59.5, 29.3, 42.1], [0.2, 1.3, 1.1, 0.4, 0.2], 47.7, 0.4],
    ['REDI', [81.7, 27.3, 58.8, 30.4, 43.4], [0.2, 1.4, 0.8, 0.5, 0.3], 48.3, 0.3],
  ])('%s', (_, means, errors, average, error) => {
    const found = averageOf(means.map((mean, i) => ({ mean, standardError: errors[i]! })));
    // The columns are rounded to 0.1 themselves, so an average may miss by half of that more.
    expect(Math.abs(found.mean - average)).toBeLessThanOrEqual(0.1);
    expect(Number(found.standardError.toFixed(1))).toBe(error);
  });
});
