import { describe, expect, it } from 'vitest';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { noGrad } from '../torch/autograd.js';
import { indices, toFloat32Array } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { liveTensors, scope } from '../torch/tensor.js';
import { loadModel } from './checkpoint.js';
import { ChunkedHead } from './head.js';
import { packSequences } from './pack.js';
import type { Transformer } from './transformer.js';

/** [tokens · vocab] of every sequence of one pack. */
function logits(model: Transformer, sequences: readonly Int32Array[]): Float32Array {
  return scope(() =>
    noGrad(() => {
      const { ids, context } = packSequences(model, sequences);
      return toFloat32Array(ops.linear(model.hidden(ids, context), model.head));
    }),
  );
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a).toHaveLength(b.length);
  let result = 0;
  for (let i = 0; i < a.length; i++) result = Math.max(result, Math.abs(a[i]! - b[i]!));
  return result;
};

describe.each(familyNames)('%s', (name) => {
  const sequences = expectedSequences(name);

  it("has transformers' logits, alone and in a pack", () => {
    const before = liveTensors();
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    for (const { ids, logits: expected } of sequences) {
      expect(worst(logits(model, [ids]), expected)).toBeLessThan(1e-4);
    }
    const packed = logits(
      model,
      sequences.map(({ ids }) => ids),
    );
    const joined = sequences.flatMap(({ logits }) => [...logits]);
    expect(worst(packed, joined)).toBeLessThan(1e-4);
    model[Symbol.dispose]();
    expect(liveTensors()).toBe(before);
  });

  it("has transformers' log-probs through the chunked head, whatever the chunk", () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    for (const { ids, logps } of sequences) {
      for (const rows of [1, 5, 1000]) {
        using head = new ChunkedHead(model.head, rows);
        const found = scope(() =>
          noGrad(() => {
            const pack = packSequences(model, [ids]);
            const hidden = ops.narrow(model.hidden(pack.ids, pack.context), 0, 0, ids.length - 1);
            return head.logps(hidden, indices(ids.subarray(1)));
          }),
        );
        expect(worst(found, logps)).toBeLessThan(1e-4);
      }
    }
  });
});
