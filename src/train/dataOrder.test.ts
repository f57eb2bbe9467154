import { describe, expect, it } from 'vitest';
import { stepRows, stepsPerEpoch } from './dataOrder.js';

describe('stepRows', () => {
  const data = { rows: 23, batchSize: 5, seed: 42 };
  const epoch = (e: number) => Array.from({ length: 5 }, (_, s) => stepRows(5 * e + s, data));

  it('has every row once an epoch, the last batch smaller', () => {
    expect(stepsPerEpoch(data)).toBe(5);
    for (const e of [0, 1, 7]) {
      expect(epoch(e).map((rows) => rows.length)).toEqual([5, 5, 5, 5, 3]);
      expect(
        epoch(e)
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 23 }, (_, i) => i));
    }
  });

  it('has another order in every epoch and for every seed', () => {
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(stepRows(0, data)).not.toEqual(stepRows(0, { ...data, seed: 43 }));
  });

  it('is a function of its arguments', () => {
    const backwards = [9, 3, 0].map((step) => stepRows(step, data));
    expect([0, 3, 9].map((step) => stepRows(step, data))).toEqual(backwards.reverse());
    // Orders of other data and other seeds, asked for in between, change nothing.
    const others = [{ ...data, seed: 43 }, { ...data, rows: 22 }, data];
    const alone = others.map((other) => Array.from({ length: 10 }, (_, step) => stepRows(step, other)));
    for (let step = 0; step < 10; step++)
      expect(others.map((other) => stepRows(step, other))).toEqual(alone.map((steps) => steps[step]));
    // The order of an epoch does not depend on how it is cut into steps.
    expect(stepRows(0, { ...data, batchSize: 23 })).toEqual(epoch(0).flat());
  });

  it('takes data smaller than a batch as one batch', () => {
    expect(stepsPerEpoch({ rows: 3, batchSize: 8 })).toBe(1);
    expect(stepRows(4, { rows: 3, batchSize: 8, seed: 1 }).sort()).toEqual([0, 1, 2]);
  });
});
