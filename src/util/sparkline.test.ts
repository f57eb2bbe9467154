import { describe, expect, it } from 'vitest';
import { GrowingSparkline, sparkline } from './sparkline.js';

describe('a sparkline', () => {
  it('has a block for each value, from the least to the most', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([2, -1])).toBe('█▁');
  });

  it('takes the mean of neighbours where there is no room', () => {
    expect(sparkline([0, 0, 10, 10, 4, 6, 0, 0], 4)).toBe('▁█▅▁');
    expect(sparkline(Array.from({ length: 1000 }, (_, i) => i))).toHaveLength(40);
  });

  it('leaves a blank where there is no number', () => {
    expect(sparkline([0, null, NaN, 1])).toBe('▁  █');
    expect(sparkline([])).toBe('');
    expect(sparkline([null, null])).toBe('  ');
  });

  it('is flat where all values are the same', () => {
    expect(sparkline([3, 3, 3])).toBe('▁▁▁');
  });
});

describe('a curve that grows', () => {
  it('is drawn as all its values are, and keeps a bounded number of them', () => {
    const growing = new GrowingSparkline();
    const values: number[] = [];
    for (let i = 0; i < 8_192; i++) {
      values.push(Math.sin(i / 1_300));
      growing.add(values[i]!);
      if ([0, 5, 511, 2_047, 8_191].includes(i)) expect(growing.draw(16)).toBe(sparkline(values, 16));
    }
    expect(growing.draw(100_000).length).toBeLessThanOrEqual(512);
  });

  it('leaves out what is no number', () => {
    const growing = new GrowingSparkline();
    for (const value of [1, NaN, 3, Infinity]) growing.add(value);
    expect(growing.draw(8)).toBe('▁ █ ');
  });
});
