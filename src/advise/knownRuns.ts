/** @file Lists runs of REDI whose end is known, and compares a run with them by the sum of its learning rates. */
import { learningRate, type Schedule } from '../train/schedule.js';

/** A run of REDI with AdamW; α 1 is the symmetric objective. */
export interface KnownRun {
  readonly model: string;
  readonly alpha: number;
  readonly schedule: Schedule;
  /** The step at which log-probs of both sides began to fall sharply; absent where they did not. */
  readonly collapsedAt?: number;
  readonly source: string;
}

const paper = (alpha: number, peak: number, collapsedAt?: number): KnownRun => ({
  ...{ model: 'Qwen2.5-Math-1.5B', alpha, source: 'arXiv 2505.24850, Fig. 6 and 7' },
  schedule: { peak, totalSteps: 1661, warmupRatio: 0.1, decay: 'linear' },
  ...(collapsedAt !== undefined && { collapsedAt }),
});
const small = (peak: number, collapsedAt?: number): KnownRun => ({
  ...{ model: 'SmolLM2-135M', alpha: 0.8, source: 'docs/results.md, bench:collapse' },
  schedule: { peak, totalSteps: 56, warmupRatio: 0.1, decay: 'linear' },
  ...(collapsedAt !== undefined && { collapsedAt }),
});

/** Steps of 32 pairs in the paper, of 8 here. */
export const knownRuns: readonly KnownRun[] = [
  paper(1, 1e-6, 240),
  paper(1, 2e-7, 1250),
  paper(1, 1e-7),
  paper(0.8, 1e-6),
  paper(0.5, 2e-6),
  paper(0.5, 1e-6),
  paper(0.2, 1e-6),
  small(3e-5, 23),
  small(1e-5),
];

/**
 * Adds up the learning rates of a run's first steps. AdamW moves a weight by about its rate in a step, whatever the gradient's
 * size, so this bounds how far weights come; it is what the two collapses of the paper at α 1 have in common.
 */
export function sumOfRates(schedule: Schedule, steps: number): number {
  let sum = 0;
  for (let step = 0; step < steps; step++) sum += learningRate(step, schedule);
  return sum;
}

/** The sum of the learning rates of a known run: up to its collapse, or of all its steps. */
export const sumOfKnown = ({ schedule, collapsedAt = schedule.totalSteps }: KnownRun): number =>
  sumOfRates(schedule, collapsedAt);

/** What known runs say of a run. */
export interface Comparison {
  /** Runs that collapsed with no larger α after no larger a sum of rates. */
  collapsed: KnownRun[];
  /** Runs that did not, with no smaller α and no smaller a sum. */
  held: KnownRun[];
}

/** Compares a run with known ones. @param sum of its learning rates */
export const compareWithKnown = (alpha: number, sum: number): Comparison => ({
  collapsed: knownRuns.filter(
    (run) => run.collapsedAt !== undefined && run.alpha <= alpha && sumOfKnown(run) <= sum,
  ),
  held: knownRuns.filter(
    (run) => run.collapsedAt === undefined && run.alpha >= alpha && sumOfKnown(run) >= sum,
  ),
});
