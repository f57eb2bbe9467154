/** @file Comparisons over several seeds of training, and over many rows of a table. Reads no files. */
import { UserError } from '../util/errors.js';
import { studentQuantile, twoSidedStudent } from './distributions.js';
import type { ProblemResult } from './estimators.js';
import { comparePaired, type PairedComparison, type PairedOptions } from './paired.js';

/** A difference over seeds; its interval and p-value are those of the cautious one of two ways to see it. */
export interface SeedComparison extends Pick<
  PairedComparison,
  'difference' | 'interval' | 'pValue' | 'problems' | 'clusters'
> {
  /** Each seed by itself, paired by problem. */
  seeds: PairedComparison[];
  /** Standard deviation of the seeds' differences; NaN for one seed. */
  seedDeviation: number;
  /**
   * What made the interval: the problems as a sample, each with the rate of all seeds together, or the seeds' differences as a
   * sample, by Student's t.
   */
  by: 'problems' | 'seeds';
}

/**
 * Compares two arms that were trained with the same seeds, paired by seed and problem. The error has two levels: other problems
 * would have given another difference, and so would other seeds. Each is looked at by itself (problems clustered over seeds, and the
 * t-interval with S − 1 degrees of freedom of the S seeds' differences), and the wider interval and the larger p-value are reported.
 * @param before one list of results a seed, of the same problems
 * @param after the other arm's, with the seeds in the same order
 * @throws UserError where the problems are not the same in all of them
 */
export function compareOverSeeds(
  before: readonly (readonly ProblemResult[])[],
  after: readonly (readonly ProblemResult[])[],
  options: PairedOptions = {},
): SeedComparison {
  if (before.length !== after.length || before.length === 0)
    throw new UserError(
      `A comparison over seeds needs the same seeds; there are ${before.length} and ${after.length}.`,
    );
  const seeds = before.map((results, i) => comparePaired(results, after[i]!, options));
  const pooled = comparePaired(pool(before), pool(after), options);
  const { difference, interval, pValue, problems, clusters: found } = pooled;
  const n = seeds.length;
  const seedDeviation = Math.sqrt(
    seeds.reduce((sum, seed) => sum + (seed.difference - difference) ** 2, 0) / (n - 1),
  );
  const error = seedDeviation / Math.sqrt(n);
  const half = n > 1 ? studentQuantile((1 + (options.level ?? 0.95)) / 2, n - 1) * error : 0;
  const both = {
    ...{ difference, seeds, seedDeviation, problems },
    ...(found !== undefined && { clusters: found }),
  };
  if (half <= (interval[1] - interval[0]) / 2 || Number.isNaN(interval[0]))
    return { ...both, interval, pValue, by: 'problems' };
  const ofSeeds = twoSidedStudent(difference / error, n - 1);
  return {
    ...both,
    interval: [difference - half, difference + half],
    pValue: Math.max(pValue, ofSeeds),
    by: 'seeds',
  };
}

/** The results of several seeds as those of more samples a problem. @throws UserError where their problems differ */
export function pool(seeds: readonly (readonly ProblemResult[])[]): ProblemResult[] {
  const [first, ...others] = seeds;
  const byId = others.map((results) => new Map(results.map((result) => [result.id, result])));
  return first!.map(({ id, correct, samples }) => {
    const same = byId.map((results) => {
      const found = results.get(id);
      if (!found) throw new UserError(`Problem ${id} was not evaluated with every seed.`);
      return found;
    });
    return {
      id,
      correct: same.reduce((sum, one) => sum + one.correct, correct),
      samples: same.reduce((sum, one) => sum + one.samples, samples),
    };
  });
}

/**
 * p-values of m comparisons, adjusted so that the chance of any false one among them stays below the level (Holm 1979, a simple
 * sequentially rejective procedure): the i-th smallest times m − i + 1, never below the one before it.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = pValues.slice();
  let least = 0;
  for (const [rank, i] of order.entries()) {
    least = Math.max(least, Math.min(1, (pValues.length - rank) * pValues[i]!));
    adjusted[i] = least;
  }
  return adjusted;
}
