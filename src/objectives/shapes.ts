/** @file The losses of one token that several objectives share, each with its derivative by the log-prob. */

import type { LossOf } from './responses.js';

/** −log p. */
export const negativeLog = (logp: number): LossOf => ({ loss: -logp, slope: -1 });

/** Below this, 1 − p counts as no less: the value of fairseq's unlikelihood loss. */
const REST = 1e-5;

/** −log max(1 − p, 1e-5), which has no gradient where 1 − p is less. */
export function negativeLogRest(logp: number): LossOf {
  const rest = -Math.expm1(logp);
  // Stryker disable next-line EqualityOperator: at the kink the slope of either side is one.
  return rest > REST
    ? { loss: -Math.log(rest), slope: Math.exp(logp) / rest }
    : { loss: -Math.log(REST), slope: 0 };
}

/** Beyond this, a log-ratio counts as no more, so that nothing overflows. */
const MOST_LOG_RATIO = 20;

/** −min(ρA, clip(ρ, 1 − low, 1 + high)·A) of a log-ratio, as PPO has it; the slope is by the log-ratio. */
export function clippedRatio(logRatio: number, advantage: number, low: number, high: number): LossOf {
  const ratio = Math.exp(Math.min(logRatio, MOST_LOG_RATIO));
  const held = Math.min(Math.max(ratio, 1 - low), 1 + high);
  const isFree = ratio * advantage <= held * advantage;
  return {
    loss: -(isFree ? ratio : held) * advantage,
    slope: isFree && logRatio < MOST_LOG_RATIO ? -ratio * advantage : 0,
  };
}

/** k3 = e^d − d − 1 with d = log reference − log p, which estimates KL(π ‖ reference) and is never negative. */
export function thirdEstimator(logp: number, reference: number): LossOf {
  const d = reference - logp;
  const ratio = Math.exp(Math.min(d, MOST_LOG_RATIO));
  return { loss: ratio - d - 1, slope: 1 - (d < MOST_LOG_RATIO ? ratio : 0) };
}
