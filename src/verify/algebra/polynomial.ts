/** @file Reads trees as polynomials in one variable with fractions as coefficients, and finds their real roots. */

import { add as sumOf, multiply as productOf, rational, type Rational } from '../../util/rational.js';
import { toDouble } from './complex.js';
import { charge, exactValue } from './exact.js';
import type { Node } from './tree.js';
import type { WorkBudget } from './workBudget.js';

/** Coefficients, the constant first; the last one is not zero. The zero polynomial has none. */
export type Polynomial = readonly Rational[];

const MAX_DEGREE = 24;
const ZERO = rational(0n);

function add(a: Rational, b: Rational, budget: WorkBudget): Rational {
  charge(budget, a, b);
  return sumOf(a, b);
}

function multiply(a: Rational, b: Rational, budget: WorkBudget): Rational {
  charge(budget, a, b);
  return productOf(a, b);
}

/** Reads a tree as a polynomial in `name`; undefined for anything else and above degree 24. */
export function polynomialOf(node: Node, name: string, budget: WorkBudget): Polynomial | undefined {
  budget.spend();
  switch (node.kind) {
    case 'symbol':
      return node.name === name ? [ZERO, rational(1n)] : undefined;
    case 'sum':
      return fold(node.terms, name, budget, plus);
    case 'product':
      return fold(node.factors, name, budget, times);
    case 'power': {
      const exponent = exactValue(node.exponent, budget);
      const base = polynomialOf(node.base, name, budget);
      if (!base || exponent?.d !== 1n) return undefined;
      if (exponent.n < 0n) {
        const [value] = base;
        if (base.length !== 1 || exponent.n < -64n) return undefined;
        return [rational(value!.d ** -exponent.n, value!.n ** -exponent.n)];
      }
      if (exponent.n * BigInt(Math.max(base.length - 1, 1)) > MAX_DEGREE) return undefined;
      let result: Polynomial | undefined = [rational(1n)];
      for (let n = 0n; n < exponent.n; n++) result = result && times(result, base, budget);
      return result;
    }
    default: {
      const value = exactValue(node, budget);
      return value && trimmed([value]);
    }
  }
}

type Operation = (a: Polynomial, b: Polynomial, budget: WorkBudget) => Polynomial | undefined;

function fold(nodes: readonly Node[], name: string, budget: WorkBudget, combine: Operation) {
  let result: Polynomial | undefined;
  for (const node of nodes) {
    const next = polynomialOf(node, name, budget);
    if (!next) return undefined;
    result = result ? combine(result, next, budget) : next;
    if (!result) return undefined;
  }
  return result;
}

function trimmed(coefficients: readonly Rational[]): Polynomial {
  const length = coefficients.findLastIndex(({ n }) => n !== 0n) + 1;
  return coefficients.slice(0, length);
}

const plus: Operation = (a, b, budget) =>
  trimmed(
    Array.from({ length: Math.max(a.length, b.length) }, (_, power) =>
      add(a[power] ?? ZERO, b[power] ?? ZERO, budget),
    ),
  );

const times: Operation = (a, b, budget) => {
  if (a.length + b.length - 2 > MAX_DEGREE) return undefined;
  budget.spend(3 * a.length * b.length);
  const result = Array.from({ length: Math.max(a.length + b.length - 1, 0) }, () => ZERO);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      result[i + j] = add(result[i + j]!, multiply(x, y, budget), budget);
    });
  });
  return trimmed(result);
};

const scaled = (a: Polynomial, factor: Rational, budget: WorkBudget): Polynomial =>
  a.map((x) => multiply(x, factor, budget));

const inverse = ({ n, d }: Rational): Rational => rational(d, n);

const monic = (a: Polynomial, budget: WorkBudget): Polynomial => scaled(a, inverse(a.at(-1)!), budget);

const derivative = (a: Polynomial, budget: WorkBudget): Polynomial =>
  a.slice(1).map((x, index) => multiply(x, rational(BigInt(index + 1)), budget));

/** Divides `a` by `b`, which is monic. */
function divided(
  a: Polynomial,
  b: Polynomial,
  budget: WorkBudget,
): { quotient: Polynomial; rest: Polynomial } {
  const quotient = Array.from({ length: Math.max(0, a.length - b.length + 1) }, () => ZERO);
  let rest = a;
  while (rest.length >= b.length) {
    budget.spend(b.length);
    const shift = rest.length - b.length;
    const lead = rest.at(-1)!;
    quotient[shift] = lead;
    const less = scaled(b, { n: -lead.n, d: lead.d }, budget);
    rest = trimmed(rest.map((x, power) => (power < shift ? x : add(x, less[power - shift]!, budget))));
  }
  return { quotient, rest };
}

/** Divides a polynomial by what it shares with its derivative: the roots stay, each of them single. */
function squareFree(a: Polynomial, budget: WorkBudget): Polynomial {
  let [shared, next] = [monic(a, budget), derivative(a, budget)];
  while (next.length > 0) {
    const divisor = monic(next, budget);
    [shared, next] = [divisor, divided(shared, divisor, budget).rest];
  }
  return shared.length > 1 ? divided(a, shared, budget).quotient : a;
}

/** Gives the distinct real roots in ascending order, each to the last bits of a double. */
export function realRoots(polynomial: Polynomial, budget: WorkBudget): number[] {
  if (polynomial.length < 2) return [];
  budget.spend(20 * polynomial.length);
  const [constant, slope] = polynomial as [Rational, Rational];
  if (polynomial.length === 2) return [-toDouble(rational(constant.n * slope.d, constant.d * slope.n))];
  return rootsOfDoubles(squareFree(polynomial, budget).map(toDouble), budget);
}

/** Finds the roots between those of the derivative, where a polynomial rises or falls throughout. */
function rootsOfDoubles(coefficients: readonly number[], budget: WorkBudget): number[] {
  if (coefficients.length < 2) return [];
  if (coefficients.length === 2) return [-coefficients[0]! / coefficients[1]!];
  const turns = rootsOfDoubles(
    coefficients.slice(1).map((x, index) => x * (index + 1)),
    budget,
  );
  const lead = coefficients.at(-1)!;
  // Cauchy's bound
  const bound = 1 + Math.max(...coefficients.map((x) => Math.abs(x / lead)));
  const at = (x: number) => coefficients.reduceRight((value, coefficient) => value * x + coefficient, 0);
  const edges = [-bound, ...turns, bound];
  const roots: number[] = [];
  for (let index = 1; index < edges.length; index++) {
    budget.spend(8);
    const root = between(at, edges[index - 1]!, edges[index]!);
    if (root !== undefined && root !== roots.at(-1)) roots.push(root);
  }
  return roots;
}

/** Bisects to the last bit; undefined where `at` has one sign at both ends. */
export function between(
  at: (x: number) => number,
  from: number,
  to: number,
  halvings = 200,
): number | undefined {
  let [low, high] = [from, to];
  const [first, last] = [at(low), at(high)];
  if (first === 0) return low;
  if (last === 0) return high;
  if (first > 0 === last > 0) return undefined;
  for (let halving = 0; halving < halvings; halving++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    const value = at(middle);
    if (value === 0) return middle;
    if (value > 0 === first > 0) low = middle;
    else high = middle;
  }
  return low;
}
