/** @file Computes the metrics of a step's pairs, under TRL's names. */

import { pairsOf } from './pairs.js';
import { weightOf, type Metrics, type Objective, type TokenBatch } from './objective.js';

/**
 * Computes `rewards/*`, `logps/chosen` and `logps/rejected` (Σ w·log p of a response), and both per token; each is the
 * mean over the pairs of the whole step. The same function serves `evaluate` and steps that went through `weights`, in
 * which the sides of a pair may come from different packs: call it once, when every sequence of the step has been
 * scored.
 * @param logpSums Σ w·log p of each sequence
 * @returns no metrics for a step without pairs
 */
export function sequenceMetrics(
  { reward }: Pick<Objective, 'reward'>,
  { sequences, step }: TokenBatch,
  logpSums: readonly number[],
): Metrics {
  const { pairs } = step.counts;
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
  const rewardAt = (i: number) => reward!(sequences[i]!, logpSums[i]!);
  for (const { chosen, rejected } of pairsOf(sequences)) {
    const [better, worse] = [rewardAt(chosen), rewardAt(rejected)];
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
