/** @file Computes with exact fractions and reads and writes decimals. */

/** An exact fraction in lowest terms; the denominator is positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** A literal with more digits is not read: the limit is far beyond any answer and keeps BigInt work trivial. */
const MAX_DIGITS = 60;

/** Makes `n / d` in lowest terms. Throws a RangeError if `d` is zero. */
export function rational(n: bigint, d = 1n): Rational {
  if (d === 1n) return { n, d };
  if (d === 0n) throw new RangeError('division by zero');
  const sign = d < 0n ? -1n : 1n;
  let a = n < 0n ? -n : n;
  let b = d * sign;
  while (b !== 0n) [a, b] = [b, a % b];
  return { n: (sign * n) / a, d: (sign * d) / a };
}

export const add = (a: Rational, b: Rational): Rational => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const subtract = (a: Rational, b: Rational): Rational => rational(a.n * b.d - b.n * a.d, a.d * b.d);
export const multiply = (a: Rational, b: Rational): Rational => rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational): Rational => rational(a.n * b.d, a.d * b.n);
/** Gives the largest integer that is not above `a`. */
export const floor = (a: Rational): Rational => rational((a.n - (((a.n % a.d) + a.d) % a.d)) / a.d);
const WORD = 1n << 32n;
/** Counts the bits of |n|; 0 has none. */
export function bitLength(n: bigint): number {
  if (n < WORD && n > -WORD) return 32 - Math.clz32(Number(n < 0n ? -n : n));
  const hex = (n < 0n ? -n : n).toString(16);
  return n === 0n ? 0 : hex.length * 4 - Math.clz32(parseInt(hex[0]!, 16)) + 28;
}
export const equals = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;

/**
 * Reads the unsigned decimal number that begins at `from`: `12`, `1,000`, `.5`, `3.`, `10,440,000.25`. Commas count only
 * as whole groups of three. Undefined if there is no number or it has more than 60 digits.
 */
export function scanDecimal(text: string, from = 0): { value: Rational; end: number } | undefined {
  const pattern = /(\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.(\d*))?/y;
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  const whole = (match?.[1] ?? '').replaceAll(',', '');
  const decimals = match?.[2] ?? '';
  const digits = whole.length + decimals.length;
  if (digits === 0 || digits > MAX_DIGITS) return undefined;
  return {
    value: rational(BigInt(whole + decimals), 10n ** BigInt(decimals.length)),
    end: pattern.lastIndex,
  };
}

/**
 * Writes a fraction as a decimal: exactly and without trailing zeros if it has at most `maxDecimals` places, else
 * rounded half away from zero to `roundTo` decimals, or to `roundTo` significant digits if it is smaller than 1 (so that
 * 1/30000 does not become 0).
 */
export function toDecimalText(value: Rational, maxDecimals: number, roundTo: number): string {
  const sign = value.n < 0n ? '-' : '';
  const n = value.n < 0n ? -value.n : value.n;
  for (let places = 0, scale = 1n; places <= maxDecimals; places++, scale *= 10n) {
    if ((n * scale) % value.d === 0n) return sign + placePoint((n * scale) / value.d, places);
  }
  let places = roundTo;
  for (let scale = 10n; n * scale < value.d; scale *= 10n) places++;
  const scaled = (2n * n * 10n ** BigInt(places) + value.d) / (2n * value.d);
  return sign + placePoint(scaled, places).replace(/\.?0+$/, '');
}

function placePoint(scaled: bigint, places: number): string {
  const digits = scaled.toString().padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
