/** @file Holds what may be written of one row: its right trace, its pairs, and its place in the output. */
import { createHash } from 'node:crypto';
import type { TraceRow } from '../data/traceRow.js';
import type { RowMessage } from '../text/template.js';
import { deriveSeed } from '../util/random.js';
import type { Ordered } from './spool.js';
import type { Sides } from './verdictSources.js';

export interface Trace {
  /** Which of the row's generations it is. */
  index: number;
  text: string;
  /** Its message, where that is more than the text. */
  message?: RowMessage;
  /** Why it ended, where the row says so. */
  finishReason?: string;
}

/** Tokens of a pair's parts. */
export interface PairLengths {
  prompt: number;
  chosen: number;
  rejected: number;
}

export interface Pair {
  chosen: Trace;
  rejected: Trace;
  /** Tokens of both conversations, prompt included; absent where nobody asks for the shortest pairs. */
  tokens?: number;
  /** Absent where lengths are not filtered. */
  lengths?: PairLengths;
  /** The parts that are too long; none in a pair that may be written. */
  excess: (keyof PairLengths)[];
}

/** A row that has a right trace, with its number in the input. */
export interface JudgedRow {
  ordinal: number;
  row: TraceRow;
  sides: Sides;
}

/** A row with what may be written of it. */
export interface CandidateRow extends Ordered {
  originalIndex: number;
  source: string | null;
  uuid: string;
  prompt: RowMessage[];
  /** The row's columns for the chat template. */
  columns?: Record<string, unknown>;
  /** The right trace for D_SFT. */
  right: Trace;
  /** Whether the row has a wrong trace. */
  hasWrong: boolean;
  pairs: Pair[];
  /** How many of the row's generations are right, and how many there are. */
  rightCount: number;
  total: number;
}

/** The messages before the answer. */
export function promptOf({ prompt, problem }: TraceRow): RowMessage[] {
  return prompt ?? [{ role: 'user', content: problem! }];
}

/** The message of one of a row's generations. */
export function responseOf({ generations, messages }: TraceRow, index: number): RowMessage {
  return messages?.[index] ?? { role: 'assistant', content: generations![index]! };
}

/** One of a row's generations, to be written. */
export function traceOf({ generations, messages, finishReasons }: TraceRow, index: number): Trace {
  const [message, finishReason] = [messages?.[index], finishReasons?.[index]];
  return {
    index,
    text: generations![index]!,
    ...(message && { message }),
    ...(finishReason && { finishReason }),
  };
}

/**
 * Makes the candidate of a row. Its place in the output is a hash of seed and `original_index`: the same in every run,
 * whatever other rows there are, and known before the last row is read.
 */
export function candidateRow(
  { row, ordinal, sides }: JudgedRow,
  right: Trace,
  hasWrong: boolean,
  pairs: Pair[],
  seed: number,
): CandidateRow {
  return {
    key: deriveSeed(seed, 'place', row.originalIndex),
    ordinal,
    originalIndex: row.originalIndex,
    source: row.source,
    uuid: uuidOf(row, seed),
    prompt: promptOf(row),
    ...(row.columns && { columns: row.columns }),
    right,
    hasWrong,
    pairs,
    rightCount: sides.right.length,
    total: row.generations!.length,
  };
}

export function isTooLong({ excess }: Pair): boolean {
  return excess.length > 0;
}

/** The row's own `uuid`, else one of version 4's form made from seed and `original_index`. */
function uuidOf({ fields, originalIndex }: TraceRow, seed: number): string {
  if (typeof fields.uuid === 'string' && fields.uuid !== '') return fields.uuid;
  const bytes = createHash('sha256')
    .update(JSON.stringify([seed, 'uuid', originalIndex]))
    .digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
