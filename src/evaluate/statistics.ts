/** @file Estimates and comparisons of evaluations: pass@k, standard errors, the paired sign-flip test. Reads no files. */
import { UserError } from '../util/errors.js';

/** How often one problem was answered rightly. */
export interface ProblemResult {
  id: string;
  correct: number;
  samples: number;
}

/** A mean over problems in [0, 1] and its standard error (NaN for a single problem). */
export interface Estimate {
  mean: number;
  standardError: number;
  problems: number;
}

export interface PairedComparison {
  /** Mean over problems of (rate in `after` − rate in `before`). */
  difference: number;
  standardError: number;
  /** 95 %, normal: difference ± 1.96 standard errors. */
  interval: [low: number, high: number];
  /** Two-sided; the chance of a difference this large if every problem's difference were as likely reversed. */
  pValue: number;
  test: 'exact sign-flip' | 'normal';
  problems: number;
  /** Problems with a higher and with a lower rate in `after`. */
  better: number;
  worse: number;
}

/**
 * The share of right answers. Samples of one problem are not independent, so the error is clustered by problem:
 * the standard deviation of the per-problem rates over the square root of their number.
 */
export function passAt1(results: readonly ProblemResult[]): Estimate {
  return passAtK(results, 1);
}

/**
 * The unbiased estimate of the chance that one of k samples is right (Chen et al. 2021, arXiv:2107.03374):
 * per problem 1 − C(n−c, k) / C(n, k), averaged over problems. Throws where a problem has fewer than k samples.
 */
export function passAtK(results: readonly ProblemResult[], k: number): Estimate {
  if (!Number.isInteger(k) || k < 1) throw new UserError(`pass@k needs a whole k of at least 1, not ${k}.`);
  return estimate(
    results.map((result) => {
      checkResult(result);
      if (result.samples < k) {
        throw new UserError(`pass@${k} needs ${k} samples a problem; ${result.id} has ${result.samples}.`);
      }
      return passAtKOfOne(result.samples, result.correct, k);
    }),
  );
}

function passAtKOfOne(samples: number, correct: number, k: number): number {
  if (samples - correct < k) return 1;
  // C(n−c, k) / C(n, k) as a product of c factors below 1: no factorial overflows.
  let allWrong = 1;
  for (let i = samples - correct + 1; i <= samples; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}

/**
 * Compares two evaluations of the same problems, paired by problem id. Throws a UserError where the problems are
 * not the same.
 *
 * The p-value is that of the exact sign-flip test: its whole null distribution is computed, by dynamic programming
 * over sums of the per-problem differences in units of their common denominator; with one sample a problem it is
 * McNemar's exact test. Where that would take more than 2·10^8 steps, the normal approximation is used and named.
 */
export function comparePaired(
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
): PairedComparison {
  const pairs = pairById(before, after);
  const differences = pairs.map(([a, b]) => b.correct / b.samples - a.correct / a.samples);
  const { mean, standardError, problems } = estimate(differences);
  const exact = exactSignFlip(pairs);
  return {
    difference: mean,
    standardError,
    interval: [mean - 1.96 * standardError, mean + 1.96 * standardError],
    pValue: exact ?? (mean === 0 ? 1 : twoSidedNormal(mean / standardError)),
    test: exact === undefined ? 'normal' : 'exact sign-flip',
    problems,
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
  };
}

/**
 * The 95 % interval of a share of which `n` were seen (Wilson 1927). Unlike ± 1.96 standard errors it says something where
 * all or none were right, or where there is one problem.
 */
export function wilsonInterval(share: number, n: number): [low: number, high: number] {
  const z2 = 1.96 ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (1.96 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function estimate(values: readonly number[]): Estimate {
  const problems = values.length;
  if (problems === 0) throw new UserError('There are no problems to evaluate.');
  const mean = values.reduce((sum, value) => sum + value, 0) / problems;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (problems - 1) / problems), problems };
}

function checkResult({ id, correct, samples }: ProblemResult): void {
  const whole = Number.isInteger(correct) && Number.isInteger(samples);
  if (!whole || samples < 1 || correct < 0 || correct > samples) {
    throw new UserError(`Problem ${id} has ${correct} right of ${samples} samples, which cannot be.`);
  }
}

type Pair = readonly [before: ProblemResult, after: ProblemResult];

function pairById(before: readonly ProblemResult[], after: readonly ProblemResult[]): Pair[] {
  const afterById = new Map(after.map((result) => [result.id, result]));
  if (before.length !== after.length || afterById.size !== after.length) {
    throw new UserError(
      `A paired comparison needs the same problems once each; there are ${before.length} results and ${after.length}.`,
    );
  }
  return before.map((result) => {
    const other = afterById.get(result.id);
    if (!other) throw new UserError(`Problem ${result.id} is in the first evaluation but not in the second.`);
    checkResult(result);
    checkResult(other);
    afterById.delete(result.id);
    return [result, other];
  });
}

const MAX_EXACT_STEPS = 2e8;

/** P(|S| ≥ |observed|) for S = Σ ±dᵢ with fair independent signs; undefined where it is too much work. */
function exactSignFlip(pairs: readonly Pair[]): number | undefined {
  let denominator = 1;
  for (const pair of pairs) {
    for (const { samples } of pair) {
      denominator *= samples / greatestCommonDivisor(denominator, samples);
      if (denominator > MAX_EXACT_STEPS) return undefined;
    }
  }
  const units = pairs
    .map(([a, b]) => (b.correct * denominator) / b.samples - (a.correct * denominator) / a.samples)
    .map(Math.round)
    .filter((unit) => unit !== 0);
  const divisor = units.reduce(greatestCommonDivisor, 0) || 1;
  const sizes = units.map((unit) => Math.abs(unit) / divisor);
  const reach = sizes.reduce((sum, size) => sum + size, 0);
  if (reach * sizes.length > MAX_EXACT_STEPS) return undefined;

  // probability[s] = P(sum of the sizes whose sign is plus = s); then S = 2s − reach.
  let probability = new Float64Array(reach + 1);
  let filled = 0;
  probability[0] = 1;
  for (const size of sizes) {
    const next = new Float64Array(reach + 1);
    for (let s = 0; s <= filled; s++) {
      const half = probability[s]! / 2;
      next[s]! += half;
      next[s + size]! += half;
    }
    filled += size;
    probability = next;
  }
  const observed = Math.abs(units.reduce((sum, unit) => sum + unit, 0)) / divisor;
  let pValue = 0;
  for (let s = 0; s <= reach; s++) if (Math.abs(2 * s - reach) >= observed) pValue += probability[s]!;
  return Math.min(1, pValue);
}

function greatestCommonDivisor(a: number, b: number): number {
  let x = Math.abs(a);
  let y = Math.abs(b);
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** P(|Z| ≥ |z|) for a standard normal Z. */
export function twoSidedNormal(z: number): number {
  return complementaryError(Math.abs(z) / Math.SQRT2);
}

/** erfc(x) for x ≥ 0 with a relative error under 1.2e-7 (Press et al., Numerical Recipes, section 6.2). */
function complementaryError(x: number): number {
  const coefficients = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const t = 1 / (1 + x / 2);
  return t * Math.exp(-x * x + coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0));
}
