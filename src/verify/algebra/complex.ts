/** @file Evaluates trees in complex doubles. Too coarse to prove equality by itself: see bigComplex.ts. */

import { bitLength, type Rational } from '../../util/rational.js';
import type { Arithmetic } from './evaluateNode.js';
import { exactValue } from './exact.js';
import type { ConstantName } from './tree.js';

/** A complex number in doubles. */
export interface Complex {
  readonly re: number;
  readonly im: number;
}

const real = (re: number): Complex => ({ re, im: 0 });

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Gives the nearest double. */
export function toDouble({ n, d }: Rational): number {
  if (n <= SAFE && n >= -SAFE && d <= SAFE) return Number(n) / Number(d);
  const shift = Math.max(0, bitLength(d) - bitLength(n) + 64);
  const scaled = Number((n << BigInt(shift)) / d);
  return shift > 1000 ? (scaled / 2 ** 1000) * 2 ** (1000 - shift) : scaled / 2 ** shift;
}

export const add = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
export const subtract = (a: Complex, b: Complex): Complex => ({ re: a.re - b.re, im: a.im - b.im });
export const multiply = (a: Complex, b: Complex): Complex => ({
  re: a.re * b.re - a.im * b.im,
  im: a.re * b.im + a.im * b.re,
});
export const magnitude = (a: Complex): number => Math.hypot(a.re, a.im);

export function divide(a: Complex, b: Complex): Complex {
  const size = b.re * b.re + b.im * b.im;
  return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

function exp(a: Complex): Complex {
  const size = Math.exp(a.re);
  return a.im === 0 ? real(size) : { re: size * Math.cos(a.im), im: size * Math.sin(a.im) };
}

/** Gives the principal logarithm. */
const log = (a: Complex): Complex => ({ re: Math.log(magnitude(a)), im: Math.atan2(a.im, a.re) });
const scale = (a: Complex, factor: number): Complex => ({ re: a.re * factor, im: a.im * factor });
const timesI = (a: Complex): Complex => ({ re: -a.im, im: a.re });
const sqrt = (a: Complex): Complex => (magnitude(a) === 0 ? a : exp(scale(log(a), 0.5)));
const ONE = real(1);
/** Below it doubles lose digits. */
const TINY = 1e-300;

function integerPower(base: Complex, exponent: number): Complex {
  let result = ONE;
  let square = base;
  for (let left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return exponent < 0 ? divide(ONE, result) : result;
}

const sinh = (a: Complex) => scale(subtract(exp(a), exp(scale(a, -1))), 0.5);
const cosh = (a: Complex) => scale(add(exp(a), exp(scale(a, -1))), 0.5);
const sin = (a: Complex) => (a.im === 0 ? real(Math.sin(a.re)) : scale(timesI(sinh(timesI(a))), -1));
const cos = (a: Complex) => (a.im === 0 ? real(Math.cos(a.re)) : cosh(timesI(a)));
/** asinh a = ln(a + √(a² + 1)) */
const asinh = (a: Complex) => log(add(a, sqrt(add(multiply(a, a), ONE))));
/** acosh a = ln(a + √(a + 1) √(a - 1)) */
const acosh = (a: Complex) => log(add(a, multiply(sqrt(add(a, ONE)), sqrt(subtract(a, ONE)))));
const atanh = (a: Complex) => scale(subtract(log(add(ONE, a)), log(subtract(ONE, a))), 0.5);
const asin = (a: Complex) => scale(timesI(asinh(timesI(a))), -1);
const acos = (a: Complex) => subtract(real(Math.PI / 2), asin(a));
const atan = (a: Complex) => scale(timesI(atanh(timesI(a))), -1);
const inverse = (a: Complex) => divide(ONE, a);

const FUNCTIONS: Readonly<Record<string, (a: Complex) => Complex | undefined>> = {
  sin,
  cos,
  tan: (a) => divide(sin(a), cos(a)),
  cot: (a) => divide(cos(a), sin(a)),
  sec: (a) => inverse(cos(a)),
  csc: (a) => inverse(sin(a)),
  asin,
  acos,
  atan,
  acot: (a) => atan(inverse(a)),
  asec: (a) => acos(inverse(a)),
  acsc: (a) => asin(inverse(a)),
  sinh,
  cosh,
  tanh: (a) => divide(sinh(a), cosh(a)),
  coth: (a) => divide(cosh(a), sinh(a)),
  sech: (a) => inverse(cosh(a)),
  csch: (a) => inverse(sinh(a)),
  asinh,
  acosh,
  atanh,
  ln: log,
  abs: (a) => real(magnitude(a)),
  norm: (a) => real(magnitude(a)),
  Re: (a) => real(a.re),
  Im: (a) => real(a.im),
  arg: (a) => real(Math.atan2(a.im, a.re)),
  sgn: (a) => (a.im === 0 ? real(Math.sign(a.re)) : undefined),
  floor: (a) => (a.im === 0 ? real(Math.floor(a.re)) : undefined),
  ceiling: (a) => (a.im === 0 ? real(Math.ceil(a.re)) : undefined),
  doubleFactorial: (a) =>
    isNegativeInteger(a) || !Number.isInteger(a.re) || a.re > 300 ? undefined : doubleFactorial(a.re),
  factorial: (a) => (isNegativeInteger(a) ? undefined : gamma(add(a, ONE))),
};

// Lanczos, g = 7, nine coefficients (Godfrey 2001): fifteen digits.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function doubleFactorial(n: number): Complex {
  let result = 1;
  for (let factor = n; factor > 1; factor -= 2) result *= factor;
  return real(result);
}

const isNegativeInteger = (a: Complex) => a.im === 0 && a.re < 0 && Number.isInteger(a.re);

function gamma(z: Complex): Complex {
  // Γ(z) Γ(1 - z) = π / sin πz
  if (z.re < 0.5) return divide(real(Math.PI), multiply(sin(scale(z, Math.PI)), gamma(subtract(ONE, z))));
  const shifted = subtract(z, ONE);
  let series = real(LANCZOS[0]!);
  for (let k = 1; k < LANCZOS.length; k++) {
    series = add(series, divide(real(LANCZOS[k]!), add(shifted, real(k))));
  }
  const t = add(shifted, real(7.5));
  const power = exp(subtract(multiply(add(shifted, real(0.5)), log(t)), t));
  return scale(multiply(power, series), Math.sqrt(2 * Math.PI));
}

const finite = (a: Complex | undefined): Complex | undefined =>
  a && Number.isFinite(a.re) && Number.isFinite(a.im) ? a : undefined;

/** Complex doubles. A class, since one is made for every point of every function that is sampled. */
class ComplexArithmetic implements Arithmetic<Complex> {
  readonly exactValue = exactValue;
  readonly #valueOf: (name: string) => Complex | undefined;
  readonly #draw: number;

  constructor(valueOf: (name: string) => Complex | undefined, draw: number) {
    this.#valueOf = valueOf;
    this.#draw = draw;
  }

  number(value: Rational): Complex | undefined {
    return finite(real(toDouble(value)));
  }

  constant(name: ConstantName): Complex | undefined {
    return CONSTANTS[name];
  }

  symbol(name: string): Complex | undefined {
    return this.#valueOf(name);
  }

  add(a: Complex, b: Complex): Complex | undefined {
    return finite(add(a, b));
  }

  multiply(a: Complex, b: Complex): Complex | undefined {
    const result = multiply(a, b);
    return isLost(result) && !isZero(a) && !isZero(b) ? undefined : finite(result);
  }

  power(base: Complex, exponent: Complex | undefined, exact: Rational | undefined): Complex | undefined {
    const result = power(base, exponent, exact);
    return result && isLost(result) && !isZero(base) ? undefined : finite(result);
  }

  call(name: string, args: readonly Complex[]): Complex | undefined {
    return finite(call(name, args));
  }

  apply(name: string, args: readonly Complex[]): Complex | undefined {
    return finite(unknownFunction(name, args, this.#draw));
  }
}

const isZero = (a: Complex): boolean => a.re === 0 && a.im === 0;
/** Tells whether a value is too small for a double, and so no zero: 2^-1200. */
const isLost = (a: Complex): boolean => Math.abs(a.re) < TINY && Math.abs(a.im) < TINY;

/** Real doubles: what is not real has no value. */
class RealArithmetic extends ComplexArithmetic {
  constructor(valueOf: (name: string) => number | undefined, draw: number) {
    super((name) => {
      const value = valueOf(name);
      return value === undefined ? undefined : real(value);
    }, draw);
  }

  override constant(name: ConstantName): Complex | undefined {
    return realPart(super.constant(name));
  }

  override power(
    base: Complex,
    exponent: Complex | undefined,
    exact: Rational | undefined,
  ): Complex | undefined {
    if (base.re < 0 && exact && exact.d > 1n && exact.d % 2n === 1n) {
      const size = super.power(real(-base.re), undefined, exact);
      return size && real(exact.n % 2n === 0n ? size.re : -size.re);
    }
    return realPart(super.power(base, exponent, exact));
  }

  override call(name: string, args: readonly Complex[]): Complex | undefined {
    return realPart(super.call(name, args));
  }

  override apply(name: string, args: readonly Complex[]): Complex | undefined {
    return realPart(super.apply(name, args));
  }
}

const realPart = (a: Complex | undefined): Complex | undefined =>
  a && Math.abs(a.im) <= 1e-12 * Math.max(1, Math.abs(a.re)) ? real(a.re) : undefined;

/**
 * Makes the arithmetic of complex doubles in which the symbols have the values that `valueOf` gives. An unknown
 * function is replaced by an analytic one that its name and `draw` determine, so that f(x + 1) is f(1 + x).
 */
export const complexArithmetic = (
  valueOf: (name: string) => Complex | undefined,
  draw = 0,
): Arithmetic<Complex> => new ComplexArithmetic(valueOf, draw);

/**
 * Makes the arithmetic of real doubles, in which even roots and logarithms of negative numbers have no value and odd
 * roots of them are negative.
 */
export const realArithmetic = (
  valueOf: (name: string) => number | undefined,
  draw = 0,
): Arithmetic<Complex> => new RealArithmetic(valueOf, draw);

const CONSTANTS: Readonly<Record<ConstantName, Complex | undefined>> = {
  pi: real(Math.PI),
  e: real(Math.E),
  i: { re: 0, im: 1 },
  infinity: undefined,
};

function power(
  base: Complex,
  exponent: Complex | undefined,
  exact: Rational | undefined,
): Complex | undefined {
  if (exact?.d === 1n && exact.n > -1024n && exact.n < 1024n) return integerPower(base, Number(exact.n));
  const value = exact ? real(toDouble(exact)) : exponent!;
  if (base.re === 0 && base.im === 0) return value.re > 0 ? base : undefined;
  if (base.im === 0 && base.re > 0 && value.im === 0) return real(base.re ** value.re);
  return exp(multiply(value, log(base)));
}

function call(name: string, args: readonly Complex[]): Complex | undefined {
  const [a, b] = args as [Complex, Complex | undefined];
  if (name === 'log' && b) return divide(log(a), log(b));
  if (name === 'binomial' && b) {
    if ([a, b, subtract(a, b)].some(isNegativeInteger)) return undefined;
    return divide(gamma(add(a, ONE)), multiply(gamma(add(b, ONE)), gamma(add(subtract(a, b), ONE))));
  }
  if (name === 'max' || name === 'min') {
    return args.every((arg) => arg.im === 0) ? real(Math[name](...args.map((arg) => arg.re))) : undefined;
  }
  return Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]!(a) : undefined;
}

function unknownFunction(name: string, args: readonly Complex[], draw: number): Complex {
  let state = 7 + 131 * draw;
  for (let index = 0; index < name.length; index++) state = (state * 31 + name.charCodeAt(index)) % 9973;
  let result = real(0.3 + state / 9973);
  for (const arg of args) {
    const inner = add(scale(arg, 0.37), scale(result, 1.3));
    result = add(cos(inner), scale(arg, 0.21 + (state % 89) / 97));
  }
  return result;
}
