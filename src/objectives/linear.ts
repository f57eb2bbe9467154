/** @file Makes objectives that are linear in the log-probs, whose gradient is known before the forward pass. */

import { sequenceMetrics } from './metrics.js';
import { sum, weightOf, type Objective, type SequenceInfo, type StepCounts } from './objective.js';

/**
 * Makes an objective that has one coefficient for all tokens of a response. The loss is the inner product of the
 * coefficients and the log-probs.
 * @param coefficient dLoss/dlogp of each token of a response
 */
export function linearObjective(
  description: Pick<Objective, 'name' | 'formula' | 'data'>,
  coefficient: (sequence: SequenceInfo, step: StepCounts) => number,
): Objective {
  const objective: Required<Objective> = {
    ...description,
    needs: {},
    reward: meanLogp,
    weights: ({ sequences, normalizer }) =>
      sequences.map((sequence) => new Float64Array(sequence.length).fill(coefficient(sequence, normalizer))),
    evaluate: (batch) => {
      const gradient = objective.weights(batch);
      return {
        loss: linearLoss(gradient, batch.logps),
        gradient,
        metrics: sequenceMetrics(objective, batch, batch.logps.map(sum)),
      };
    },
  };
  return objective;
}

/** Returns the loss of an objective with `weights` over any part of a step: Σ weight·logp. Parts add up. */
export function linearLoss(weights: readonly Float64Array[], logps: readonly Float64Array[]): number {
  let loss = 0;
  weights.forEach((row, i) => {
    const scores = logps[i]!;
    row.forEach((weight, t) => {
      // A token without weight has no part in the loss, even if its probability is 0.
      if (weight !== 0) loss += weight * scores[t]!;
    });
  });
  return loss;
}

/** Returns the length-normalised log-prob, the reward of objectives without a scale of their own. */
export function meanLogp(sequence: SequenceInfo, logpSum: number): number {
  return logpSum / weightOf(sequence);
}
