import { UserError } from '../util/errors.js';

/** What a response is in its row: a side of a preference pair, or a message row's answer. */
export type Role = 'chosen' | 'rejected' | 'demonstration';

/** A response whose tokens are trained, or only scored. */
export interface SequenceInfo {
  role: Role;
  /** Index of its row in the optimizer step: a pair's two sides share it. */
  group: number;
  /** Response tokens, the end-of-turn token included; at least 1. */
  length: number;
}

/** Counts over a WHOLE optimizer step, whatever part of it is at hand; made by `countStep`. */
export interface StepCounts {
  /** Rows: pairs count once. */
  groups: number;
  /** Rows that have a rejected side. */
  pairs: number;
  /** Response tokens. */
  tokens: number;
  /** Those of rejected sides. */
  rejectedTokens: number;
}

/** Responses of an optimizer step, or of a part of it. */
export interface TokenBatch {
  sequences: readonly SequenceInfo[];
  normalizer: StepCounts;
}

/** Responses with their log-probs. The members of a group are together; groups of a step may be apart. */
export interface ScoredBatch extends TokenBatch {
  /** Natural log-probs, one array a sequence, one number a response token. */
  logps: readonly Float64Array[];
  /** The same under the reference model, where the objective needs it. */
  referenceLogps?: readonly Float64Array[];
}

/** Each is already divided by its count over the step, so that the metrics of a step's parts add up to the step's. */
export type Metrics = Record<string, number>;

export interface Evaluation {
  loss: number;
  /** dLoss/dlogp, in the shape of `logps`. */
  gradient: Float64Array[];
  metrics: Metrics;
}

/**
 * A pure function from the log-probs of a step's response tokens to a loss and its gradient. Losses are sums that are
 * already normalised by the step's counts: over the parts of a step, losses, gradients and metrics add up.
 */
export interface Objective {
  /** The name in recipes. */
  readonly name: string;
  /** The loss with this run's numbers, for people. */
  readonly formula: string;
  /** `messages`: one answer a row, where a preference row counts as its chosen side. `pairs`: preference rows only. */
  readonly data: 'messages' | 'pairs';
  /** `reference`: log-probs of a frozen model, scored before training. */
  readonly needs: { reference?: boolean };
  /** Needs both sides of each pair in one batch. */
  evaluate(batch: ScoredBatch): Evaluation;
  /**
   * The gradient, where it does not depend on the log-probs: the loss is then `linearLoss(weights, logps)`. The
   * sequences may be any subset of the step, also one side of a pair.
   */
  weights?(batch: TokenBatch): Float64Array[];
  /**
   * What `rewards/*` show for a response.
   * @param logpSum sum of its tokens' log-probs
   * @param referenceSum the same under the reference model, where the objective needs it
   */
  reward(sequence: SequenceInfo, logpSum: number, referenceSum?: number): number;
}

/** The counts of an optimizer step. @param sequences all of them */
export function countStep(sequences: readonly SequenceInfo[]): StepCounts {
  const counts: StepCounts = {
    groups: new Set(sequences.map(({ group }) => group)).size,
    pairs: 0,
    tokens: 0,
    rejectedTokens: 0,
  };
  for (const { role, length } of sequences) {
    counts.tokens += length;
    if (role === 'rejected') {
      counts.pairs++;
      counts.rejectedTokens += length;
    }
  }
  return counts;
}

/** Throws a UserError at the first row of a file that the objective cannot learn from. */
export function checkRows(
  { name, data }: Objective,
  rows: Iterable<{ kind: 'messages' | 'preference'; line: number }>,
  path: string,
): void {
  if (data === 'messages') return;
  for (const { kind, line } of rows) {
    if (kind === 'messages')
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
