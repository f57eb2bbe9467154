/** @file Computes with complex fixed-point numbers of 96 decimals, for deciding what SymPy simplifies to zero. */

/**
 * A complex number as integers over 2^320: about 96 decimals after the point. The numbers of answers are neither huge
 * nor tiny, so far more digits are right than could agree by chance.
 */
export interface Complex {
  readonly re: bigint;
  readonly im: bigint;
}

const BITS = 320n;
const ONE = 1n << BITS;
/** Limits the bits of a part before the point. */
const MAX_BITS = 4_000n;
const LIMIT = 1n << (BITS + MAX_BITS);
/** A smaller number cannot be told from 0. */
const NOISE = 1n << 60n;

/** The value does not exist (1/0, ln 0) or is too large to compute with. */
export class NoValue extends Error {
  override name = 'NoValue';
}

export const fraction = (n: bigint, d: bigint): Complex => checked({ re: (n << BITS) / d, im: 0n });
export const complex = (re: number, im: number): Complex => ({ re: fromDouble(re), im: fromDouble(im) });
export const I: Complex = { re: 0n, im: ONE };
/** π to 100 digits. */
export const PI = fraction(
  31415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679n,
  10n ** 100n,
);

export const add = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
const subtract = (a: Complex, b: Complex): Complex => ({ re: a.re - b.re, im: a.im - b.im });

export function multiply(a: Complex, b: Complex): Complex {
  return checked({ re: (a.re * b.re - a.im * b.im) >> BITS, im: (a.re * b.im + a.im * b.re) >> BITS });
}

export function divide(a: Complex, b: Complex): Complex {
  if (size(b) < NOISE) throw new NoValue();
  const square = b.re * b.re + b.im * b.im;
  return checked({
    re: ((a.re * b.re + a.im * b.im) << BITS) / square,
    im: ((a.im * b.re - a.re * b.im) << BITS) / square,
  });
}

/** Gives the larger of the two parts, without signs. */
export function size(a: Complex): bigint {
  const [re, im] = [a.re < 0n ? -a.re : a.re, a.im < 0n ? -a.im : a.im];
  return re > im ? re : im;
}

/** Tells whether `a` is 0 beside numbers of the size of `beside`: it is no larger than the errors of computing. */
export const vanishes = (a: Complex, beside: bigint): boolean => size(a) <= (beside >> 200n) + NOISE;

/** Raises `a` to an integer power. */
export function integerPower(a: Complex, exponent: number): Complex {
  if (exponent < 0) return divide(fraction(1n, 1n), integerPower(a, -exponent));
  let result = fraction(1n, 1n);
  let square = a;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square);
    if (left > 1) square = multiply(square, square);
  }
  return result;
}

/** Computes e to the power `a`: a Taylor series close to 0, then repeated squaring. */
export function exp(a: Complex): Complex {
  let halvings = 16n;
  while (size(a) >> (halvings - 16n) > ONE) halvings++;
  if (halvings > 28n) throw new NoValue();
  const small = { re: a.re >> halvings, im: a.im >> halvings };
  let term = fraction(1n, 1n);
  let total = term;
  for (let k = 1n; size(term) > 1n; k++) {
    const next = multiply(term, small);
    // The division rounds towards 0, so that the terms end.
    term = { re: next.re / k, im: next.im / k };
    total = add(total, term);
  }
  for (let k = 0n; k < halvings; k++) total = multiply(total, total);
  return total;
}

/** Computes the principal natural logarithm from a double by Halley's method. */
export function ln(a: Complex): Complex {
  if (size(a) < NOISE) throw new NoValue();
  // A number next to the real axis, up to the error of computing, counts as on it, because the branch cut is there.
  const z = vanishes({ re: 0n, im: a.im }, size(a)) ? { re: a.re, im: 0n } : a;
  let shift = 0n;
  while (size(z) >> shift > ONE * 2n) shift++;
  const [x, y] = [toDouble(z.re >> shift), toDouble(z.im >> shift)];
  if (x === 0 && y === 0) throw new NoValue();
  let result = complex(Math.log(Math.hypot(x, y)) + Number(shift) * Math.LN2, Math.atan2(y, x));
  for (let k = 0; k < 4; k++) {
    const power = exp(result);
    const step = divide(subtract(z, power), add(z, power));
    result = { re: result.re + 2n * step.re, im: result.im + 2n * step.im };
  }
  return result;
}

/** Computes the principal value of `base` to the power `exponent`. */
export const power = (base: Complex, exponent: Complex): Complex => exp(multiply(exponent, ln(base)));

/** Gives the integer that `a` is up to the error of computing; undefined if it is not one or beyond ±1,000. */
export function smallInteger(a: Complex): number | undefined {
  const nearest = (a.re + (ONE >> 1n)) >> BITS;
  if (nearest > 1_000n || nearest < -1_000n) return undefined;
  return vanishes({ re: a.re - (nearest << BITS), im: a.im }, ONE) ? Number(nearest) : undefined;
}

function checked(a: Complex): Complex {
  if (size(a) > LIMIT) throw new NoValue();
  return a;
}

function fromDouble(value: number): bigint {
  const scale = 2 ** 52;
  return BigInt(Math.round(value * scale)) << (BITS - 52n);
}

function toDouble(value: bigint): number {
  return Number(value >> (BITS - 200n)) / 2 ** 200;
}
