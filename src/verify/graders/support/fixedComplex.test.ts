import { describe, expect, it } from 'vitest';
import * as fixed from './fixedComplex.js';

/** The digits of the real part, rounded. */
function digits(value: fixed.Complex, places: number): string {
  const scaled = (value.re * 10n ** BigInt(places) + (1n << 319n)) >> 320n;
  const text = scaled.toString();
  return `${text.slice(0, -places)}.${text.slice(-places)}`;
}

const integer = (n: bigint) => fixed.fraction(n, 1n);

describe('complex numbers to 96 decimals', () => {
  it('knows the published digits', () => {
    expect(digits(fixed.exp(integer(1n)), 60)).toBe(
      '2.718281828459045235360287471352662497757247093699959574966968',
    );
    expect(digits(fixed.ln(integer(10n)), 60)).toBe(
      '2.302585092994045684017991454684364207601101488628772976033328',
    );
    expect(digits(fixed.power(integer(2n), fixed.fraction(1n, 2n)), 60)).toBe(
      '1.414213562373095048801688724209698078569671875376948073176680',
    );
    expect(digits(fixed.power(integer(5n), fixed.fraction(1n, 3n)), 60)).toBe(
      '1.709975946676696989353108872543860109868055110543054924382862',
    );
  });

  it('takes principal values', () => {
    const logarithm = fixed.ln(integer(-1n));
    expect(
      fixed.vanishes(
        fixed.add(logarithm, fixed.multiply(integer(-1n), fixed.multiply(fixed.PI, fixed.I))),
        1n,
      ),
    ).toBe(true);
    const root = fixed.power(integer(-8n), fixed.fraction(1n, 3n));
    expect(digits(root, 10)).toBe('1.0000000000');
    expect(fixed.vanishes(fixed.add(fixed.integerPower(root, 3), integer(8n)), 1n)).toBe(true);
  });

  it('inverts itself everywhere in the plane', () => {
    for (const [re, im] of [
      [0.5, 1.5],
      [-1.5, 0.5],
      [-0.5, -1.5],
      [30, -2],
      [-0.001, 0.002],
      [1e9, 1e-6],
    ] as const) {
      const value = fixed.complex(re, im);
      const back = fixed.exp(fixed.ln(value));
      expect(fixed.vanishes(fixed.add(back, fixed.multiply(integer(-1n), value)), fixed.size(value))).toBe(
        true,
      );
      const one = fixed.multiply(fixed.integerPower(value, -3), fixed.integerPower(value, 3));
      expect(fixed.vanishes(fixed.add(one, integer(-1n)), 1n << 320n)).toBe(true);
    }
  });

  it('refuses what has no value or is too large', () => {
    expect(() => fixed.divide(integer(1n), integer(0n))).toThrow(fixed.NoValue);
    expect(() => fixed.ln(integer(0n))).toThrow(fixed.NoValue);
    expect(() => fixed.exp(integer(10n ** 9n))).toThrow(fixed.NoValue);
    expect(() => fixed.integerPower(integer(10n ** 9n), 4_096)).toThrow(fixed.NoValue);
  });
});
