import { rational, type Rational } from '../../util/rational.js';
import { BigFloats, ZERO, absolute, isZero, negate, order, type BigFloat } from './bigFloat.js';
import type { Budget } from './budget.js';
import { evaluate, type Arithmetic } from './evaluate.js';
import { contains, type Node } from './tree.js';

/** A complex number of many digits. */
export interface Precise {
  readonly re: BigFloat;
  readonly im: BigFloat;
}

/** Some 60 and 90 decimal digits: the second tells a difference that is none from a small one. */
const NUMBERS = [new BigFloats(208), new BigFloats(304)] as const;

/**
 * The value of a constant to 60 digits (`level` 0) or 90 (`level` 1), or undefined where it has symbols, is not
 * finite or uses a function that is not known to so many digits. Odd roots of negative numbers are real, as where
 * \sqrt[3]{-8} is -2.
 */
export function preciseValue(node: Node, budget: Budget, level: 0 | 1 = 0): Precise | undefined {
  return evaluate(node, new PreciseArithmetic(NUMBERS[level], budget), budget);
}

/**
 * Whether two constants are equal: their difference must be nothing beside them, and must shrink with the precision
 * where cancellation leaves only rounding errors (√2 + √3 - √(5 + 2√6) against 0). Undefined where one has no value.
 */
export function sameConstant(a: Node, b: Node, budget: Budget): boolean | undefined {
  if (contains(a, (part) => part.kind === 'symbol') || contains(b, (part) => part.kind === 'symbol'))
    return undefined;
  const coarse = gap(a, b, budget, 0);
  if (!coarse) return undefined;
  if (coarse.difference === -Infinity) return true;
  if (coarse.difference > coarse.size - 60) return false;
  const fine = gap(a, b, budget, 1);
  if (!fine) return undefined;
  return fine.difference < coarse.difference - 64 || fine.difference < fine.size - 240;
}

/** Orders of magnitude (in bits) of the difference and of what it may be compared with. */
function gap(
  a: Node,
  b: Node,
  budget: Budget,
  level: 0 | 1,
): { difference: number; size: number } | undefined {
  const [x, y] = [preciseValue(a, budget, level), preciseValue(b, budget, level)];
  if (!x || !y) return undefined;
  const numbers = NUMBERS[level];
  const difference = Math.max(order(numbers.subtract(x.re, y.re)), order(numbers.subtract(x.im, y.im)));
  const size = Math.max(order(x.re), order(x.im), order(y.re), order(y.im));
  // Values that are all rounding error are compared with 1, and left to the second precision.
  return { difference, size: size < -150 && difference > -Infinity ? size + 200 : size };
}

const real = (re: BigFloat): Precise => ({ re, im: ZERO });
const conjugateFree = (a: Precise): boolean => isZero(a.im);

class PreciseArithmetic implements Arithmetic<Precise> {
  constructor(
    private readonly numbers: BigFloats,
    private readonly budget: Budget,
  ) {}

  number(value: Rational): Precise {
    return real(this.numbers.from(value));
  }

  constant(name: string): Precise | undefined {
    if (name === 'pi') return real(this.numbers.pi());
    if (name === 'i') return { re: ZERO, im: { m: 1n, e: 0 } };
    const e = name === 'e' ? this.numbers.exp({ m: 1n, e: 0 }) : undefined;
    return e && real(e);
  }

  symbol(): undefined {
    return undefined;
  }

  /** An unknown function: some polynomial of its arguments, fixed by its name. */
  apply(name: string, args: readonly Precise[]): Precise | undefined {
    let state = 7n;
    for (const character of name) state = (state * 31n + BigInt(character.codePointAt(0)!)) % 9973n;
    let result: Precise | undefined = this.number(rational(state + 2003n, 9973n));
    for (const arg of args) {
      const inner: Precise | undefined = result && this.multiply(result, this.number(rational(13n, 7n)));
      result = inner && this.integerPower(this.add(inner, arg), 3n);
    }
    return result;
  }

  add(a: Precise, b: Precise): Precise {
    return { re: this.numbers.add(a.re, b.re), im: this.numbers.add(a.im, b.im) };
  }

  multiply(a: Precise, b: Precise): Precise | undefined {
    const n = this.numbers;
    if (conjugateFree(a) && conjugateFree(b)) {
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

  private inverse(a: Precise): Precise | undefined {
    const n = this.numbers;
    const [x, y] = [n.multiply(a.re, a.re), n.multiply(a.im, a.im)];
    const size = x && y && n.add(x, y);
    const re = size && n.divide(a.re, size);
    const im = size && n.divide(negate(a.im), size);
    return re && im && { re, im };
  }

  power(base: Precise, exponent: Precise | undefined, exact: Rational | undefined): Precise | undefined {
    this.budget.spend(10);
    if (exact?.d === 1n) return this.integerPower(base, exact.n);
    if (exact?.d === 2n && conjugateFree(base)) {
      const root = this.numbers.sqrt(absolute(base.re));
      const value = root && (base.re.m < 0n ? { re: ZERO, im: root } : real(root));
      return value && this.integerPower(value, exact.n);
    }
    if (isZero(base.re) && isZero(base.im)) return exact && exact.n > 0n ? base : undefined;
    if (exact && exact.d % 2n === 1n && conjugateFree(base) && base.re.m < 0n) {
      const value = this.power(real(negate(base.re)), undefined, exact);
      return value && (exact.n % 2n === 0n ? value : { re: negate(value.re), im: value.im });
    }
    const log = this.ln(base);
    const product = log && this.multiply(log, exact ? this.number(exact) : exponent!);
    return product && this.exp(product);
  }

  private integerPower(base: Precise, exponent: bigint): Precise | undefined {
    let left = exponent < 0n ? -exponent : exponent;
    if (left > 1n << 50n) return undefined;
    let result: Precise | undefined = this.number(rational(1n));
    let square: Precise | undefined = base;
    for (; left > 0n; left >>= 1n) {
      this.budget.spend(4);
      if (left & 1n) result = result && square && this.multiply(result, square);
      square = square && this.multiply(square, square);
    }
    return exponent < 0n ? result && this.inverse(result) : result;
  }

  private exp(a: Precise): Precise | undefined {
    const size = this.numbers.exp(a.re);
    if (!size || conjugateFree(a)) return size && real(size);
    const circle = this.numbers.sinCos(a.im);
    const re = circle && this.numbers.multiply(size, circle[1]);
    const im = circle && this.numbers.multiply(size, circle[0]);
    return re && im && { re, im };
  }

  private ln(a: Precise): Precise | undefined {
    const size = this.size(a);
    const re = size && this.numbers.ln(size);
    const im = conjugateFree(a) && a.re.m > 0n ? ZERO : this.numbers.atan2(a.im, a.re);
    return re && im && { re, im };
  }

  private size(a: Precise): BigFloat | undefined {
    if (conjugateFree(a)) return absolute(a.re);
    const [x, y] = [this.numbers.multiply(a.re, a.re), this.numbers.multiply(a.im, a.im)];
    return x && y && this.numbers.sqrt(this.numbers.add(x, y));
  }

  call(name: string, args: readonly Precise[]): Precise | undefined {
    this.budget.spend(40);
    const [a, b] = args as [Precise, Precise | undefined];
    const [log, base] = [name === 'ln' || name === 'log' ? this.ln(a) : undefined, b && this.ln(b)];
    if (name === 'ln') return log;
    if (name === 'log') {
      const inverse = base && this.inverse(base);
      return log && inverse && this.multiply(log, inverse);
    }
    if (name === 'abs' || name === 'norm') {
      const size = this.size(a);
      return size && real(size);
    }
    if (!args.every(conjugateFree)) return undefined;
    const value = this.realFunction(name, a.re);
    return value && real(value);
  }

  private realFunction(name: string, a: BigFloat): BigFloat | undefined {
    const n = this.numbers;
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
