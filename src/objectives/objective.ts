/** @file Says what an objective is, what it sees and what it returns. Knows no particular objective. */

import { UserError } from '../util/errors.js';
import type { ReadValues, TopK } from './topK.js';

/**
 * The part that a response plays in its row: `chosen` and `rejected` are the sides of a preference pair, `demonstration`
 * is a message row's only response. A row of sequences may name others, such as `sample`.
 */
export type Role = string;

/**
 * What a column has a number for: each response, each of its tokens, or each of its segments, counted from 0. Columns of token ids
 * are read: those of `top-k` have log-probs and an id for every token that is trained, those of `named` an id somewhere.
 */
export type ColumnShape = 'sequence' | 'token' | 'segment' | 'top-k' | 'named';

/** A response whose tokens are trained, or only scored: all that is known of it before the forward pass. */
export interface SequenceInfo {
  role: Role;
  /** The index of its row in the optimizer step; the two sides of a pair share it. */
  group: number;
  /** The number of its tokens, the end-of-turn token included; at least 1. */
  length: number;
  /** A name that it keeps over the epochs, by which `Memory` knows it. */
  id?: string;
  /** How much each token counts, with its sign; absent where all count 1. */
  tokenWeights?: Float64Array;
  /** Σ|w| over its tokens, where they have weights: what a mean over it is divided by. Default: `length`. */
  weight?: number;
  /** The segment of each token; absent where all are in segment 0. */
  segments?: Uint8Array;
  /** Its columns of shape `sequence`, by name. */
  scalars?: Readonly<Record<string, number>>;
  /** Its columns of shape `token` and `segment`, by name. */
  columns?: Readonly<Record<string, Float64Array>>;
  /** Its columns of token ids, by name. */
  topK?: Readonly<Record<string, TopK>>;
}

/** N, what a mean over a response's tokens is divided by: Σ|w|. */
export const weightOf = ({ length, weight = length }: SequenceInfo): number => weight;

/** How much a token of a response counts. */
export const tokenWeight = ({ tokenWeights }: SequenceInfo, token: number): number =>
  tokenWeights ? tokenWeights[token]! : 1;

/** S, a sum over a response's tokens: Σ w·value. A token of weight 0 has no part in it, whatever its value. */
export function weightedSum({ tokenWeights }: SequenceInfo, values: Float64Array): number {
  if (!tokenWeights) return sum(values);
  let total = 0;
  values.forEach((value, i) => {
    if (tokenWeights[i] !== 0) total += tokenWeights[i]! * value;
  });
  return total;
}

/** The derivative by each token's log-prob of what has this derivative by S. */
export function spread({ length, tokenWeights }: SequenceInfo, slope: number): Float64Array {
  return tokenWeights ? tokenWeights.map((weight) => slope * weight) : new Float64Array(length).fill(slope);
}

/** A response's number in a column of shape `sequence`. @throws Error where it has none */
export function scalarOf({ scalars }: SequenceInfo, name: string): number {
  const value = scalars?.[name];
  if (value === undefined) throw new Error(`a response has no "${name}", which the objective needs`);
  return value;
}

/** A response's numbers in a column of shape `token` or `segment`. @throws Error where it has none */
export function columnOf({ columns }: SequenceInfo, name: string): Float64Array {
  const values = columns?.[name];
  if (!values) throw new Error(`a response has no column "${name}", which the objective needs`);
  return values;
}

/** A response's column of token ids. @throws Error where it has none */
export function topKColumn({ topK }: SequenceInfo, name: string): TopK {
  const column = topK?.[name];
  if (!column) throw new Error(`a response has no column "${name}", which the objective needs`);
  return column;
}

/** Gives a response its reference: token by token as a column, and Σ w·log p as a number. */
export function withReference<T extends SequenceInfo>(sequence: T, reference: Float64Array): T {
  return {
    ...sequence,
    scalars: { ...sequence.scalars, reference: weightedSum(sequence, reference) },
    columns: { ...sequence.columns, reference },
  };
}

/** Names the columns of token ids that an objective has the model read at. */
export const readColumns = ({ needs }: Pick<Objective, 'needs'>): string[] =>
  Object.keys(needs).filter((name) => needs[name] === 'top-k' || needs[name] === 'named');

/** One of several objectives that are added up, by what it sees of a row. */
export interface TermView {
  /** For people. */
  readonly name: string;
  /** It compares the sides of pairs. */
  readonly ofPairs: boolean;
  sees(sequence: SequenceInfo): boolean;
}

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

/** Where a run stands before a step. */
export interface Clock {
  /** Steps before it, and those of the whole run. */
  step: number;
  steps: number;
  /** Passes over the data before it, parts of one included. */
  epoch: number;
  /** The gradient's norm in the step before it; absent in the first. */
  gradNorm?: number;
}

/** What an objective remembers, by the ids of responses: what `Evaluation.remember` gave when a step last had them. */
export type Memory = ReadonlyMap<string, number>;

/** All that is known of an optimizer step before its forward pass; `stepOf` makes it. */
export interface Step {
  /** All responses that it trains. */
  sequences: readonly SequenceInfo[];
  counts: StepCounts;
  clock: Clock;
  memory: Memory;
}

/** Responses of an optimizer step, or of a part of it. */
export interface TokenBatch {
  sequences: readonly SequenceInfo[];
  step: Step;
}

/** Responses with their log-probs: what an objective `couples` is together in a batch, which may be a part of the step. */
export interface ScoredBatch extends TokenBatch {
  /** Natural log-probs: an array per sequence, a number per response token. */
  logps: readonly Float64Array[];
  /** For each sequence natural log-probs of the entries of the columns of token ids that the objective needs. */
  reads?: readonly ReadValues[];
  /** The responses of `mismatched` rows, which are scored and not trained: all those of the step. */
  mismatched?: readonly { sequence: SequenceInfo; logps: Float64Array }[];
}

/** Metrics by name, each divided by its count over the whole step, so that those of a step's parts add up. */
export type Metrics = Record<string, number>;

export interface Evaluation {
  loss: number;
  /** dLoss/dlogp, in the shape of `logps`. */
  gradient: Float64Array[];
  /** dLoss/dlogp in the shape of `reads`; a column that is left out has none. */
  readGradient?: readonly ReadValues[];
  metrics: Metrics;
  /** What is to be remembered of each sequence until a step has it again. */
  remember?: readonly number[];
}

/**
 * An objective is a pure function from the log-probs of a step's response tokens to a loss and its gradient. Losses are
 * sums that are already normalised by the step's counts: over the parts of a step, losses, gradients and metrics add
 * up. Where tokens have weights, S = Σ w·log p and N = Σ|w| (`weightedSum`, `weightOf`, `spread`).
 */
export interface Objective {
  /** The name in recipes. */
  readonly name: string;
  /** The loss with this run's numbers, for people. */
  readonly formula: string;
  /**
   * `messages`: one response a row; a preference row counts as its chosen side. `pairs`: preference rows only. `groups`:
   * every response of every row.
   */
  readonly data: 'messages' | 'pairs' | 'groups';
  /**
   * Columns by name, with their shapes; a row that lacks one is refused. `reference`, log-probs under a frozen model, is
   * scored before training (of shape `sequence`: Σ w·log p); the sides of pairs have the `reward` 1 and −1 where the row
   * does not say; all others are in the rows.
   */
  readonly needs: Readonly<Record<string, ColumnShape>>;
  /** The columns that a response of a role needs, where other roles need others. */
  needsOf?(role: Role): Objective['needs'];
  /**
   * What a token's gradient depends on besides itself: the rest of its response, of its row (default), or of the whole
   * step. What is coupled is in one batch of `evaluate`. Rows and steps that are larger than a pack are scored first and
   * go forward a second time with the gradient, so no coupling takes more memory than a pack.
   */
  readonly couples?: 'token' | 'sequence' | 'group' | 'step';
  /** What it is the sum of; a row of which one sees only a side of a pair is refused, and data of which one sees nothing. */
  readonly terms?: readonly TermView[];
  /** Each row also brings the response of the row after it under its own prompt, which is scored and not trained. */
  readonly mismatched?: boolean;
  /** Computes the loss and its gradient. */
  evaluate(batch: ScoredBatch): Evaluation;
  /**
   * Computes the gradient, if it does not depend on the log-probs: the loss is then `linearLoss(weights, logps)`. The
   * sequences may be any subset of the step, including one side of a pair.
   */
  weights?(batch: TokenBatch): Float64Array[];
  /** Computes what `rewards/*` show for a side of a pair. @param logpSum Σ w·log p of its tokens */
  reward?(sequence: SequenceInfo, logpSum: number): number;
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

/** What surrounds a step. */
export type StepPlace = Pick<Step, 'clock' | 'memory'>;

/** A place outside of any run, with which losses of different times can be compared. */
const NOWHERE: StepPlace = { clock: { step: 0, steps: 1, epoch: 0 }, memory: new Map() };

/** Describes an optimizer step. @param sequences all that it trains */
export const stepOf = (sequences: readonly SequenceInfo[], { clock, memory }: StepPlace = NOWHERE): Step => ({
  sequences,
  counts: countStep(sequences),
  clock,
  memory,
});

/** What an objective asks of a row: whether it has a pair of responses. */
export type RowKind =
  | { kind: 'messages' | 'preference'; line: number }
  | { kind: 'group'; line: number; sequences: readonly { role: Role }[] };

/** Refuses a file with a row that the objective cannot learn from. @throws UserError naming the first */
export function checkRows({ name, data }: Objective, rows: Iterable<RowKind>, path: string): void {
  if (data !== 'pairs') return;
  for (const row of rows) {
    if (row.kind === 'preference') continue;
    const roles = row.kind === 'group' ? row.sequences.map(({ role }) => role) : ['demonstration'];
    const count = (role: Role) => roles.filter((other) => other === role).length;
    const fault = `${path}, line ${row.line}: objective ${name} compares a chosen with a rejected response`;
    if (roles.length === 1)
      throw new UserError(
        `${fault} and this row has a single one; give rows with prompt, chosen and rejected, or train with objective sft.`,
      );
    if (count('chosen') !== 1 || count('rejected') !== 1)
      throw new UserError(
        `${fault}, and the sequences of this row are ${roles.join(', ')}; give one of each.`,
      );
  }
}

/** A response of a row with the columns that came with it. */
export interface ColumnHolder {
  readonly role: Role;
  readonly scalars?: Readonly<Record<string, number>> | undefined;
  readonly columns?: Readonly<Record<string, Float64Array>>;
  readonly segments?: Uint8Array;
  readonly topK?: Readonly<Record<string, TopK>>;
  /** How much each token is trained; absent where all count 1. */
  readonly tokenWeights?: Float64Array | undefined;
}

/** Numbers of a response that are shares. */
const SHARES: ReadonlySet<string> = new Set(['pass_rate']);

/** Names the column that a response lacks of those that an objective needs and rows bring, or tells how it is wrong. */
export function columnFault(
  { name: objective, ...asked }: Pick<Objective, 'name' | 'needs' | 'needsOf'>,
  holder: ColumnHolder,
  length: number,
): string | undefined {
  const { role, scalars, columns, segments } = holder;
  const needs = asked.needsOf?.(role) ?? asked.needs;
  for (const [name, shape] of Object.entries(needs)) {
    if (name === 'reference') continue;
    if (shape === 'top-k' || shape === 'named') {
      const fault = topKFault(name, shape, holder);
      if (fault !== undefined) return `objective ${objective} needs ${fault}`;
      continue;
    }
    if (shape === 'sequence') {
      const value = scalars?.[name];
      if (value === undefined)
        return `objective ${objective} needs a number "${name}" of each response, in "scalars"`;
      if (SHARES.has(name) && !(value >= 0 && value <= 1))
        return `"${name}" in "scalars" is a share, from 0 to 1, and not ${value}`;
      continue;
    }
    const values = columns?.[name];
    const [count, each] =
      shape === 'token'
        ? [length, 'token']
        : [(segments?.reduce((a, b) => Math.max(a, b), 0) ?? 0) + 1, 'segment'];
    if (values?.length !== count)
      return `objective ${objective} needs a column "${name}" with a number for each of the response's ${count} ${each}s${values ? `, and it has ${values.length}` : ', in "columns"'}`;
  }
  return undefined;
}

/** Tells what a column of token ids lacks. */
function topKFault(
  name: string,
  shape: 'top-k' | 'named',
  { topK, tokenWeights }: ColumnHolder,
): string | undefined {
  const column = topK?.[name];
  if (!column)
    return shape === 'named'
      ? `a column "${name}" that names tokens, {"segment", "tokens"}, in "columns"`
      : `a column "${name}" with token ids and their log-probs, {"ids", "logps"}, in "columns"`;
  if (shape === 'named') return undefined;
  if (!column.logps) return `log-probs of the tokens that "${name}" names, in its "logps"`;
  const bare = column.starts.findIndex(
    (start, t) => start === column.starts[t + 1] && tokenWeights?.[t] !== 0,
  );
  return bare === -1
    ? undefined
    : `ids in "${name}" for every token that is trained, and token ${bare} of the response, counted from 0, has none`;
}

export function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
