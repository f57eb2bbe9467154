/** @file Makes objectives of the difference of a pair's rewards. */

import { sequenceMetrics } from './metrics.js';
import { spread, weightedSum, type Objective, type SequenceInfo } from './objective.js';
import { pairsOf } from './pairs.js';

/** The value and the derivative of a loss of one number. */
export interface MarginLoss {
  loss: number;
  slope: number;
}

export interface MarginTerms
  extends Pick<Objective, 'name' | 'formula' | 'needs'>, Required<Pick<Objective, 'reward'>> {
  /** Returns dreward/dS, which all tokens of a response share. */
  rewardSlope: (sequence: SequenceInfo, logpSum: number) => number;
  /** Returns the loss of a pair from the chosen side's reward minus the rejected side's. */
  lossOf: (margin: number) => MarginLoss;
}

/** Makes an objective that is the mean over pairs. */
export function marginObjective({ rewardSlope, lossOf, ...description }: MarginTerms): Objective {
  return {
    ...description,
    data: 'pairs',
    couples: 'group',
    evaluate: (batch) => {
      const { sequences, logps } = batch;
      const { pairs } = batch.step.counts;
      const sums = logps.map((row, i) => weightedSum(sequences[i]!, row));
      const rewardAt = (i: number) => description.reward(sequences[i]!, sums[i]!);
      const gradient: Float64Array[] = sequences.map(({ length }) => new Float64Array(length));
      let total = 0;
      for (const { chosen, rejected } of pairsOf(sequences)) {
        const { loss, slope } = lossOf(rewardAt(chosen) - rewardAt(rejected));
        total += loss / pairs;
        for (const [i, sign] of [
          [chosen, 1],
          [rejected, -1],
        ] as const)
          gradient[i] = spread(sequences[i]!, (sign * slope * rewardSlope(sequences[i]!, sums[i]!)) / pairs);
      }
      return { loss: total, gradient, metrics: sequenceMetrics(description, batch, sums) };
    },
  };
}

/** Returns −log σ(x), exact to rounding for every x: nothing overflows, and small values are kept. */
export function negativeLogSigmoid(x: number): MarginLoss {
  return { loss: Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x))), slope: -1 / (1 + Math.exp(x)) };
}
