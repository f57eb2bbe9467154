/** @file Evaluates trees in exact fractions, with a limit on their size. */

import { add, bitLength, equals, floor, multiply, rational, type Rational } from '../../util/rational.js';
import type { WorkBudget } from './workBudget.js';
import { evaluateNode, type Arithmetic } from './evaluateNode.js';
import type { Node } from './tree.js';

/** Limits the bits of an exact numerator or denominator; 5000! has 54,233. */
const MAX_BITS = 65_536;
const MAX_FACTORIAL = 5000n;

/** Gives the value of a tree as a fraction; undefined where it is not one or too large. Throws only BudgetExceeded. */
export function exactValue(node: Node, budget: WorkBudget): Rational | undefined {
  if (node.kind === 'number') return node.value;
  return evaluateNode(node, new Fractions(budget), budget);
}

/**
 * Counts what an operation on these fractions costs, before it is done: Euclid's algorithm, which brings the result to
 * lowest terms, takes time as the square of its bits.
 */
export function charge(budget: WorkBudget, a: Rational, b: Rational): void {
  const bits = Math.min(bitLength(a.n) + bitLength(b.n), bitLength(a.d) + bitLength(b.d)) + 1;
  budget.spend(Math.floor(bits ** 2 / 2 ** 11));
}

/**
 * Gives the remainder of a whole-number expression, 0 to modulus - 1, without working out large powers: 7^100 mod 13.
 * Undefined for anything but whole numbers.
 */
export function remainderOf(node: Node, modulus: bigint, budget: WorkBudget): bigint | undefined {
  budget.spend();
  const inRange = (n: bigint) => ((n % modulus) + modulus) % modulus;
  const all = (nodes: readonly Node[], combine: (a: bigint, b: bigint) => bigint) =>
    nodes.reduce<bigint | undefined>((result, part, index) => {
      const next = index > 0 && result === undefined ? undefined : remainderOf(part, modulus, budget);
      return next === undefined ? undefined : inRange(index === 0 ? next : combine(result!, next));
    }, undefined);
  switch (node.kind) {
    case 'sum':
      return all(node.terms, (a, b) => a + b);
    case 'product':
      return all(node.factors, (a, b) => a * b) ?? wholeOf(node, modulus, budget);
    case 'power': {
      const exponent = exactValue(node.exponent, budget);
      const base = remainderOf(node.base, modulus, budget);
      if (base === undefined || exponent?.d !== 1n || exponent.n < 0n) return wholeOf(node, modulus, budget);
      let result = inRange(1n);
      let square = base;
      for (let left = exponent.n; left > 0n; left >>= 1n) {
        budget.spend(2 + (bitLength(modulus) >> 6));
        if (left & 1n) result = (result * square) % modulus;
        square = (square * square) % modulus;
      }
      return result;
    }
    default:
      return wholeOf(node, modulus, budget);
  }
}

function wholeOf(node: Node, modulus: bigint, budget: WorkBudget): bigint | undefined {
  const value = exactValue(node, budget);
  return value?.d === 1n ? ((value.n % modulus) + modulus) % modulus : undefined;
}

/** Gives `value` back if exact work with a number of its size stays quick, else undefined. */
function bounded(value: Rational, budget: WorkBudget): Rational | undefined {
  const bits = Math.max(bitLength(value.n), bitLength(value.d));
  budget.spend(bits >> 10);
  return bits > MAX_BITS ? undefined : value;
}

/** Fractions. A class, since one is made for every expression that may have an exact value. */
class Fractions implements Arithmetic<Rational> {
  readonly isExact = true;
  readonly exactValue = exactValue;
  readonly #budget: WorkBudget;

  constructor(budget: WorkBudget) {
    this.#budget = budget;
  }

  number(value: Rational): Rational {
    return value;
  }

  constant(): undefined {
    return undefined;
  }

  symbol(): undefined {
    return undefined;
  }

  apply(): undefined {
    return undefined;
  }

  add(a: Rational, b: Rational): Rational | undefined {
    charge(this.#budget, a, b);
    return bounded(add(a, b), this.#budget);
  }

  multiply(a: Rational, b: Rational): Rational | undefined {
    charge(this.#budget, a, b);
    return bounded(multiply(a, b), this.#budget);
  }

  power(base: Rational, _: Rational | undefined, exponent: Rational | undefined): Rational | undefined {
    return exponent && power(base, exponent, this.#budget);
  }

  call(name: string, args: readonly Rational[]): Rational | undefined {
    return call(name, args, this.#budget);
  }

  remainder(value: Node, modulus: Node): Rational | undefined {
    const below = exactValue(modulus, this.#budget);
    const rest = below?.d === 1n && below.n > 0n ? remainderOf(value, below.n, this.#budget) : undefined;
    return rest === undefined ? undefined : rational(rest);
  }
}

/** Raises `base` to an exact exponent. Takes roots that are exact, odd ones of negative numbers included. */
function power(base: Rational, exponent: Rational, budget: WorkBudget): Rational | undefined {
  if (exponent.d !== 1n) {
    if (exponent.d > 64n) return undefined;
    const [n, d] = [exactRoot(base.n, Number(exponent.d)), exactRoot(base.d, Number(exponent.d))];
    return n === undefined || d === undefined ? undefined : power({ n, d }, rational(exponent.n), budget);
  }
  const size = exponent.n < 0n ? -exponent.n : exponent.n;
  if (exponent.n < 0n && base.n === 0n) return undefined;
  const one = (n: bigint) => n === 1n || n === 0n || n === -1n;
  if (!(one(base.n) && one(base.d))) {
    const bits = BigInt(Math.max(bitLength(base.n), bitLength(base.d)));
    if (bits * size > BigInt(MAX_BITS)) return undefined;
  }
  // ±1 and 0 have few powers, however large the exponent.
  const steps = one(base.n) && one(base.d) ? size % 2n || (size > 0n ? 2n : 0n) : size;
  // Powers of a fraction in lowest terms are in lowest terms.
  const result = { n: base.n ** steps, d: base.d ** steps };
  return bounded(exponent.n < 0n ? inverse(result) : result, budget);
}

const inverse = ({ n, d }: Rational): Rational => (n < 0n ? { n: -d, d: -n } : { n: d, d: n });

/** Gives the integer whose `degree`-th power is `n`; undefined where there is none. */
function exactRoot(n: bigint, degree: number): bigint | undefined {
  if (n < 0n) {
    const root = degree % 2 === 1 ? exactRoot(-n, degree) : undefined;
    return root === undefined ? undefined : -root;
  }
  if (n < 2n) return n;
  const d = BigInt(degree);
  // Newton's method from above
  let root = 1n << BigInt(Math.ceil(bitLength(n) / degree) + 1);
  for (;;) {
    const next = ((d - 1n) * root + n / root ** (d - 1n)) / d;
    if (next >= root) return root ** d === n ? root : undefined;
    root = next;
  }
}

function call(name: string, args: readonly Rational[], budget: WorkBudget): Rational | undefined {
  const [a, b] = args as [Rational, Rational | undefined];
  switch (name) {
    case 'abs':
    case 'norm':
      return { n: a.n < 0n ? -a.n : a.n, d: a.d };
    case 'floor':
      return floor(a);
    case 'ceiling':
      return rational(-floor({ n: -a.n, d: a.d }).n);
    case 'max':
    case 'min':
      return args.reduce((x, y) => (x.n * y.d < y.n * x.d === (name === 'max') ? y : x));
    case 'log':
      return b && equals(a, b) ? rational(1n) : undefined;
  }
  if (!args.every((arg) => arg.d === 1n)) return undefined;
  const integers = args.map((arg) => arg.n);
  const result = integerFunction(name, integers, budget);
  return result === undefined ? undefined : bounded(rational(result), budget);
}

function integerFunction(name: string, args: readonly bigint[], budget: WorkBudget): bigint | undefined {
  const [n, k] = args as [bigint, bigint | undefined];
  switch (name) {
    case 'factorial':
      return fallingProduct(n, 1n, budget);
    case 'doubleFactorial':
      return fallingProduct(n, 2n, budget);
    case 'binomial':
      return k === undefined ? undefined : binomial(n, k, budget);
    case 'gcd':
      return args.map((x) => (x < 0n ? -x : x)).reduce(gcd);
    case 'lcm':
      return args.map((x) => (x < 0n ? -x : x)).reduce((x, y) => (x && y ? (x / gcd(x, y)) * y : 0n));
    default:
      return undefined;
  }
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** Multiplies n (n - step) (n - 2 step) … down to the last positive factor. */
function fallingProduct(n: bigint, step: bigint, budget: WorkBudget): bigint | undefined {
  if (n < 0n || n > MAX_FACTORIAL) return undefined;
  budget.spend(Number(n) >> 1);
  let result = 1n;
  for (let factor = n; factor > 1n; factor -= step) result *= factor;
  return result;
}

function binomial(n: bigint, k: bigint, budget: WorkBudget): bigint | undefined {
  if (k < 0n || n < 0n || k > n) return k < 0n || n >= 0n ? 0n : undefined;
  const steps = k > n - k ? n - k : k;
  if (steps > MAX_FACTORIAL || bitLength(n) * Number(steps) > MAX_BITS * 4) return undefined;
  budget.spend(Number(steps));
  let result = 1n;
  for (let step = 1n; step <= steps; step++) result = (result * (n - steps + step)) / step;
  return result;
}
