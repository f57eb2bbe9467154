/** @file Estimates what a model can do from samples: pass@1, pass@k, G-Pass@k, majority, and where the variance comes from. */
import { UserError } from '../util/errors.js';
import { deriveSeed, Random } from '../util/random.js';
import { hypergeometric } from './distributions.js';

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

/**
 * The share of right answers. Samples of one problem are not independent, so the error is clustered by problem:
 * the standard deviation of the per-problem rates over the square root of their number.
 */
export function passAt1(results: readonly ProblemResult[]): Estimate {
  return passAtK(results, 1);
}

/**
 * The unbiased estimate of the chance that one of k samples is right (Chen et al. 2021, arXiv:2107.03374):
 * per problem 1 − C(n−c, k) / C(n, k), averaged over problems.
 * @throws UserError where a problem has fewer than k samples
 */
export function passAtK(results: readonly ProblemResult[], k: number): Estimate {
  return estimate(ofEach(results, k, 'pass', ({ samples, correct }) => passAtKOfOne(samples, correct, k)));
}

/**
 * The unbiased estimate of the chance that at least τk of k samples are right (Liu et al. 2024, arXiv:2412.13147):
 * per problem Σ_{j ≥ ⌈τk⌉} C(c, j) C(n−c, k−j) / C(n, k), averaged over problems.
 * @param threshold τ in (0, 1]
 * @throws UserError where a problem has fewer than k samples
 */
export function gPassAtK(results: readonly ProblemResult[], k: number, threshold: number): Estimate {
  if (!(threshold > 0 && threshold <= 1))
    throw new UserError(`G-Pass@k needs a threshold above 0 and at most 1, not ${threshold}.`);
  const needed = Math.ceil(threshold * k - 1e-9); // 0.1 · 30 is a little more than 3 in binary
  return estimate(
    ofEach(results, k, 'G-Pass', ({ samples, correct }) =>
      hypergeometric(samples, correct, k).reduce((sum, chance, j) => (j >= needed ? sum + chance : sum), 0),
    ),
  );
}

/**
 * mG-Pass@k of the same paper, the mean of G-Pass@k over thresholds from ½ to 1:
 * (2/k) Σ_{i = ⌈k/2⌉+1}^{k} G-Pass@k_{i/k} = (2/k) E[(X − ⌈k/2⌉)₊], averaged over problems.
 * @throws UserError where a problem has fewer than k samples
 */
export function meanGPassAtK(results: readonly ProblemResult[], k: number): Estimate {
  const half = Math.ceil(k / 2);
  return estimate(
    ofEach(
      results,
      k,
      'mG-Pass',
      ({ samples, correct }) =>
        (2 / k) *
        hypergeometric(samples, correct, k).reduce((sum, p, j) => sum + p * Math.max(0, j - half), 0),
    ),
  );
}

/** The samples of one problem: the answer found in each (null where there is none), and whether it is right. */
export interface AnsweredProblem {
  id: string;
  answers: readonly (string | null)[];
  right: readonly boolean[];
}

export interface MajorityEstimate extends Estimate {
  /** Standard error of `mean` from having drawn subsets; 0 where every subset was counted. */
  monteCarloError: number;
}

export interface MajorityOptions {
  /** Whether two wrong answers of different texts are the same one. Default: none are. */
  same?: (one: string, other: string) => boolean;
  /** Subsets a problem, where there are more. Default: 1000. */
  draws?: number;
  /** Of the subsets drawn, which depend on it, on the problem's id and on k alone. Default: 0. */
  seed?: number;
}

/**
 * The chance that the most frequent answer among k samples is right (maj@k, cons@k): a U-statistic, the mean over subsets of k of the
 * samples; all subsets are counted where they are few enough, else so many are drawn without replacement. Answers that
 * are right count as one, since they equal the gold, and wrong ones are merged by `same`. A tie counts as its right
 * share, 1 / (number tied). Samples without an answer do not vote; without any vote the problem is wrong.
 * @throws UserError where a problem has fewer than k samples
 */
export function majorityAtK(
  problems: readonly AnsweredProblem[],
  k: number,
  { same = () => false, draws = 1000, seed = 0 }: MajorityOptions = {},
): MajorityEstimate {
  let variance = 0;
  const means = problems.map(({ id, answers, right }) => {
    requireSamples({ id, samples: answers.length }, k, 'maj');
    const votes = votesOf(answers, right, same);
    const all = subsetsUpTo(votes.length, k, draws);
    const random = new Random(deriveSeed(seed, 'majority', id, k));
    const subsets = all ?? Array.from({ length: draws }, () => drawSubset(votes.length, k, random));
    const values = subsets.map((subset) => plurality(subset.map((i) => votes[i]!)));
    const mean = meanOf(values);
    if (!all) variance += sumOfSquares(values, mean) / (draws - 1) / draws;
    return mean;
  });
  return { ...estimate(means), monteCarloError: Math.sqrt(variance) / problems.length };
}

/** What each sample votes for: 0 is the right answer, further numbers are wrong ones; NaN for no vote. */
function votesOf(
  answers: readonly (string | null)[],
  right: readonly boolean[],
  same: (one: string, other: string) => boolean,
): number[] {
  const wrong: string[] = [];
  return answers.map((answer, i) => {
    if (right[i]) return 0;
    if (answer === null) return NaN;
    let place = wrong.indexOf(answer);
    if (place < 0) place = wrong.findIndex((other) => same(other, answer));
    return 1 + (place < 0 ? wrong.push(answer) - 1 : place);
  });
}

/** The share of the right answer among the most frequent ones. */
function plurality(votes: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const vote of votes) if (!Number.isNaN(vote)) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  const most = Math.max(...counts.values());
  if (counts.get(0) !== most) return 0;
  return 1 / [...counts.values()].filter((count) => count === most).length;
}

/** Every subset of k of n, or undefined where there are more than `limit`. */
function subsetsUpTo(n: number, k: number, limit: number): number[][] | undefined {
  let number = 1;
  for (let i = 1; i <= k; i++) {
    number = (number * (n - k + i)) / i;
    if (number > limit) return undefined;
  }
  const subsets: number[][] = [];
  const extend = (chosen: number[], from: number) => {
    if (chosen.length === k) subsets.push(chosen);
    else for (let i = from; i <= n - (k - chosen.length); i++) extend([...chosen, i], i + 1);
  };
  extend([], 0);
  return subsets;
}

/** k of n, each subset equally likely: the beginning of a shuffle (Fisher–Yates). */
function drawSubset(n: number, k: number, random: Random): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < k; i++) {
    const j = i + random.nextInt(n - i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order.slice(0, k);
}

/** Where the variance of rates comes from; Var(mean) = (between + within / K) / n. */
export interface VarianceComponents {
  /** ω̂²: of the problems' own chances. It may come out below 0, since it is unbiased. */
  between: number;
  /** σ̂²: of one sample of a problem; NaN where a problem has a single one. */
  within: number;
}

/**
 * Splits the variance of per-problem rates (Miller 2024, arXiv:2411.00640, section 3): σ̂² is the mean over problems of
 * Σ_k (s_ik − q_i)² / (K − 1), and ω̂² what it leaves of the variance of the rates, S²_q − σ̂²/K. Where problems have different
 * numbers of samples, σ̂²/K is the mean of each one's own.
 */
export function varianceComponents(results: readonly ProblemResult[]): VarianceComponents {
  const { within, ofRates } = samplingVariance(results);
  return { between: varianceOf(results.map(({ correct, samples }) => correct / samples)) - ofRates, within };
}

/** The mean variance of one sample of a problem, and the mean variance that it leaves in the problems' rates. */
export function samplingVariance(results: readonly ProblemResult[]): { within: number; ofRates: number } {
  const own = results.map(
    ({ correct, samples }) => (correct * (samples - correct)) / samples / (samples - 1),
  );
  return { within: meanOf(own), ofRates: meanOf(own.map((variance, i) => variance / results[i]!.samples)) };
}

/** Σ (x − x̄)² / (n − 1). */
export const varianceOf = (values: readonly number[]): number =>
  sumOfSquares(values, meanOf(values)) / (values.length - 1);

/** The mean of per-problem values with its standard error, √(Σ (x − x̄)² / (n (n − 1))). @throws UserError for none */
export function estimate(values: readonly number[]): Estimate {
  const problems = values.length;
  if (problems === 0) throw new UserError('There are no problems to evaluate.');
  const mean = meanOf(values);
  return { mean, standardError: Math.sqrt(sumOfSquares(values, mean) / (problems - 1) / problems), problems };
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Σ (x − mean)². */
export const sumOfSquares = (values: readonly number[], mean: number): number =>
  values.reduce((sum, value) => sum + (value - mean) ** 2, 0);

/** @throws UserError for counts that cannot be */
export function checkResult({ id, correct, samples }: ProblemResult): void {
  const whole = Number.isInteger(correct) && Number.isInteger(samples);
  if (!whole || samples < 1 || correct < 0 || correct > samples) {
    throw new UserError(`Problem ${id} has ${correct} right of ${samples} samples, which cannot be.`);
  }
}

function ofEach(
  results: readonly ProblemResult[],
  k: number,
  what: string,
  value: (result: ProblemResult) => number,
): number[] {
  return results.map((result) => {
    checkResult(result);
    requireSamples(result, k, what);
    return value(result);
  });
}

function requireSamples({ id, samples }: { id: string; samples: number }, k: number, what: string): void {
  if (!Number.isInteger(k) || k < 1)
    throw new UserError(`${what}@k needs a whole k of at least 1, not ${k}.`);
  if (samples < k) throw new UserError(`${what}@${k} needs ${k} samples a problem; ${id} has ${samples}.`);
}

function passAtKOfOne(samples: number, correct: number, k: number): number {
  // C(n−c, k) / C(n, k) as a product of c factors below 1: no factorial overflows. One of them is 0 where n − c < k.
  let allWrong = 1;
  for (let i = samples - correct + 1; i <= samples; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}
