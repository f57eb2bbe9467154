import { createHash } from 'node:crypto';
import type { ChatMessage } from '../text/template.js';
import { deriveSeed, Random } from '../util/random.js';
import type { TraceRow } from '../data/traceRows.js';
import type { Sides } from './rules.js';
import { inOrder, pairUp, type Order } from './selection.js';
import type { Ordered } from './spool.js';

export interface Trace {
  /** Which of the row's generations it is. */
  index: number;
  text: string;
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
  /** Absent where lengths are not filtered. */
  lengths?: PairLengths;
  /** The parts that are too long; none in a pair that may be written. */
  excess: (keyof PairLengths)[];
}

/** A row that has a right trace, with what may be written of it. */
export interface Candidate extends Ordered {
  originalIndex: number;
  source: string | null;
  uuid: string;
  prompt: ChatMessage[];
  /** The right trace for D_SFT. */
  right: Trace;
  pairs: Pair[];
  /** How many of the row's generations are right, and how many there are. */
  rightCount: number;
  total: number;
}

export interface CandidateOptions {
  chosen: Order;
  pairs: number | 'balanced';
  seed: number;
}

/**
 * The row's traces as chosen. Its place in the output is a hash of seed and `original_index`: the same in every run,
 * whatever other rows there are, and known before the last row is read.
 */
export function candidateOf(
  row: TraceRow,
  { right, wrong }: Sides,
  ordinal: number,
  { chosen: order, pairs, seed }: CandidateOptions,
): Candidate {
  const texts = row.generations!;
  const trace = (index: number): Trace => ({ index, text: texts[index]! });
  const random = new Random(deriveSeed(seed, 'chosen', row.originalIndex));
  const chosen = inOrder(right, texts, order, random);
  return {
    key: deriveSeed(seed, 'place', row.originalIndex),
    ordinal,
    originalIndex: row.originalIndex,
    source: row.source,
    uuid: uuidOf(row, seed),
    prompt: row.prompt ?? [{ role: 'user', content: row.problem! }],
    right: trace(chosen[0]!),
    pairs: pairUp(chosen, wrong, pairs).map(([a, b]) => ({
      chosen: trace(a),
      rejected: trace(b),
      excess: [],
    })),
    rightCount: right.length,
    total: texts.length,
  };
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
