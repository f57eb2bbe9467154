/** @file Finds tokens beside those of the responses that the head is read at. Knows nothing of losses. */
import type { ReadValues, TopK } from '../objectives/topK.js';
import type { TokenRow } from '../text/tokenRows.js';
import { indices } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { perRow, type Responses } from './responses.js';

/** Token ids in the places of the responses' tokens, a few or none for each: its entries. */
export interface Reads {
  /** The number of the first entry of each token, and last the number of all: one more than tokens. */
  starts: Uint32Array;
  /** The token of each entry, counted over all: i64[entries] */
  tokens: Tensor;
  /** Where each entry stands among the logits of all tokens, token · vocab + id: i64[entries] */
  at: Tensor;
}

/** dLoss/dlogp of each entry. */
export interface ReadGradient {
  reads: Reads;
  gradient: Float64Array;
}

/**
 * Puts columns of responses that are packed in this order one after the other.
 * @param columns of each response, or the number of its tokens where it has none
 */
export function locateReads(columns: readonly (TopK | number)[], vocab: number, device: string): Reads {
  const counts = columns.flatMap((column) => {
    if (typeof column === 'number') return Array<number>(column).fill(0);
    return Array.from(column.starts.subarray(1), (end, t) => end - column.starts[t]!);
  });
  const starts = new Uint32Array(counts.length + 1);
  counts.forEach((count, t) => {
    starts[t + 1] = starts[t]! + count;
  });
  const tokens = new Int32Array(starts.at(-1)!);
  counts.forEach((_, t) => tokens.fill(t, starts[t], starts[t + 1]));
  const ids = columns.flatMap((column) => (typeof column === 'number' ? [] : [...column.ids]));
  return scope(() => {
    const all = indices(tokens, device);
    // Their product may be larger than 32 bits hold.
    return { starts, tokens: all, at: ops.add(ops.mulScalar(all, vocab), indices(ids, device)) };
  });
}

/** The entries of some of the tokens, counted from the first of them, and the number of the first entry. */
export function readsOfChunk(
  { starts, tokens, at }: Reads,
  start: number,
  count: number,
  vocab: number,
): { tokens: Tensor; at: Tensor; first: number } {
  const first = starts[start]!;
  const entries = starts[start + count]! - first;
  const from = (all: Tensor, base: number) => ops.addScalar(ops.narrow(all, 0, first, entries), -base);
  return { first, tokens: from(tokens, start), at: from(at, start * vocab) };
}

/** Locates columns of rows that are packed in this order, by name. */
export function readsOfRows(
  rows: readonly TokenRow[],
  columns: readonly string[],
  { head, device }: { head: Tensor; device: string },
): Map<string, Reads> {
  const located = (name: string) =>
    locateReads(
      rows.map(({ ids, responseStart, topK }) => topK?.[name] ?? ids.length - responseStart),
      head.size(0),
      device,
    );
  return new Map(columns.map((name) => [name, located(name)]));
}

/** Log-probs of a response: those of its tokens, and of the columns that are read. */
export interface Reading {
  logps: Float64Array;
  reads: ReadValues;
}

/** A head that can be read at several ids of a token: `ChunkedHead`. */
interface ReadableHead {
  read(
    hidden: Tensor,
    targets: Tensor,
    reads: readonly Reads[],
  ): { logps: Float64Array; reads: Float64Array[] };
}

/** Reads the head at responses and their columns; one reading per row. */
export function readings(
  head: ReadableHead,
  final: Tensor,
  { lengths, targets }: Responses,
  reads: ReadonlyMap<string, Reads>,
): Reading[] {
  const found = head.read(final, targets, [...reads.values()]);
  const columns = Array.from(reads.keys(), (name, i) => ({
    name,
    values: perRow(found.reads[i]!, entriesOf(reads.get(name)!, lengths)),
  }));
  return perRow(found.logps, lengths).map((logps, row) => ({
    logps,
    reads: Object.fromEntries(columns.map(({ name, values }) => [name, values[row]!])),
  }));
}

/** Counts the entries of each row. */
function entriesOf({ starts }: Reads, lengths: readonly number[]): number[] {
  let token = 0;
  return lengths.map((length) => {
    const first = starts[token]!;
    return starts[(token += length)]! - first;
  });
}

/** Adds up what each token's own gradient and those of its entries are. */
export function sumsByToken(gradient: Float64Array, reads: readonly ReadGradient[]): Float64Array {
  const sums = gradient.slice();
  for (const {
    reads: { starts },
    gradient: own,
  } of reads)
    for (let t = 0; t < sums.length; t++)
      for (let entry = starts[t]!; entry < starts[t + 1]!; entry++) sums[t]! += own[entry]!;
  return sums;
}
