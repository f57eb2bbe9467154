/** @file Compares two evaluations paired by problem: differences, their intervals, and exact tests. */
import { UserError } from '../util/errors.js';
import { Random } from '../util/random.js';
import { betaCdf, fairTail, twoSidedNormal } from './distributions.js';
import { checkResult, estimate, samplingVariance, varianceOf, type ProblemResult } from './estimators.js';
import { clusteredError, normalInterval, studentInterval, type Interval } from './intervals.js';
import type { DifferenceVariance } from './power.js';

export interface PairedComparison {
  /** Mean over problems of (rate in `after` − rate in `before`). */
  difference: number;
  standardError: number;
  /** 95 % unless another level was asked for, difference ± z standard errors; with clusters Student's t with one degree of freedom fewer than there are. */
  interval: Interval;
  /** Two-sided; the chance of a difference this large if every problem's (or cluster's) difference were as likely reversed. */
  pValue: number;
  test: 'exact sign-flip' | 'normal';
  problems: number;
  /** Problems with a higher and with a lower rate in `after`. */
  better: number;
  worse: number;
  /** How many clusters the problems are in, where they were given. */
  clusters?: number;
}

export interface PairedOptions {
  /**
   * The cluster of each problem by its id: problems of one cluster resemble each other, so their differences are flipped together,
   * and the standard error is clustered (`clusteredError`).
   */
  clusters?: ReadonlyMap<string, string> | undefined;
  /** Of the interval. Default: 0.95. */
  level?: number | undefined;
}

/**
 * Compares two evaluations of the same problems, paired by problem id.
 *
 * The p-value is that of the exact sign-flip test: its whole null distribution is computed, by dynamic programming
 * over sums of the per-problem differences in units of their common denominator; with one sample a problem it is
 * McNemar's exact test. Where that would take more than 2·10^8 steps, the normal approximation is used and named.
 *
 * @throws UserError where the problems are not the same
 */
export function comparePaired(
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
  { clusters, level }: PairedOptions = {},
): PairedComparison {
  const pairs = pairById(before, after);
  const differences = pairs.map(differenceOf);
  const { mean, standardError, problems } = estimate(differences);
  const clusterOf = clusters && pairs.map(([{ id }]) => clusters.get(id) ?? id);
  const clustered = clusterOf && clusteredError(differences, clusterOf);
  const error = clustered?.standardError ?? standardError;
  const exact = exactSignFlip(pairs, clusterOf);
  return {
    difference: mean,
    standardError: error,
    interval: clustered
      ? studentInterval(mean, error, clustered.clusters - 1, level)
      : normalInterval(mean, error, level),
    pValue: exact ?? (mean === 0 ? 1 : twoSidedNormal(mean / error)),
    test: exact === undefined ? 'normal' : 'exact sign-flip',
    problems,
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
    ...(clustered && { clusters: clustered.clusters }),
  };
}

/** The difference of each problem's rates, in the order of `before`. @throws UserError where the problems are not the same */
export const pairedDifferences = (
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
): { id: string; difference: number }[] =>
  pairById(before, after).map((pair) => ({ id: pair[0].id, difference: differenceOf(pair) }));

/**
 * The percentile interval of a mean difference over problems that are drawn again with replacement (Efron 1979), whole clusters
 * at a time where they are given.
 * @param differences one a problem
 * @param options level (default 0.95), draws (default 10,000), seed (default 0), and the cluster of each problem
 */
export function bootstrapInterval(
  differences: readonly number[],
  {
    level = 0.95,
    draws = 10_000,
    seed = 0,
    clusters = differences.map((_, i) => String(i)),
  }: { level?: number; draws?: number; seed?: number; clusters?: readonly string[] } = {},
): Interval {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const [i, cluster] of clusters.entries()) {
    const { sum, count } = sums.get(cluster) ?? { sum: 0, count: 0 };
    sums.set(cluster, { sum: sum + differences[i]!, count: count + 1 });
  }
  const groups = [...sums.values()];
  const random = new Random(seed);
  const means = Float64Array.from({ length: draws }, () => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < groups.length; i++) {
      const group = groups[random.nextInt(groups.length)]!;
      sum += group.sum;
      count += group.count;
    }
    return sum / count;
  }).sort();
  const at = (p: number) => {
    const place = p * (draws - 1);
    const [low, high] = [means[Math.floor(place)]!, means[Math.ceil(place)]!];
    return low + (high - low) * (place - Math.floor(place));
  };
  return [at((1 - level) / 2), at((1 + level) / 2)];
}

/** Of a paired comparison with one sample a problem: the problems that only one side has right. */
export interface Discordant {
  onlyBefore: number;
  onlyAfter: number;
}

/** The two-sided exact sign test, McNemar's exact test: 2 P(Bin(n₁₀ + n₀₁, ½) ≥ max), at most 1. */
export function signTest({ onlyBefore, onlyAfter }: Discordant): number {
  return Math.min(1, 2 * fairTail(Math.max(onlyBefore, onlyAfter), onlyBefore + onlyAfter));
}

/** The sign test's mid-p, which counts what is as extreme as the observation half; it is less conservative (Fagerland et al. 2013). */
export function midP({ onlyBefore, onlyAfter }: Discordant): number {
  const [most, n] = [Math.max(onlyBefore, onlyAfter), onlyBefore + onlyAfter];
  const beyond = fairTail(most + 1, n);
  return onlyBefore === onlyAfter ? 0.5 + beyond : fairTail(most, n) + beyond;
}

/** McNemar's χ² with one degree of freedom, without continuity correction: (n₁₀ − n₀₁)² / (n₁₀ + n₀₁). */
export const mcnemarChiSquare = ({ onlyBefore, onlyAfter }: Discordant): number =>
  (onlyAfter - onlyBefore) ** 2 / (onlyBefore + onlyAfter);

/**
 * P(after is better than before) under a uniform Dirichlet(1, 1, 1, 1) prior on the 2 × 2 table (Bowyer et al. 2025,
 * arXiv:2503.01747): 1 − I_½(n_after + 1, n_before + 1); what both or neither have right does not matter.
 */
export const probabilityBetter = ({ onlyBefore, onlyAfter }: Discordant): number =>
  betaCdf(0.5, onlyBefore + 1, onlyAfter + 1);

/**
 * What a paired difference varies by: σ² of either side, and ω² = S²_d − σ²_A/K_A − σ²_B/K_B (Miller 2024, arXiv:2411.00640,
 * section 5). Where a problem has a single sample, neither is known: all of the variance is then in `between`, and `within` is NaN.
 * `spread` is S²_d: n times the squared error of the mean, so that of clusters where there are any.
 * @throws UserError where the problems are not the same
 */
export function pairedVariance(
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
  clusters?: ReadonlyMap<string, string>,
): DifferenceVariance & { spread: number } {
  const pairs = pairById(before, after);
  const differences = pairs.map(differenceOf);
  const clusterOf = clusters && pairs.map(([{ id }]) => clusters.get(id) ?? id);
  const spread = clusterOf
    ? pairs.length * clusteredError(differences, clusterOf).standardError ** 2
    : varianceOf(differences);
  const [a, b] = [samplingVariance(before), samplingVariance(after)];
  const between = spread - a.ofRates - b.ofRates;
  return { spread, between: Number.isNaN(between) ? spread : between, within: [a.within, b.within] };
}

const differenceOf = ([a, b]: Pair): number => b.correct / b.samples - a.correct / a.samples;

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

/** P(|S| ≥ |observed|) for S = Σ ±dᵢ with fair independent signs, one a cluster; undefined where it is too much work. */
function exactSignFlip(pairs: readonly Pair[], clusterOf?: readonly string[]): number | undefined {
  let denominator = 1;
  for (const pair of pairs) {
    for (const { samples } of pair) {
      denominator *= samples / greatestCommonDivisor(denominator, samples);
      if (denominator > MAX_EXACT_STEPS) return undefined;
    }
  }
  const sums = new Map<string | number, number>();
  for (const [i, [a, b]] of pairs.entries()) {
    const unit = (b.correct * denominator) / b.samples - (a.correct * denominator) / a.samples;
    const flipped = clusterOf?.[i] ?? i;
    sums.set(flipped, (sums.get(flipped) ?? 0) + Math.round(unit));
  }
  const units = [...sums.values()].filter((unit) => unit !== 0);
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
