import { describe, expect, it } from 'vitest';
import { sparkline } from './sparkline.js';

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
