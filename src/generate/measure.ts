/** @file Measures tokens in the places where they come: log-probs, entropies, the likeliest ones. */
import { indices, toFloat64Array, toInt32Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { tokenLogps } from './sampling.js';
import type { Measured, Sequence, TopTokens } from './sequence.js';

/**
 * Measures the next token of each sequence that is read.
 * @param logits [sequences, vocab], before any bias
 * @param tokens the next of each
 */
export function measure(
  logits: Tensor,
  sequences: readonly Sequence[],
  tokens: ArrayLike<number>,
): (Measured | undefined)[] {
  const read = sequences.flatMap(({ isRead }, row) => (isRead ? [row] : []));
  const measured = Array<Measured | undefined>(sequences.length).fill(undefined);
  if (read.length === 0) return measured;
  scope(() => {
    const rows = rowsOf(logits, read);
    const own = Int32Array.from(read, (row) => tokens[row]!);
    const logps = tokenLogps(rows, own);
    const needsAll = read.some((row) => sequences[row]!.needsDistribution);
    const all = needsAll ? logSoftmax(rows) : undefined;
    const entropies = all && entropiesOf(all);
    const most = Math.max(...read.map((row) => sequences[row]!.keep.top ?? 0));
    const top = all && likeliest(all, most);
    if (top) agree(top, logps, gathered(all, own));
    read.forEach((row, i) => {
      const { keep } = sequences[row]!;
      measured[row] = {
        logp: logps[i]!,
        entropy: entropies?.[i] ?? NaN,
        ...(keep.top !== undefined && top && { top: firstOf(top, i, keep.top) }),
      };
    });
  });
  return measured;
}

/** The log-probs of some tokens as the next one of a row. @param logits [1, vocab] */
export function readLogps(logits: Tensor, tokens: readonly number[]): number[] {
  return scope(() => {
    const all = logSoftmax(logits);
    return [...toFloat64Array(ops.gather(all, -1, ops.unsqueeze(indices(tokens, logits.device), 0)))];
  });
}

/** Some rows of a tensor, itself where they are all. */
export const rowsOf = (tensor: Tensor, rows: readonly number[]): Tensor =>
  rows.length === tensor.size(0) ? tensor : ops.indexSelect(tensor, 0, indices(rows, tensor.device));

const logSoftmax = (logits: Tensor): Tensor =>
  ops.logSoftmax(logits.dtype === 'f64' ? logits : ops.toDtype(logits, 'f32'), -1);

/** −Σ p log p of each row, in which what is impossible counts nothing. */
function entropiesOf(logps: Tensor): Float64Array {
  const finite = ops.maskedFill(logps, ops.ltScalar(logps, -1e30), 0);
  return toFloat64Array(ops.neg(ops.sumDim(ops.mul(ops.softmax(logps, -1), finite), [-1])));
}

const gathered = (logps: Tensor, ids: Int32Array): Float64Array =>
  toFloat64Array(ops.gather(logps, -1, ops.unsqueeze(indices(ids, logps.device), 1)));

/**
 * Makes the likeliest tokens' log-probs those that have one normaliser with the rows' own, which is summed otherwise: a token that is
 * among them has there what it has by itself.
 * @param own of a token of each row
 * @param others of the same tokens, as those of the likeliest were computed
 */
function agree({ logps, count }: Likeliest, own: Float64Array, others: Float64Array): void {
  for (let i = 0; i < logps.length; i++) {
    const row = Math.floor(i / count);
    const difference = own[row]! - others[row]!;
    if (Number.isFinite(difference)) logps[i]! += difference;
  }
}

interface Likeliest {
  ids: Int32Array;
  logps: Float64Array;
  /** Tokens a row. */
  count: number;
}

function likeliest(logps: Tensor, wanted: number): Likeliest | undefined {
  if (wanted === 0) return undefined;
  const count = Math.min(wanted, logps.size(1));
  const [values, ids] = ops.topk(logps, count, -1, true, true);
  return { ids: toInt32Array(ids), logps: toFloat64Array(values), count };
}

function firstOf({ ids, logps, count }: Likeliest, row: number, wanted: number): TopTokens {
  const [from, to] = [row * count, row * count + Math.min(wanted, count)];
  return { ids: ids.slice(from, to), logps: logps.slice(from, to) };
}
