import { describe, expect, it } from 'vitest';
import {
  expectedSequences,
  familyDir,
  familyNames,
  type ExpectedSequence,
} from '../../test/support/families.js';
import { loadModel } from '../models/checkpoint.js';
import { toFloat32Array } from '../torch/data.js';
import { liveTensors, type Tensor } from '../torch/tensor.js';
import { KeyValueCache } from './cache.js';
import { Decoder } from './decoder.js';

describe.each(familyNames)('%s', (name) => {
  const [a, b] = expectedSequences(name) as [ExpectedSequence, ExpectedSequence];
  it("has transformers' logits at every step, as sequences join and leave", () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const vocab = model.config.vocabSize;
    const before = liveTensors();
    const decoder = new Decoder(model, []);
    /** What each row has been given so far. */
    let rows: { sequence: ExpectedSequence; length: number }[] = [];
    const check = (tensor: Tensor, from: number) => {
      const logits = toFloat32Array(tensor);
      rows.slice(from).forEach(({ sequence, length }, i) => {
        const expected = sequence.logits.subarray((length - 1) * vocab, length * vocab);
        const worst = expected.reduce((w, x, t) => Math.max(w, Math.abs(x - logits[i * vocab + t]!)), 0);
        expect(worst).toBeLessThan(1e-4);
      });
    };
    const join = (members: { sequence: ExpectedSequence; length: number; copies: number }[]) => {
      using tensor = decoder.join(
        members.map(({ sequence, length }) => sequence.ids.subarray(0, length)),
        members.map(({ copies }) => copies),
      );
      const from = rows.length;
      for (const { sequence, length, copies } of members)
        for (let copy = 0; copy < copies; copy++) rows.push({ sequence, length });
      check(tensor, from);
    };
    const step = (count: number) => {
      for (let i = 0; i < count; i++) {
        const tokens = Int32Array.from(rows, ({ sequence, length }) => sequence.ids[length]!);
        using tensor = decoder.step(tokens);
        for (const row of rows) row.length++;
        check(tensor, 0);
      }
    };
    const leave = (...gone: number[]) => {
      const old = rows;
      rows = decoder.leave(new Set(gone)).map((row) => old[row]!);
    };

    join([
      { sequence: a, length: 1, copies: 1 },
      { sequence: b, length: 3, copies: 2 },
      { sequence: a, length: 7, copies: 1 },
    ]);
    step(5);
    leave(0, 2);
    expect(rows.map(({ length }) => length).sort((x, y) => x - y)).toEqual([8, 12]);
    step(3);
    join([{ sequence: b, length: 2, copies: 1 }]);
    step(3);
    leave(1);
    join([{ sequence: a, length: 12, copies: 2 }]);
    step(Math.min(...rows.map(({ sequence, length }) => sequence.ids.length - length)));
    decoder[Symbol.dispose]();
    expect(liveTensors()).toBe(before);
  });
});

describe('the cache', () => {
  it('gives a long row its own room and the short ones theirs, and moves nothing when rows leave', () => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    using cache = new KeyValueCache(model, [10, 10, 10]);
    const placesOf = () => cache.whole(0).keys.size(0);
    cache.ensure([10, 10, 10]);
    const before = placesOf();
    cache.ensure([10, 10, 10, 2000]);
    expect(placesOf()).toBeLessThanOrEqual(before + 3008);
    const [first, , third, long] = [0, 1, 2, 3].map((row) => cache.start(row));
    cache.keep([0, 2, 3]);
    expect([0, 1, 2].map((row) => cache.start(row))).toEqual([first, third, long]);
    // What a row has left is the next one's.
    const places = placesOf();
    cache.ensure([10, 10, 2000, 20]);
    expect(placesOf()).toBe(places);
    expect(cache.start(3)).toBeLessThan(third!);
  });

  it('refuses what is beyond its budget before it takes memory for it', () => {
    using model = loadModel(familyDir('llama'), { dtype: 'f32' }).model;
    const { kvHeads, headDim } = model.config;
    const bytes = model.layerCount * 2 * kvHeads * headDim * 4 * 256;
    using cache = new KeyValueCache(model, [1000], bytes);
    expect(cache.whole(0).keys.size(0)).toBe(256);
    expect([[256], [64, 65, 64], [64, 64, 64, 64], [257]].map((lengths) => cache.fits(lengths))).toEqual([
      ...[true, true, true, false],
    ]);
    cache.ensure([64, 65, 64]);
    expect(() => {
      cache.ensure([129, 65, 64]);
    }).toThrow(/^the keys and values of 3 responses of up to 129 tokens need 0\.00 GB/);
    expect(cache.whole(0).keys.size(0)).toBe(256);
  });

  it('grows beyond the columns it began with', () => {
    using model = loadModel(familyDir('mistral-window'), { dtype: 'f32' }).model;
    const ids = Int32Array.from({ length: 600 }, (_, i) => (i * 37) % 128);
    const logits = (prefix: number) => {
      using decoder = new Decoder(model, []);
      let last = decoder.join([ids.subarray(0, prefix)], [1]);
      for (const id of ids.subarray(prefix)) {
        last.dispose();
        last = decoder.step(Int32Array.of(id));
      }
      using logits = last;
      return toFloat32Array(logits);
    };
    const whole = logits(600);
    logits(200).forEach((logit, i) => {
      expect(Math.abs(logit - whole[i]!)).toBeLessThan(1e-4);
    });
  });
});
