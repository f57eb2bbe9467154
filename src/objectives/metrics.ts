/** @file Computes the metrics of a step's pairs, under TRL's names. */

import { pairsOf } from './pairs.js';
import { weightOf, type Metrics, type Objective, type TokenBatch } from './objective.js';

/**
 * Computes `rewards/*`, `logps/chosen` and `logps/rejected` (sums over a response), and both per token; each is the
 * mean over the pairs of the whole step. The same function serves `evaluate` and steps that went through `weights`, in
 * which the sides of a pair may come from different packs: call it once, when every sequence of the step has been
 * scored.
 * @param logpSums sum of each sequence's log-probs
 * @param referenceSums the same under the reference model, if the objective needs it
 * @returns no metrics for a step without pairs
 */
export function sequenceMetrics(
  objective: Pick<Objective, 'reward'>,
  { sequences, normalizer: { pairs } }: TokenBatch,
  logpSums: readonly number[],
  referenceSums?: readonly number[],
): Metrics {
  if (pairs === 0) return {};
  const metrics = {
    'rewards/chosen': 0,
    'rewards/rejected': 0,
    'rewards/accuracies': 0,
    'rewards/margins': 0,
    'logps/chosen': 0,
    'logps/rejected': 0,
    'logps/chosen_per_token': 0,
    'logps/rejected_per_token': 0,
  };
  const reward = (i: number) => objective.reward(sequences[i]!, logpSums[i]!, referenceSums?.[i]);
  for (const { chosen, rejected } of pairsOf(sequences)) {
    const [better, worse] = [reward(chosen), reward(rejected)];
    metrics['rewards/chosen'] += better / pairs;
    metrics['rewards/rejected'] += worse / pairs;
    metrics['rewards/accuracies'] += Number(better > worse) / pairs;
    metrics['rewards/margins'] += (better - worse) / pairs;
    metrics['logps/chosen'] += logpSums[chosen]! / pairs;
    metrics['logps/rejected'] += logpSums[rejected]! / pairs;
    metrics['logps/chosen_per_token'] += logpSums[chosen]! / weightOf(sequences[chosen]!) / pairs;
    metrics['logps/rejected_per_token'] += logpSums[rejected]! / weightOf(sequences[rejected]!) / pairs;
  }
  return metrics;
}
