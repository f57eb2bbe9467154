import { describe, expect, it } from 'vitest';
import { expectedSequences, familyDir, familyNames } from '../../test/support/families.js';
import { liveTensors } from '../torch/tensor.js';
import { loadModel } from './checkpoint.js';
import { contrastOf, likeliest, namedLogps, rankedPlaces } from './distributions.js';

/** Prompts of this many tokens; the rest of a sequence is the response. */
const START = 5;

/** The log-softmax of each response token's place, in float64. */
function logSoftmax(
  logits: (place: number, id: number) => number,
  length: number,
  vocab: number,
): number[][] {
  return Array.from({ length: length - START }, (_, t) => {
    const own = Array.from({ length: vocab }, (_, id) => logits(START + t - 1, id));
    const total = Math.log(own.reduce((sum, logit) => sum + Math.exp(logit), 0));
    return own.map((logit) => logit - total);
  });
}

describe.each(familyNames)("by transformers' logits of %s", (name) => {
  const sequences = expectedSequences(name);
  const rows = sequences.map(({ ids }) => ({ ids, responseStart: START }));
  const vocab = sequences[0]!.logits.length / sequences[0]!.ids.length;
  const expected = sequences.map(({ ids, logits }) =>
    logSoftmax((place, id) => logits[place * vocab + id]!, ids.length, vocab),
  );
  const close = (found: ArrayLike<number>, values: readonly number[]) => {
    expect(found).toHaveLength(values.length);
    values.forEach((value, i) => {
      expect(Math.abs(found[i]! - value)).toBeLessThan(1e-4);
    });
  };

  it('named tokens have the log-probs of the whole softmax, in the order of the names', () => {
    const before = liveTensors();
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    for (const named of [[7], [100, 0, vocab - 1], [...Array(vocab).keys()]]) {
      const found = namedLogps(rows, model, named);
      found.forEach((values, row) => {
        close(
          values,
          expected[row]!.flatMap((place) => named.map((id) => place[id]!)),
        );
      });
    }
    model[Symbol.dispose]();
    expect(liveTensors()).toBe(before);
  });

  it('the likeliest tokens have the largest log-probs', () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const k = 4;
    likeliest(rows, model, k).forEach((values, row) => {
      expected[row]!.forEach((place, t) => {
        const [ids, logps] = [0, k].map((from) => [
          ...values.subarray(2 * k * t + from, 2 * k * t + from + k),
        ]);
        close(logps!, [...place].sort((a, b) => b - a).slice(0, k));
        close(
          logps!,
          ids!.map((id) => place[id]!),
        );
        expect(new Set(ids).size).toBe(k);
      });
    });
  });

  it('a token has the rank that it has among all', () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    for (const k of [0, 3])
      rankedPlaces(rows, model, k).forEach((places, row) => {
        expect(places).toHaveLength(expected[row]!.length);
        places.forEach(({ logp, rank, ids, logps }, t) => {
          const all = expected[row]![t]!;
          const own = all[sequences[row]!.ids[START + t]!]!;
          close([logp], [own]);
          // Those that differ by rounding alone may stand on either side.
          const above = (margin: number) => all.filter((other) => other > own + margin).length;
          expect(rank).toBeGreaterThan(above(1e-4));
          expect(rank).toBeLessThanOrEqual(1 + above(-1e-4));
          close(logps, [...all].sort((a, b) => b - a).slice(0, k));
          close(
            logps,
            ids.map((id) => all[id]!),
          );
        });
      });
  });

  it('a contrast with itself, more and less, leaves the probabilities', () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    for (const strength of [0, 2])
      contrastOf(rows, [model, model], strength).forEach((values, row) => {
        close(
          values,
          expected[row]!.map((place, t) => Math.exp(place[sequences[row]!.ids[START + t]!]!)),
        );
      });
  });
});
