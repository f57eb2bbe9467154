/** @file Computes standard errors and intervals by name. What each takes for the sample differs, and so does what it covers. */
import { UserError } from '../util/errors.js';
import { betaQuantile, normalQuantile, studentQuantile } from './distributions.js';
import { estimate, meanOf, sumOfSquares } from './estimators.js';

export type Interval = [low: number, high: number];

/** The error of a mean of clusters of problems that resemble each other. */
export interface ClusteredError {
  /** Sandwich estimator without correction: n⁻¹ √(Σ_c (Σ_{i∈c} (x_i − x̄))²), known as CR0. */
  cr0: number;
  /** CR0 times √(G / (G − 1)), as Inspect AI has it; with single problems as clusters it is that of `estimate`. NaN for one cluster. */
  standardError: number;
  clusters: number;
}

/**
 * The standard error of a mean where problems come in clusters (Miller 2024, arXiv:2411.00640, section 2.2; the correction as in
 * `scorer/_metrics/std.py` of Inspect AI). Its interval is that of Student's t with G − 1 degrees of freedom.
 * @param values one a problem
 * @param clusters the cluster of each, in the same order
 */
export function clusteredError(values: readonly number[], clusters: readonly string[]): ClusteredError {
  const { mean, problems } = estimate(values);
  const sums = new Map<string, number>();
  for (const [i, cluster] of clusters.entries())
    sums.set(cluster, (sums.get(cluster) ?? 0) + values[i]! - mean);
  const cr0 = Math.sqrt(sumOfSquares([...sums.values()], 0)) / problems;
  return { cr0, standardError: cr0 * Math.sqrt(sums.size / (sums.size - 1)), clusters: sums.size };
}

/**
 * The error over runs, as the tables of REDI's paper (arXiv:2505.24850) have it: with P_j the mean over problems of their j-th sample, the standard
 * deviation of P_1 to P_K over √K. The problems are taken as given: it tells what other samples of the same problems would
 * give, and is no ground for a claim about other problems.
 * @param scores a row a problem, with the same number of samples each
 * @param ddof 0 as in the paper's code, or 1
 * @throws UserError where the numbers of samples differ
 */
export function runsError(scores: readonly (readonly number[])[], ddof: 0 | 1): number {
  const runs = scores[0]!.length;
  if (scores.some((row) => row.length !== runs))
    throw new UserError('An error over runs needs the same number of samples of every problem.');
  const means = Array.from({ length: runs }, (_, j) => meanOf(scores.map((row) => row[j]!)));
  return Math.sqrt(sumOfSquares(means, meanOf(means)) / (runs - ddof) / runs);
}

/** The unweighted mean over benchmarks and its error, √(Σ SE²) / m, as the "Avg." column of REDI's tables has it. */
export function averageOf(rows: readonly { mean: number; standardError: number }[]): {
  mean: number;
  standardError: number;
} {
  const errors = rows.map(({ standardError }) => standardError);
  return {
    mean: meanOf(rows.map(({ mean }) => mean)),
    standardError: Math.sqrt(sumOfSquares(errors, 0)) / rows.length,
  };
}

/** mean ± z · standard error, by the central limit theorem. It does not cover where n is small or shares are near 0 or 1. */
export function normalInterval(mean: number, standardError: number, level = 0.95): Interval {
  const half = normalQuantile((1 + level) / 2) * standardError;
  return [mean - half, mean + half];
}

/** mean ± t · standard error, Student's t with `degrees` of freedom. */
export function studentInterval(
  mean: number,
  standardError: number,
  degrees: number,
  level = 0.95,
): Interval {
  const half = studentQuantile((1 + level) / 2, degrees) * standardError;
  return [mean - half, mean + half];
}

/**
 * The interval of a share of which `n` were seen (Wilson 1927). Unlike ± 1.96 standard errors it says something where
 * all or none were right, or where there is one problem.
 */
export function wilsonInterval(share: number, n: number, level = 0.95): Interval {
  const z = normalQuantile((1 + level) / 2);
  const z2 = z ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = (z / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  // Exactly at the ends: there centre and half differ by rounding alone.
  return [share === 0 ? 0 : Math.max(0, centre - half), share === 1 ? 1 : Math.min(1, centre + half)];
}

/**
 * The equal-tailed credible interval of a share under a uniform prior: quantiles of Beta(1 + right, 1 + n − right) (Bowyer et al. 2025,
 * arXiv:2503.01747).
 */
export function betaInterval(share: number, n: number, level = 0.95): Interval {
  const [a, b] = [1 + share * n, 1 + (1 - share) * n];
  return [betaQuantile((1 - level) / 2, a, b), betaQuantile((1 + level) / 2, a, b)];
}

/** The exact interval of a share (Clopper and Pearson 1934): it covers at least as often as it says, and is wide. */
export function clopperPearsonInterval(share: number, n: number, level = 0.95): Interval {
  const [right, wrong] = [share * n, (1 - share) * n];
  return [
    right === 0 ? 0 : betaQuantile((1 - level) / 2, right, wrong + 1),
    wrong === 0 ? 1 : betaQuantile((1 + level) / 2, right + 1, wrong),
  ];
}
