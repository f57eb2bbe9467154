/** @file Decodes without a cache: the slow and obvious way, which tests compare with. */
import { packSequences } from '../../src/models/pack.js';
import type { Transformer } from '../../src/models/transformer.js';
import { noGrad } from '../../src/torch/autograd.js';
import { toFloat64Array, toInt32Array } from '../../src/torch/data.js';
import * as ops from '../../src/torch/ops.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';

/** Does something with the logits after the last of these tokens, [1, vocab]; the whole sequence is computed for it. */
function withLogits<T>(model: Transformer, ids: readonly number[], body: (logits: Tensor) => T): T {
  return scope(() =>
    noGrad(() => {
      const pack = packSequences(model, [Int32Array.from(ids)]);
      const hidden = ops.narrow(model.hidden(pack.ids, pack.context), 0, ids.length - 1, 1);
      return body(ops.linear(hidden, model.head));
    }),
  );
}

/** Greedy decoding without a cache: the whole sequence again for every token. */
export function greedy(model: Transformer, ids: ArrayLike<number>, count: number): number[] {
  const all = Array.from(ids);
  for (let i = 0; i < count; i++) {
    all.push(withLogits(model, all, (logits) => toInt32Array(ops.argmax(logits, -1))[0]!));
  }
  return all.slice(ids.length);
}

/** The log-probs of all tokens as the next one. */
export const nextLogps = (model: Transformer, ids: readonly number[]): Float64Array =>
  withLogits(model, ids, (logits) => toFloat64Array(ops.logSoftmax(ops.toDtype(logits, 'f64'), -1)).slice());
