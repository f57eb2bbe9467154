/**
 * @file Looks at whole distributions where responses are predicted: the likeliest tokens, and what one model expects more than
 * another. Composed of libtorch's operations, a chunk of tokens at a time.
 */
import type { TokenRow } from '../text/tokenRows.js';
import { noGrad } from '../torch/autograd.js';
import { indices, toFloat64Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { packSequences } from './pack.js';
import { locateResponses, perRow } from './responses.js';
import type { Transformer } from './transformer.js';

/** Bytes of the logits of one model at a time. */
const CHUNK_BYTES = 2 ** 25;

/**
 * Computes for each response token its probability s = softmax((1 + b)·z_p − b·z_q)[y] under the contrast of two models (cDPO, arXiv
 * 2411.19943). Its normaliser runs over the vocabulary of both, so it cannot be had from stored log-probs.
 * @param strength b, at least 0
 * @returns one array per row
 */
export function contrastOf(
  rows: readonly TokenRow[],
  models: readonly [Transformer, Transformer],
  strength: number,
): Float64Array[] {
  return overChunks(rows, models, 1, ([own, other], targets) => {
    const mixed = ops.sub(ops.mulScalar(own!, 1 + strength), ops.mulScalar(other!, strength));
    return ops.gather(ops.softmax(mixed, -1), 1, ops.unsqueeze(targets, 1));
  });
}

/**
 * Computes for each response token the ids of the k likeliest tokens in its place, most likely first, and their natural log-probs
 * after the whole softmax.
 * @returns one array per row: for each token k ids, then k log-probs
 */
export function likeliest(rows: readonly TokenRow[], model: Transformer, k: number): Float64Array[] {
  return overChunks(rows, [model], 2 * k, ([logits]) => {
    const [logps, ids] = ops.topk(ops.logSoftmax(logits!, -1), k, -1);
    return ops.cat([ops.toDtype(ids, 'f64'), ops.toDtype(logps, 'f64')], 1);
  });
}

/** What is expected in the place of a token: its own natural log-prob and rank, and the likeliest ones. */
export interface Place {
  logp: number;
  /** From 1: one more than there are tokens that are likelier. */
  rank: number;
  /** Most likely first, `k` each. */
  ids: number[];
  logps: number[];
}

/** Computes for each response token its log-prob and rank after the whole softmax, and the k likeliest tokens in its place. */
export function rankedPlaces(rows: readonly TokenRow[], model: Transformer, k: number): Place[][] {
  const width = 2 + 2 * k;
  const found = overChunks(rows, [model], width, ([logits], targets) => {
    const all = ops.logSoftmax(logits!, -1);
    const own = ops.gather(all, 1, ops.unsqueeze(targets, 1));
    const above = ops.sumDim(ops.gtScalar(ops.sub(all, own), 0), [-1], true);
    const columns = [own, ops.addScalar(above, 1), ...(k > 0 ? ops.topk(all, k, -1).toReversed() : [])];
    return ops.cat(
      columns.map((column) => ops.toDtype(column, 'f64')),
      1,
    );
  });
  return found.map((numbers) =>
    Array.from({ length: numbers.length / width }, (_, t) => {
      const [logp, rank, ...rest] = numbers.subarray(t * width, (t + 1) * width);
      return { logp: logp!, rank: rank!, ids: rest.slice(0, k), logps: rest.slice(k) };
    }),
  );
}

/**
 * Computes for each response token the natural log-probs of some tokens in its place, after the whole softmax.
 * @param named their ids
 * @returns one array per row: for each token a log-prob of each, in their order
 */
export function namedLogps(
  rows: readonly TokenRow[],
  model: Transformer,
  named: readonly number[],
): Float64Array[] {
  using ids = indices(Int32Array.from(named), model.device);
  return overChunks(rows, [model], named.length, ([logits]) =>
    ops.indexSelect(ops.logSoftmax(logits!, -1), 1, ids),
  );
}

/**
 * Runs the rows as one pack, and gives the logits that predict responses a chunk at a time.
 * @param width numbers of a token
 * @param use gets [tokens, vocab] of each model and the tokens i64[tokens] of the chunk, and returns [tokens, width]
 */
function overChunks(
  rows: readonly TokenRow[],
  models: readonly Transformer[],
  width: number,
  use: (logits: readonly Tensor[], targets: Tensor) => Tensor,
): Float64Array[] {
  return scope(() =>
    noGrad(() => {
      const { positions, targets, lengths } = locateResponses(rows, models[0]!.device);
      const ids = rows.map((row) => row.ids);
      const states = models.map((model) => {
        const pack = packSequences(model, ids);
        return model.finalNorm(ops.indexSelect(model.stream(pack.ids, pack.context), 0, positions));
      });
      const count = targets.size(0);
      const numbers = new Float64Array(count * width);
      const step = Math.max(1, Math.floor(CHUNK_BYTES / 4 / models[0]!.head.size(0)));
      for (let start = 0; start < count; start += step) {
        const length = Math.min(step, count - start);
        const part = (all: Tensor) => ops.narrow(all, 0, start, length);
        const found = scope(() => {
          const logits = models.map(({ head }, i) => wide(ops.linear(part(states[i]!), head)));
          return toFloat64Array(use(logits, part(targets)));
        });
        numbers.set(found, start * width);
      }
      return perRow(
        numbers,
        lengths.map((length) => length * width),
      );
    }),
  );
}

/** float32, of float64 that. */
const wide = (logits: Tensor): Tensor => ops.toDtype(logits, logits.dtype === 'f64' ? 'f64' : 'f32');
