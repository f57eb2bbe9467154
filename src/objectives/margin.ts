/** @file Makes objectives of the difference of a pair's rewards. */

import { sequenceMetrics } from './metrics.js';
import { sum, type Objective, type SequenceInfo } from './objective.js';
import { pairsOf } from './pairs.js';

/** The value and the derivative of a loss of one number. */
export interface MarginLoss {
  loss: number;
  slope: number;
}

export interface MarginTerms extends Pick<Objective, 'name' | 'formula' | 'needs' | 'reward'> {
  /** Returns dreward/dlogp, which all tokens of a response share. */
  rewardSlope: (sequence: SequenceInfo) => number;
  /** Returns the loss of a pair from the chosen side's reward minus the rejected side's. */
  lossOf: (margin: number) => MarginLoss;
}

/** Makes an objective that is the mean over pairs. */
export function marginObjective({ rewardSlope, lossOf, ...description }: MarginTerms): Objective {
  const objective: Objective = {
    ...description,
    data: 'pairs',
    evaluate: (batch) => {
      const { sequences, normalizer, logps, referenceLogps } = batch;
      const { referenceSums = referenceLogps?.map(sum) } = batch;
      if (description.needs.reference && !referenceSums)
        throw new Error(`objective ${description.name} needs the reference model's log-probs`);
      const sums = logps.map(sum);
      const rewards = sequences.map((sequence, i) =>
        objective.reward(sequence, sums[i]!, referenceSums?.[i]),
      );
      const gradient = sequences.map(({ length }) => new Float64Array(length));
      let total = 0;
      for (const { chosen, rejected } of pairsOf(sequences)) {
        const { loss, slope } = lossOf(rewards[chosen]! - rewards[rejected]!);
        total += loss / normalizer.pairs;
        gradient[chosen]!.fill((slope * rewardSlope(sequences[chosen]!)) / normalizer.pairs);
        gradient[rejected]!.fill((-slope * rewardSlope(sequences[rejected]!)) / normalizer.pairs);
      }
      return { loss: total, gradient, metrics: sequenceMetrics(objective, batch, sums, referenceSums) };
    },
  };
  return objective;
}

/** Returns −log σ(x), exact to rounding for every x: nothing overflows, and small values are kept. */
export function negativeLogSigmoid(x: number): MarginLoss {
  const small = Math.exp(-Math.abs(x));
  return {
    loss: Math.max(-x, 0) + Math.log1p(small),
    slope: -(x > 0 ? small : 1) / (1 + small),
  };
}
