/** @file Computes how much a comparison has to see: problems, samples and seeds for an effect, and the effect for those. */
import { normalQuantile, studentQuantile } from './distributions.js';

/** What a paired difference varies by. */
export interface DifferenceVariance {
  /** ω²: variance over problems of the difference of the two models' own chances. */
  between: number;
  /** σ²_A and σ²_B: mean variance of one sample of a problem. */
  within: readonly [before: number, after: number];
  /** σ²_seed: variance of the difference over seeds of training. Default: 0. */
  seed?: number;
}

export interface TestLevel {
  /** The chance of a difference where there is none, two-sided. */
  alpha: number;
  /** The chance of seeing the effect where it is there. */
  power: number;
}

const DEFAULT_LEVEL: TestLevel = { alpha: 0.05, power: 0.8 };

/**
 * How many standard errors an effect must be large: z_{1−α/2} + z_{power}, and with an error of few degrees of freedom the quantiles of
 * Student's t (Bloom 1995, Minimum detectable effects), which falls short of the power by 7 points for one degree, 3 for two.
 */
export const errorsNeeded = ({ alpha, power }: TestLevel = DEFAULT_LEVEL, degrees = Infinity): number =>
  degrees === Infinity
    ? normalQuantile(1 - alpha / 2) + normalQuantile(power)
    : studentQuantile(1 - alpha / 2, degrees) + studentQuantile(power, degrees);

/** The variance of the mean difference of `problems` problems, `samples` of each by every seed: σ²_seed/S + (ω² + (σ²_A + σ²_B)/(K S))/n. */
export function differenceVariance(
  { between, within, seed = 0 }: DifferenceVariance,
  { problems, samples, seeds = 1 }: { problems: number; samples: number; seeds?: number },
): number {
  return seed / seeds + (between + (within[0] + within[1]) / (samples * seeds)) / problems;
}

/**
 * The problems that are needed to see an effect, not rounded (Miller 2024, arXiv:2411.00640, section 5):
 * n = (z_{1−α/2} + z_{power})² (ω² + (σ²_A + σ²_B)/K) / δ², with σ²_seed/S taken off what δ² allows.
 * @param effect δ, a difference of shares
 * @returns Infinity where the seeds alone vary too much
 */
export function problemsNeeded(
  variance: DifferenceVariance,
  { effect, samples, seeds = 1, ...level }: { effect: number; samples: number; seeds?: number } & TestLevel,
): number {
  const left = (effect / errorsNeeded(level)) ** 2 - (variance.seed ?? 0) / seeds;
  return left <= 0
    ? Infinity
    : differenceVariance({ ...variance, seed: 0 }, { problems: 1, samples, seeds }) / left;
}

/**
 * The samples of each problem that are needed to see an effect, not rounded; `problemsNeeded` solved for K.
 * @returns Infinity where no number of samples is enough
 */
export function samplesNeeded(
  { between, within, seed = 0 }: DifferenceVariance,
  { effect, problems, seeds = 1, ...level }: { effect: number; problems: number; seeds?: number } & TestLevel,
): number {
  const left = ((effect / errorsNeeded(level)) ** 2 - seed / seeds) * problems - between;
  return left <= 0 ? Infinity : (within[0] + within[1]) / left / seeds;
}

/** The smallest true difference that a comparison with this standard error, of so many degrees of freedom, sees with the power. */
export const detectableEffect = (
  standardError: number,
  level: TestLevel = DEFAULT_LEVEL,
  degrees = Infinity,
): number => errorsNeeded(level, degrees) * standardError;

/** The seeds that are needed to see an effect, where each seed's difference has this standard deviation and there are more than one. */
export function seedsNeeded(deviation: number, { effect, ...level }: { effect: number } & TestLevel): number {
  const enough = (seeds: number) =>
    detectableEffect(deviation / Math.sqrt(seeds), level, seeds - 1) <= effect;
  // By the normal distribution from below: Student's t needs a few more.
  let seeds = Math.max(2, Math.ceil((detectableEffect(deviation, level) / effect) ** 2 - 1e-9));
  while (!enough(seeds)) seeds++;
  return seeds;
}

/** What each seed's difference varies by on the same problems: σ²_seed + (σ²_A + σ²_B)/(K n). */
export const seedVariance = (
  { within, seed = 0 }: DifferenceVariance,
  { problems, samples }: { problems: number; samples: number },
): number => seed + (within[0] + within[1]) / (samples * problems);

/**
 * The samples of all problems together that several seeds need, so that Student's t of their differences sees the effect.
 * @returns Infinity where the seeds alone vary too much
 */
export function responsesForSeeds(
  { within, seed = 0 }: DifferenceVariance,
  { effect, seeds, ...level }: { effect: number; seeds: number } & TestLevel,
): number {
  const left = seeds * (effect / errorsNeeded(level, seeds - 1)) ** 2 - seed;
  return left <= 0 ? Infinity : (within[0] + within[1]) / left;
}
