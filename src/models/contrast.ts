/** @file Contrasts two models: what one expects more than the other. Composed of libtorch's operations, a chunk at a time. */
import type { TokenRow } from '../text/tokenRows.js';
import { noGrad } from '../torch/autograd.js';
import { toFloat64Array } from '../torch/data.js';
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
  [model, against]: readonly [Transformer, Transformer],
  strength: number,
): Float64Array[] {
  return scope(() =>
    noGrad(() => {
      const { positions, targets, lengths } = locateResponses(rows, model.device);
      const ids = rows.map((row) => row.ids);
      const states = [model, against].map((each) => {
        const pack = packSequences(each, ids);
        return each.finalNorm(ops.indexSelect(each.stream(pack.ids, pack.context), 0, positions));
      });
      const count = targets.size(0);
      const probabilities = new Float64Array(count);
      const step = Math.max(1, Math.floor(CHUNK_BYTES / 4 / model.head.size(0)));
      for (let start = 0; start < count; start += step) {
        const length = Math.min(step, count - start);
        probabilities.set(
          scope(() => {
            const [own, other] = [model, against].map(({ head }, i) =>
              logits(ops.narrow(states[i]!, 0, start, length), head),
            ) as [Tensor, Tensor];
            const mixed = ops.sub(ops.mulScalar(own, 1 + strength), ops.mulScalar(other, strength));
            const column = ops.unsqueeze(ops.narrow(targets, 0, start, length), 1);
            return toFloat64Array(ops.gather(ops.softmax(mixed, -1), 1, column));
          }),
          start,
        );
      }
      return perRow(probabilities, lengths);
    }),
  );
}

/** The logits of states, wide. @returns f32[tokens, vocab], f64 of an f64 model */
function logits(states: Tensor, head: Tensor): Tensor {
  const narrow = ops.linear(states, head);
  return ops.toDtype(narrow, narrow.dtype === 'f64' ? 'f64' : 'f32');
}
