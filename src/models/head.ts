import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import { scope, type Tensor } from '../torch/tensor.js';

/**
 * Logits of one chunk at most, in elements: 2²⁶ is 256 MB in float32. A chunk has at least 16 rows whatever the
 * vocabulary. On a GPU larger chunks make the weight gradient cheaper (it is read and written once a chunk).
 */
const chunkElements = { cpu: 2 ** 25, accelerator: 2 ** 29 };

/** Rows of [tokens, hidden] that the head works on at a time. */
export function headChunkRows(head: Tensor): number {
  const limit = head.device === 'cpu' ? chunkElements.cpu : chunkElements.accelerator;
  return Math.max(16, Math.floor(limit / head.size(0)));
}

/** Log-probs of `targets` and, in float32, the logits they come from: what both passes over a chunk begin with. */
function chunkLogps(hidden: Tensor, head: Tensor, targets: Tensor) {
  const wide = hidden.dtype === 'f64' ? 'f64' : 'f32';
  const logits = ops.toDtype(ops.linear(hidden, head), wide);
  const normaliser = ops.logsumexp(logits, [-1], true);
  const logps = ops.sub(ops.gather(logits, -1, targets), normaliser);
  return { logits, normaliser, logps };
}

/**
 * Log-probabilities (natural) of `targets` under softmax(hidden · headᵀ), chunk by chunk: the full logits never exist.
 * @param hidden [tokens, hidden] after the final norm
 * @param targets i64[tokens]
 * @returns one a token, in float32 precision or better
 */
export function headLogps(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  rows = headChunkRows(head),
): Float64Array {
  const total = hidden.size(0);
  const result = new Float64Array(total);
  noGrad(() => {
    for (let start = 0; start < total; start += rows) {
      const count = Math.min(rows, total - start);
      scope(() => {
        const { logps } = chunkLogps(
          ops.narrow(hidden, 0, start, count),
          head,
          ops.unsqueeze(ops.narrow(targets, 0, start, count), 1),
        );
        result.set(toFloat64Array(logps), start);
      });
    }
  });
  return result;
}

/**
 * Signed token-weighted cross-entropy, forward and backward in one pass over the chunks:
 * with g_t = dLoss/dlogp_t, dLoss/dlogits_t = g_t (onehot − softmax).
 * @param weights g, one a token; of either sign
 * @param headGrad [vocab, hidden], f32 (f64 for a f64 model): dLoss/dhead is added to it
 * @returns the log-probs and dLoss/dhidden in the dtype of `hidden`
 */
export function headBackward(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  weights: Float64Array,
  headGrad: Tensor,
  rows = headChunkRows(head),
): { logps: Float64Array; hiddenGrad: Tensor } {
  const total = hidden.size(0);
  const logps = new Float64Array(total);
  const hiddenGrad = noGrad(() =>
    scope(() => {
      const result = ops.emptyLike(hidden);
      for (let start = 0; start < total; start += rows) {
        const count = Math.min(rows, total - start);
        scope(() => {
          const h = ops.narrow(hidden, 0, start, count);
          const target = ops.unsqueeze(ops.narrow(targets, 0, start, count), 1);
          const chunk = chunkLogps(h, head, target);
          logps.set(toFloat64Array(chunk.logps), start);
          const { logits } = chunk;
          const g = ops.toDevice(
            fromArray(weights.slice(start, start + count), [count, 1]),
            hidden.device,
            logits.dtype,
          );
          // In place over the logits: softmax, times −g, plus g at the target.
          ops.exp_(ops.sub_(logits, chunk.normaliser));
          ops.mul_(logits, ops.neg(g));
          ops.scatterAdd_(logits, -1, target, g);
          const logitsGrad = ops.toDtype(logits, hidden.dtype);
          ops.copy_(ops.narrow(result, 0, start, count), ops.mm(logitsGrad, head));
          if (logitsGrad.dtype === headGrad.dtype) ops.addmm_(headGrad, ops.t(logitsGrad), h);
          else ops.add_(headGrad, ops.mm(ops.t(logitsGrad), h));
        });
      }
      return result;
    }),
  );
  return { logps, hiddenGrad };
}
