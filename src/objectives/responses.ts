/** @file Makes objectives of single responses: what one adds to the loss depends on no other's log-probs. */

import {
  tokenWeight,
  weightedSum,
  weightOf,
  type Metrics,
  type Objective,
  type ScoredBatch,
  type SequenceInfo,
  type Step,
} from './objective.js';
import type { ReadValues } from './topK.js';

/** What a response adds to the loss of the step, and the derivative by its log-probs. */
export interface ResponsePart {
  loss: number;
  gradient: Float64Array;
  /** By the log-probs of the columns of token ids that are read. */
  readGradient?: ReadValues;
  remember?: number;
}

/** The value and the derivative of a loss of one number. */
export interface LossOf {
  loss: number;
  slope: number;
}

/**
 * Makes an objective whose loss is a sum over responses.
 * @param begin what is the same for all responses of a step; returns what each adds
 */
export function responseObjective(
  description: Pick<Objective, 'name' | 'formula' | 'data' | 'needs' | 'couples'>,
  begin: (step: Step) => (sequence: SequenceInfo, logps: Float64Array, reads: ReadValues) => ResponsePart,
): Objective {
  return {
    ...description,
    evaluate: (batch) => {
      const partOf = begin(batch.step);
      const parts = batch.sequences.map((sequence, i) =>
        partOf(sequence, batch.logps[i]!, batch.reads?.[i] ?? {}),
      );
      const remembers = parts.some(({ remember }) => remember !== undefined);
      return {
        loss: parts.reduce((total, { loss }) => total + loss, 0),
        gradient: parts.map(({ gradient }) => gradient),
        ...(batch.reads && { readGradient: parts.map(({ readGradient = {} }) => readGradient) }),
        metrics: sideMetrics(batch),
        ...(remembers && { remember: parts.map(({ remember }) => remember!) }),
      };
    },
  };
}

/**
 * Adds up a loss of each token of a response, times its weight and `scale`. Tokens of weight 0 are not looked at.
 * @param lossOf the loss of a token from its log-prob and its place
 */
export function overTokens(
  sequence: SequenceInfo,
  logps: Float64Array,
  scale: number,
  lossOf: (logp: number, token: number) => LossOf,
): ResponsePart {
  let total = 0;
  const gradient = logps.map((logp, t) => {
    const weight = scale * tokenWeight(sequence, t);
    if (weight === 0) return 0;
    const { loss, slope } = lossOf(logp, t);
    total += weight * loss;
    return weight * slope;
  });
  return { loss: total, gradient };
}

/** The part of a response in a mean: 1/Σ of all tokens, or 1/N of its own and 1/number of responses. */
export function shareIn(
  sequences: readonly SequenceInfo[],
  mean: 'token' | 'sequence',
): (sequence: SequenceInfo) => number {
  if (mean === 'sequence') return (sequence) => 1 / (weightOf(sequence) * sequences.length);
  const tokens = sequences.reduce((total, sequence) => total + weightOf(sequence), 0);
  return () => 1 / tokens;
}

/** Whether a response is one to learn: by its reward, else by the side of the pair that it is. */
export function isRight({ role, scalars }: SequenceInfo): boolean {
  return scalars?.reward === undefined ? role !== 'rejected' : scalars.reward > 0;
}

/** The mean log-probs of right and of wrong responses, under the names of a pair's sides; none where there is one kind only. */
export function sideMetrics({ sequences, logps, step }: ScoredBatch): Metrics {
  const right = step.sequences.filter(isRight).length;
  const counts = { chosen: right, rejected: step.sequences.length - right };
  if (counts.chosen === 0 || counts.rejected === 0) return {};
  const metrics: Metrics = {
    'logps/chosen': 0,
    'logps/rejected': 0,
    'logps/chosen_per_token': 0,
    'logps/rejected_per_token': 0,
  };
  sequences.forEach((sequence, i) => {
    const side = isRight(sequence) ? 'chosen' : 'rejected';
    const total = weightedSum(sequence, logps[i]!);
    metrics[`logps/${side}`]! += total / counts[side];
    metrics[`logps/${side}_per_token`]! += total / weightOf(sequence) / counts[side];
  });
  return metrics;
}
