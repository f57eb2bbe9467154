/**
 * @file Walks a tree and computes its value in any arithmetic. Knows no particular arithmetic: each has a file of
 * its own.
 */

import { rational, type Rational } from '../../util/rational.js';
import type { WorkBudget } from './workBudget.js';
import { number, substitute, type ConstantName, type Node, type NodeOf } from './tree.js';

/**
 * The numbers that a tree is evaluated in: fractions, a prime field, complex doubles, numbers of 60 or 90 digits.
 * Undefined means "no value here": a division by zero, an argument outside the domain, a function that this
 * arithmetic does not have.
 */
export interface Arithmetic<T> {
  /** Whether this is the arithmetic of fractions itself (`exact.ts`). */
  readonly isExact?: boolean;
  /** Gives the value of a tree as a fraction, whatever the arithmetic; undefined where it is not one. */
  readonly exactValue: (node: Node, budget: WorkBudget) => Rational | undefined;
  number(value: Rational): T | undefined;
  constant(name: ConstantName): T | undefined;
  symbol(name: string): T | undefined;
  add(a: T, b: T): T | undefined;
  multiply(a: T, b: T): T | undefined;
  /** Takes the exponent as a fraction, `exact`, or its value where it is not one. */
  power(base: T, exponent: T | undefined, exact: Rational | undefined): T | undefined;
  /** Applies a function with a known meaning. */
  call(name: string, args: readonly T[]): T | undefined;
  /** Gives what is left of a value when it is divided, in the arithmetic of fractions only. */
  remainder?(value: Node, modulus: Node): T | undefined;
  /** Applies a function of which nothing is known. */
  apply(name: string, args: readonly T[]): T | undefined;
}

/** Limits the terms of a written sum or product that is worked out term by term. */
const MAX_TERMS = 200;
const INTEGER_FUNCTIONS = /^(?:factorial|doubleFactorial|binomial|floor|ceiling|gcd|lcm)$/;
const DEGREE = rational(1n, 180n);

/** Gives the value of `node`, undefined where it has none in this arithmetic. Throws only BudgetExceeded. */
export function evaluateNode<T>(node: Node, arithmetic: Arithmetic<T>, budget: WorkBudget): T | undefined {
  budget.spend();
  switch (node.kind) {
    case 'number':
      return arithmetic.number(node.value);
    case 'constant':
      return arithmetic.constant(node.name);
    case 'symbol':
      return arithmetic.symbol(node.name);
    case 'text':
      return arithmetic.symbol(`text ${node.text}`);
    case 'sum':
      return sumOf(node.terms, arithmetic, budget);
    case 'product':
      return productOf(node.factors, arithmetic, budget);
    case 'power': {
      budget.spend(12);
      const exact = arithmetic.exactValue(node.exponent, budget);
      const exponent =
        exact || arithmetic.isExact ? undefined : evaluateNode(node.exponent, arithmetic, budget);
      if (!exact && exponent === undefined) return undefined;
      const base = evaluateNode(node.base, arithmetic, budget);
      return base === undefined ? undefined : arithmetic.power(base, exponent, exact);
    }
    case 'call': {
      const isCounted = !arithmetic.isExact && INTEGER_FUNCTIONS.test(node.name);
      const exact = isCounted ? arithmetic.exactValue(node, budget) : undefined;
      if (exact) return arithmetic.number(exact);
      const args = allOf(node.args, arithmetic, budget);
      return args && arithmetic.call(node.name, args);
    }
    case 'apply': {
      const args = allOf(node.args, arithmetic, budget);
      return args && arithmetic.apply(node.name, args);
    }
    case 'series':
      return series(node, arithmetic, budget);
    case 'percent': {
      const hundredth = arithmetic.number(rational(1n, 100n));
      return fold([evaluateNode(node.value, arithmetic, budget), hundredth], (a, b) =>
        arithmetic.multiply(a, b),
      );
    }
    case 'quantity': {
      if (node.unit !== 'degree') return evaluateNode(node.value, arithmetic, budget);
      const factors = [
        evaluateNode(node.value, arithmetic, budget),
        arithmetic.constant('pi'),
        arithmetic.number(DEGREE),
      ];
      return fold(factors, (a, b) => arithmetic.multiply(a, b));
    }
    case 'based': {
      const whole = integerInBase(node.digits, node.base);
      return whole === undefined ? undefined : arithmetic.number(rational(whole));
    }
    case 'residue': {
      if (!node.isOperation) return undefined;
      if (arithmetic.remainder) return arithmetic.remainder(node.value, node.modulus);
      const exact = arithmetic.exactValue(node, budget);
      return exact && arithmetic.number(exact);
    }
    case 'ratio': {
      if (node.parts.length !== 2 || node.parts.some(({ kind }) => kind === 'quantity')) return undefined;
      const [above, below] = node.parts.map((part) => evaluateNode(part, arithmetic, budget));
      const inverse = below === undefined ? undefined : arithmetic.power(below, undefined, rational(-1n));
      return fold([above, inverse], (a, b) => arithmetic.multiply(a, b));
    }
    default:
      return undefined;
  }
}

/** Reads `digits` as an integer in `base` (2 to 36); undefined where a digit is too large for the base. */
function integerInBase(digits: string, base: number): bigint | undefined {
  if (base < 2 || base > 36) return undefined;
  let value = 0n;
  for (const character of digits) {
    const digit = parseInt(character, 36);
    if (!(digit < base)) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  return value;
}

function fold<T>(values: (T | undefined)[], combine: (a: T, b: T) => T | undefined): T | undefined {
  return values.reduce((a, b) => (a === undefined || b === undefined ? undefined : combine(a, b)));
}

/** Gives the values of all nodes; undefined where one has none, behind which nothing is worked out. */
function allOf<T>(nodes: readonly Node[], arithmetic: Arithmetic<T>, budget: WorkBudget): T[] | undefined {
  const values: T[] = [];
  for (const node of nodes) {
    const value = evaluateNode(node, arithmetic, budget);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function sumOf<T>(terms: readonly Node[], arithmetic: Arithmetic<T>, budget: WorkBudget): T | undefined {
  const values = allOf(terms, arithmetic, budget);
  return values && fold(values, (a, b) => arithmetic.add(a, b));
}

function productOf<T>(
  factors: readonly Node[],
  arithmetic: Arithmetic<T>,
  budget: WorkBudget,
): T | undefined {
  const values = allOf(factors, arithmetic, budget);
  return values && fold(values, (a, b) => arithmetic.multiply(a, b));
}

function all<T>(values: (T | undefined)[]): T[] | undefined {
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** Works out a short sum or product; treats any other as an unknown function of its limits and body. */
function series<T>(node: NodeOf<'series'>, arithmetic: Arithmetic<T>, budget: WorkBudget): T | undefined {
  const [from, to] = [node.from, node.to].map((limit) => arithmetic.exactValue(limit, budget));
  const count = from && to && from.d === 1n && to.d === 1n ? to.n - from.n + 1n : undefined;
  if (from && count !== undefined && count > 0n && count <= MAX_TERMS) {
    const terms: (T | undefined)[] = [];
    for (let k = 0n; k < count; k++) {
      budget.spend(30);
      const body = substitute(node.body, new Map([[node.index, number(from.n + k)]]));
      terms.push(evaluateNode(body, arithmetic, budget));
    }
    return fold(terms, (a, b) =>
      node.operator === 'sum' ? arithmetic.add(a, b) : arithmetic.multiply(a, b),
    );
  }
  const args = all([node.from, node.to, node.body].map((part) => evaluateNode(part, arithmetic, budget)));
  return args && arithmetic.apply(`${node.operator} over ${node.index}`, args);
}
