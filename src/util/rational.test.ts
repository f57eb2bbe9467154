import { describe, expect, it } from 'vitest';
import { bitLength } from './rational.js';

describe('bitLength', () => {
  it('is that of the binary digits, whatever the sign', () => {
    expect(bitLength(0n)).toBe(0);
    for (let n = 1n; n < 1n << 300n; n = n * 3n + 1n) {
      expect(bitLength(n)).toBe(n.toString(2).length);
      expect(bitLength(-n)).toBe(n.toString(2).length);
    }
  });
});
