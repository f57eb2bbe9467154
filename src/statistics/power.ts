/** @file Computes how much a comparison has to see: problems, samples and seeds for an effect, and the effect for those. */
import { normalQuantile } from './distributions.js';

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

/** (z_{1−α/2} + z_{power}): how many standard errors an effect must be large. */
export const errorsNeeded = ({ alpha, power }: TestLevel = DEFAULT_LEVEL): number =>
  normalQuantile(1 - alpha / 2) + normalQuantile(power);

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

/** The smallest true difference that a comparison with this standard error sees with the power. */
export const detectableEffect = (standardError: number, level: TestLevel = DEFAULT_LEVEL): number =>
  errorsNeeded(level) * standardError;
