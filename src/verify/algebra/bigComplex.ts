/** @file Evaluates constants to 60 or 90 digits and decides whether two of them are equal. */

import { rational, type Rational } from '../../util/rational.js';
import { BigFloats, ZERO, absolute, isZero, negate, order, type BigFloat } from './bigFloat.js';
import type { WorkBudget } from './workBudget.js';
import { evaluateNode, type Arithmetic } from './evaluateNode.js';
import { exactValue } from './exact.js';
import { hasKind, type Node } from './tree.js';

/** A complex number of many digits. */
export interface BigComplex {
  readonly re: BigFloat;
  readonly im: BigFloat;
}

/** About 60 and 90 decimal digits: the second precision tells a zero difference from a small one. */
const NUMBERS = [new BigFloats(208), new BigFloats(304)] as const;

/**
 * Computes a constant to 60 digits (`level` 0) or 90 (`level` 1). Undefined where it has symbols, is not finite or
 * uses a function that is not available to so many digits. Odd roots of negative numbers are real: \sqrt[3]{-8} is -2.
 */
export function preciseValue(node: Node, budget: WorkBudget, level: 0 | 1 = 0): BigComplex | undefined {
  return evaluateNode(node, new BigComplexArithmetic(NUMBERS[level], budget), budget);
}

/**
 * Decides whether two constants are equal: their difference must be negligible beside them, and where cancellation
 * leaves only rounding errors (√2 + √3 - √(5 + 2√6) against 0) it must shrink as the precision grows. Undefined where
 * one has no value.
 */
export function sameConstant(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  if (hasKind(a, 'symbol') || hasKind(b, 'symbol')) return undefined;
  const coarse = gap(a, b, budget, 0);
  if (!coarse) {
    // A summand of one of them may be lost to 60 digits.
    const fine = gap(a, b, budget, 1);
    return fine && fine.difference < fine.size - 290;
  }
  if (coarse.difference === -Infinity) return true;
  if (coarse.difference > coarse.size - 60) return false;
  const fine = gap(a, b, budget, 1);
  if (!fine) return undefined;
  return fine.difference < coarse.difference - 64 || fine.difference < fine.size - 240;
}

/** Gives the orders of magnitude (in bits) of the difference and of the values that it is compared with. */
function gap(
  a: Node,
  b: Node,
  budget: WorkBudget,
  level: 0 | 1,
): { difference: number; size: number } | undefined {
  const [x, y] = [preciseValue(a, budget, level), preciseValue(b, budget, level)];
  if (!x || !y) return undefined;
  const numbers = NUMBERS[level];
  const difference = Math.max(order(numbers.subtract(x.re, y.re)), order(numbers.subtract(x.im, y.im)));
  const size = Math.max(order(x.re), order(x.im), order(y.re), order(y.im));
  // Values that may be nothing but rounding errors are compared with 1 and left to the second precision.
  return { difference, size: size < -150 && difference > -Infinity ? size + 200 : size };
}

const real = (re: BigFloat): BigComplex => ({ re, im: ZERO });
const orderOf = ({ re, im }: BigComplex): number => Math.max(order(re), order(im));
const isReal = (a: BigComplex): boolean => isZero(a.im);

class BigComplexArithmetic implements Arithmetic<BigComplex> {
  readonly exactValue = exactValue;
  readonly #numbers: BigFloats;
  readonly #budget: WorkBudget;
  /** The bits between two summands behind which the smaller one is lost, but is no rounding error. */
  readonly #lost: number;

  constructor(numbers: BigFloats, budget: WorkBudget) {
    this.#numbers = numbers;
    this.#lost = numbers === NUMBERS[1] ? numbers.precision + 8 : numbers.precision - 40;
    this.#budget = budget;
  }

  number(value: Rational): BigComplex {
    return real(this.#numbers.from(value));
  }

  constant(name: string): BigComplex | undefined {
    if (name === 'pi') return real(this.#numbers.pi());
    if (name === 'i') return { re: ZERO, im: { m: 1n, e: 0 } };
    const e = name === 'e' ? this.#numbers.exp({ m: 1n, e: 0 }) : undefined;
    return e && real(e);
  }

  symbol(): undefined {
    return undefined;
  }

  /** Replaces an unknown function by a polynomial of its arguments that its name determines. */
  apply(name: string, args: readonly BigComplex[]): BigComplex | undefined {
    let state = 7n;
    for (const character of name) state = (state * 31n + BigInt(character.codePointAt(0)!)) % 9973n;
    let result: BigComplex | undefined = this.number(rational(state + 2003n, 9973n));
    for (const arg of args) {
      const inner: BigComplex | undefined = result && this.multiply(result, this.number(rational(13n, 7n)));
      const sum: BigComplex | undefined = inner && this.add(inner, arg);
      result = sum && this.#integerPower(sum, 3n);
    }
    return result;
  }

  /** Has no value where one summand is lost beside the other: 10^(10^10) + 1. */
  add(a: BigComplex, b: BigComplex): BigComplex | undefined {
    const [x, y] = [orderOf(a), orderOf(b)];
    if (Math.abs(x - y) > this.#lost && Number.isFinite(x) && Number.isFinite(y)) return undefined;
    return { re: this.#numbers.add(a.re, b.re), im: this.#numbers.add(a.im, b.im) };
  }

  multiply(a: BigComplex, b: BigComplex): BigComplex | undefined {
    const n = this.#numbers;
    if (isReal(a) && isReal(b)) {
      const re = n.multiply(a.re, b.re);
      return re && real(re);
    }
    const parts = [
      [a.re, b.re],
      [a.im, b.im],
      [a.re, b.im],
      [a.im, b.re],
    ].map(([x, y]) => n.multiply(x!, y!));
    const [rr, ii, ri, ir] = parts;
    return rr && ii && ri && ir && { re: n.subtract(rr, ii), im: n.add(ri, ir) };
  }

  #inverse(a: BigComplex): BigComplex | undefined {
    const n = this.#numbers;
    const [x, y] = [n.multiply(a.re, a.re), n.multiply(a.im, a.im)];
    const size = x && y && n.add(x, y);
    const re = size && n.divide(a.re, size);
    const im = size && n.divide(negate(a.im), size);
    return re && im && { re, im };
  }

  power(
    base: BigComplex,
    exponent: BigComplex | undefined,
    exact: Rational | undefined,
  ): BigComplex | undefined {
    this.#budget.spend(exact?.d === 1n ? 20 : 60);
    if (exact?.d === 1n) return this.#integerPower(base, exact.n);
    if (exact?.d === 2n && isReal(base)) {
      const root = this.#numbers.sqrt(absolute(base.re));
      const value = root && (base.re.m < 0n ? { re: ZERO, im: root } : real(root));
      return value && this.#integerPower(value, exact.n);
    }
    if (isZero(base.re) && isZero(base.im)) return exact && exact.n > 0n ? base : undefined;
    if (exact && exact.d % 2n === 1n && isReal(base) && base.re.m < 0n) {
      const value = this.power(real(negate(base.re)), undefined, exact);
      return value && (exact.n % 2n === 0n ? value : { re: negate(value.re), im: value.im });
    }
    const log = this.#ln(base);
    const product = log && this.multiply(log, exact ? this.number(exact) : exponent!);
    return product && this.#exp(product);
  }

  #integerPower(base: BigComplex, exponent: bigint): BigComplex | undefined {
    let left = exponent < 0n ? -exponent : exponent;
    if (left > 1n << 50n) return undefined;
    let result: BigComplex | undefined = this.number(rational(1n));
    let square: BigComplex | undefined = base;
    for (; left > 0n; left >>= 1n) {
      this.#budget.spend(4);
      if (left & 1n) result = result && square && this.multiply(result, square);
      square = square && this.multiply(square, square);
    }
    return exponent < 0n ? result && this.#inverse(result) : result;
  }

  #exp(a: BigComplex): BigComplex | undefined {
    const size = this.#numbers.exp(a.re);
    if (!size || isReal(a)) return size && real(size);
    const circle = this.#numbers.sinCos(a.im);
    const re = circle && this.#numbers.multiply(size, circle[1]);
    const im = circle && this.#numbers.multiply(size, circle[0]);
    return re && im && { re, im };
  }

  #ln(a: BigComplex): BigComplex | undefined {
    const size = this.#size(a);
    const re = size && this.#numbers.ln(size);
    const im = isReal(a) && a.re.m > 0n ? ZERO : this.#numbers.atan2(a.im, a.re);
    return re && im && { re, im };
  }

  #size(a: BigComplex): BigFloat | undefined {
    if (isReal(a)) return absolute(a.re);
    const [x, y] = [this.#numbers.multiply(a.re, a.re), this.#numbers.multiply(a.im, a.im)];
    return x && y && this.#numbers.sqrt(this.#numbers.add(x, y));
  }

  call(name: string, args: readonly BigComplex[]): BigComplex | undefined {
    this.#budget.spend(150);
    const [a, b] = args as [BigComplex, BigComplex | undefined];
    const [log, base] = [name === 'ln' || name === 'log' ? this.#ln(a) : undefined, b && this.#ln(b)];
    if (name === 'ln') return log;
    if (name === 'log') {
      const inverse = base && this.#inverse(base);
      return log && inverse && this.multiply(log, inverse);
    }
    if (name === 'abs' || name === 'norm') {
      const size = this.#size(a);
      return size && real(size);
    }
    if (!args.every(isReal)) return undefined;
    const value = this.#realFunction(name, a.re);
    return value && real(value);
  }

  #realFunction(name: string, a: BigFloat): BigFloat | undefined {
    const n = this.#numbers;
    if (/^(?:sin|cos|tan|cot|sec|csc)$/.test(name)) {
      const circle = n.sinCos(a);
      if (!circle) return undefined;
      const [sin, cos] = circle;
      const one = { m: 1n, e: 0 };
      const quotients = {
        sin: [sin, one],
        cos: [cos, one],
        tan: [sin, cos],
        cot: [cos, sin],
        sec: [one, cos],
        csc: [one, sin],
      };
      const [above, below] = quotients[name as keyof typeof quotients] as [BigFloat, BigFloat];
      return n.divide(above, below);
    }
    const one: BigFloat = { m: 1n, e: 0 };
    const square = n.multiply(a, a);
    if (!square) return undefined;
    if (name === 'atan') return n.atan2(a, one);
    if (name === 'acot') return n.atan2(one, a);
    const leg = n.sqrt(n.subtract(one, square));
    if (name === 'asin') return leg && n.atan2(a, leg);
    if (name === 'acos') return leg && n.atan2(leg, a);
    if (name === 'sinh' || name === 'cosh' || name === 'tanh') {
      const [up, down] = [n.exp(a), n.exp(negate(a))];
      if (!up || !down) return undefined;
      const [sinh, cosh] = [n.subtract(up, down), n.add(up, down)];
      if (name === 'tanh') return n.divide(sinh, cosh);
      return { ...(name === 'sinh' ? sinh : cosh), e: (name === 'sinh' ? sinh : cosh).e - 1 };
    }
    return undefined;
  }
}
