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
import { Decoder } from './decoder.js';

describe.each(familyNames)('%s', (name) => {
  const [a, b] = expectedSequences(name) as [ExpectedSequence, ExpectedSequence];
  it("has transformers' logits at every step, as sequences join and leave", () => {
    using model = loadModel(familyDir(name), { dtype: 'f32' }).model;
    const vocab = model.config.vocabSize;
    const before = liveTensors();
    const decoder = new Decoder(model, 4, 8);
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
  it('grows beyond the columns it began with', () => {
    using model = loadModel(familyDir('mistral-window'), { dtype: 'f32' }).model;
    const ids = Int32Array.from({ length: 600 }, (_, i) => (i * 37) % 128);
    const logits = (prefix: number) => {
      using decoder = new Decoder(model, 1, 8);
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
