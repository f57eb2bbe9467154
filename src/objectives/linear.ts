/** @file Makes objectives that are linear in the log-probs, whose gradient is known before the forward pass. */

import { sequenceMetrics } from './metrics.js';
import {
  spread,
  weightedSum,
  weightOf,
  type Objective,
  type SequenceInfo,
  type Step,
  type StepCounts,
} from './objective.js';
import { sideMetrics } from './responses.js';

/**
 * Makes an objective that has one coefficient for all tokens of a response, times their weights. The loss is the inner
 * product of these and the log-probs.
 * @param coefficient dLoss/dlogp of each token of weight 1 of a response
 */
export function linearObjective(
  description: Pick<Objective, 'name' | 'formula' | 'data'> & Partial<Pick<Objective, 'needs'>>,
  coefficient: (sequence: SequenceInfo, counts: StepCounts, step: Step) => number,
): Objective & Required<Pick<Objective, 'weights' | 'reward'>> {
  const weights: Objective['weights'] = ({ sequences, step }) =>
    sequences.map((sequence) => spread(sequence, coefficient(sequence, step.counts, step)));
  const objective = {
    needs: {},
    couples: 'token' as const,
    ...description,
    reward: meanLogp,
    weights,
    evaluate: (batch: Parameters<Objective['evaluate']>[0]) => {
      const gradient = weights(batch);
      const sums = batch.logps.map((row, i) => weightedSum(batch.sequences[i]!, row));
      return {
        loss: linearLoss(gradient, batch.logps),
        gradient,
        metrics: objective.data === 'groups' ? sideMetrics(batch) : sequenceMetrics(objective, batch, sums),
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
