/** @file Says what an objective is, what it sees and what it returns. Knows no particular objective. */

import { UserError } from '../util/errors.js';

/** The part that a response plays in its row: a side of a preference pair, or a message row's only response. */
export type Role = 'chosen' | 'rejected' | 'demonstration';

/** A response whose tokens are trained, or only scored. */
export interface SequenceInfo {
  role: Role;
  /** The index of its row in the optimizer step; the two sides of a pair share it. */
  group: number;
  /** The number of its tokens, the end-of-turn token included; at least 1. */
  length: number;
  /** Σ|w| over its tokens, where they have weights: what a mean over it is divided by. Default: `length`. */
  weight?: number;
}

/** What a mean over a response's tokens is divided by. */
export const weightOf = ({ length, weight = length }: SequenceInfo): number => weight;

/** Counts over a WHOLE optimizer step, whatever part of it a batch holds; `countStep` makes them. */
export interface StepCounts {
  /** Rows; a pair counts once. */
  groups: number;
  /** Rows that have a rejected side. */
  pairs: number;
  /** Response tokens, each as often as its weight says. */
  tokens: number;
  /** Response tokens of rejected sides. */
  rejectedTokens: number;
}

/** Responses of an optimizer step, or of a part of it. */
export interface TokenBatch {
  sequences: readonly SequenceInfo[];
  normalizer: StepCounts;
}

/** Responses with their log-probs. A batch holds whole groups, but not always all groups of the step. */
export interface ScoredBatch extends TokenBatch {
  /** Natural log-probs: an array per sequence, a number per response token. */
  logps: readonly Float64Array[];
  /** The same under the reference model, if the objective needs them token by token. */
  referenceLogps?: readonly Float64Array[];
  /** The sum over each sequence under the reference model, if that is what the objective needs. */
  referenceSums?: readonly number[];
}

/** Metrics by name, each divided by its count over the whole step, so that those of a step's parts add up. */
export type Metrics = Record<string, number>;

export interface Evaluation {
  loss: number;
  /** dLoss/dlogp, in the shape of `logps`. */
  gradient: Float64Array[];
  metrics: Metrics;
}

/**
 * An objective is a pure function from the log-probs of a step's response tokens to a loss and its gradient. Losses are
 * sums that are already normalised by the step's counts: over the parts of a step, losses, gradients and metrics add
 * up.
 */
export interface Objective {
  /** The name in recipes. */
  readonly name: string;
  /** The loss with this run's numbers, for people. */
  readonly formula: string;
  /** `messages`: one response a row; a preference row counts as its chosen side. `pairs`: preference rows only. */
  readonly data: 'messages' | 'pairs';
  /** `reference`: log-probs under a frozen model, scored before training; `sums` where those of whole responses are enough. */
  readonly needs: { reference?: boolean | 'sums' };
  /** Computes the loss and its gradient. Both sides of each pair must be in the batch. */
  evaluate(batch: ScoredBatch): Evaluation;
  /**
   * Computes the gradient, if it does not depend on the log-probs: the loss is then `linearLoss(weights, logps)`. The
   * sequences may be any subset of the step, including one side of a pair.
   */
  weights?(batch: TokenBatch): Float64Array[];
  /**
   * Computes what `rewards/*` show for a response.
   * @param logpSum sum of its tokens' log-probs
   * @param referenceSum the same under the reference model, if the objective needs it
   */
  reward(sequence: SequenceInfo, logpSum: number, referenceSum?: number): number;
}

/** Counts an optimizer step. @param sequences all of its sequences */
export function countStep(sequences: readonly SequenceInfo[]): StepCounts {
  const counts: StepCounts = {
    groups: new Set(sequences.map(({ group }) => group)).size,
    pairs: 0,
    tokens: 0,
    rejectedTokens: 0,
  };
  for (const sequence of sequences) {
    counts.tokens += weightOf(sequence);
    if (sequence.role === 'rejected') {
      counts.pairs++;
      counts.rejectedTokens += weightOf(sequence);
    }
  }
  return counts;
}

/** What an objective asks of a row: whether it has a pair of responses. */
export type RowKind =
  | { kind: 'messages' | 'preference'; line: number }
  | { kind: 'group'; line: number; sequences: readonly unknown[] };

/** Refuses a file with a row that the objective cannot learn from. @throws UserError naming the first */
export function checkRows({ name, data }: Objective, rows: Iterable<RowKind>, path: string): void {
  if (data === 'messages') return;
  for (const row of rows) {
    const { kind, line } = row;
    if (kind === 'messages' || (kind === 'group' && row.sequences.length === 1))
      throw new UserError(
        `${path}, line ${line}: objective ${name} compares a chosen with a rejected response and this row has a single one; give rows with prompt, chosen and rejected, or train with objective sft.`,
      );
  }
}

export function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
