import { describe, expect, it } from 'vitest';
import { CurveBuilder, MOST_POINTS } from './curveBuilder.js';

/** Curves in the plainest way: all values of each bucket side by side. */
function plainly(values: readonly (number | null)[], bucket: number) {
  const buckets = Array.from({ length: Math.ceil(values.length / bucket) }, (_, i) =>
    values.slice(i * bucket, (i + 1) * bucket).filter((value) => value !== null),
  );
  const each = (of: (some: number[]) => number) =>
    buckets.map((some) => (some.length === 0 ? null : of(some)));
  return {
    mean: each((some) => some.reduce((sum, value) => sum + value, 0) / some.length),
    low: each((some) => Math.min(...some)),
    high: each((some) => Math.max(...some)),
  };
}

const expectClose = (found: readonly (number | null)[], wanted: readonly (number | null)[]) => {
  expect(found).toHaveLength(wanted.length);
  for (const [i, value] of found.entries())
    if (wanted[i] === null) expect(value).toBeNull();
    else expect(Math.abs(value! - wanted[i]!)).toBeLessThan(1e-5 * Math.max(1e-9, Math.abs(wanted[i]!)));
};

describe('curves that grow', () => {
  it.each([1, 2, 1_499, 1_500, 1_501, 1_502, 3_000, 3_001, 4_001, 20_000])(
    'of %i steps are those of all of them',
    (n) => {
      const builder = new CurveBuilder();
      const smooth = Array.from({ length: n }, (_, i) => 2 + Math.sin(i / 7));
      const gappy = smooth.map((value, i) => (i % 3 === 0 || (i > 50 && i < 90) ? null : -value));
      const late = smooth.map((value, i) => (i < 0.7 * n ? null : value));
      for (let i = 0; i < n; i++)
        builder.add(i + 1, {
          smooth: smooth[i]!,
          gappy: gappy[i]!,
          ...(late[i] !== null && { late: late[i]! }),
        });
      const { steps, bucket, series } = builder.curves;
      expect(bucket).toBe(2 ** Math.max(0, Math.ceil(Math.log2(n / MOST_POINTS))));
      expect(steps).toEqual(
        Array.from({ length: Math.ceil(n / bucket) }, (_, i) => Math.min(n, (i + 1) * bucket)),
      );
      for (const [name, values] of Object.entries({ smooth, gappy, late })) {
        const found = series.find((one) => one.name === name);
        if (!found) {
          expect(values.every((value) => value === null) || n === 1).toBe(true);
          continue;
        }
        const wanted = plainly(values, bucket);
        expectClose(found.mean, wanted.mean);
        expect(found.low === undefined).toBe(bucket === 1);
        if (found.low) expectClose(found.low, wanted.low);
        if (found.high) expectClose(found.high, wanted.high);
      }
    },
  );

  it('say from where on they have changed', () => {
    const builder = new CurveBuilder();
    const add = (step: number, more: object = {}) => {
      builder.add(step, { loss: step, ...more });
    };
    add(1);
    expect(builder.takeChanged()).toBe(0);
    expect(builder.takeChanged()).toBe(1);
    add(2);
    add(3);
    expect(builder.takeChanged()).toBe(1);
    add(4, { late: 1 });
    expect(builder.takeChanged()).toBe(0);
    for (let step = 5; step <= MOST_POINTS; step++) add(step);
    builder.takeChanged();
    add(MOST_POINTS + 1);
    expect(builder.takeChanged()).toBe(0);
    add(MOST_POINTS + 2); // into the bucket that is open
    expect(builder.takeChanged()).toBe(MOST_POINTS / 2);
    expect(builder.curves.steps).toHaveLength(MOST_POINTS / 2 + 1);
  });

  it('have a bounded number of names', () => {
    const builder = new CurveBuilder();
    for (let i = 0; i < 1_000; i++) builder.add(i, { [`name ${i}`]: 1 });
    expect(builder.curves.series).toHaveLength(256);
  });
});
