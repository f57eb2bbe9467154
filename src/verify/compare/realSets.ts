/** @file Represents sets of real numbers by membership tests and compares them at sample points. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { evaluateNode } from '../algebra/evaluateNode.js';
import { complexArithmetic, type Complex } from '../algebra/complex.js';
import { contains, sameTree, symbol, symbolsOf, type Node, type NodeOf } from '../algebra/tree.js';

/** A set of real numbers: a membership test, and the numbers at which membership may change. */
export interface RealSet {
  /** Tells whether `x` belongs to the set; undefined where that is not known. */
  has(x: number): boolean | undefined;
  readonly edges: readonly number[];
}

/**
 * Tells whether two sets of reals agree at all their edges, just beside and between them, far out and at fixed points.
 * Undefined where one of them cannot be tested.
 */
export function sameRealSet(a: RealSet, b: RealSet): boolean | undefined {
  const edges = [...a.edges, ...b.edges].sort((x, y) => x - y);
  const points = [-1e6, -977.3, -10, -3, -2, -1, -0.5, 0, 0.25, 0.5, 1, 1.75, 2, 3, 10, 1234.5, 1e6];
  edges.forEach((edge, index) => {
    const step = 1e-6 * Math.max(1, Math.abs(edge));
    points.push(edge, edge - step, edge + step);
    if (index > 0) points.push((edge + edges[index - 1]!) / 2, edge - 0.37 * (edge - edges[index - 1]!));
  });
  for (const x of points) {
    const [inA, inB] = [a.has(x), b.has(x)];
    if (inA === undefined || inB === undefined) return undefined;
    if (inA !== inB) return false;
  }
  return true;
}

/** Gives the set that a tree is or that an inequality in one variable describes; undefined for anything else. */
export function realSetOf(node: Node, budget: WorkBudget): RealSet | undefined {
  budget.spend();
  switch (node.kind) {
    case 'namedSet':
      return named(node.name);
    case 'tuple':
      return interval(node, budget);
    case 'set':
      return finite(node.items, budget);
    case 'setOperation': {
      const [left, right] = [realSetOf(node.left, budget), realSetOf(node.right, budget)];
      return left && right && combined(left, right, node.operator);
    }
    case 'relation':
      return described(node, budget);
    case 'list':
      return conjunction(node.items, budget);
    default: {
      const value = realValue(node, budget);
      return value === undefined ? undefined : finite([node], budget);
    }
  }
}

/** Tells whether two doubles are the same number up to rounding. */
const near = (x: number, y: number) =>
  Number.isFinite(x - y) && Math.abs(x - y) <= 1e-9 * Math.max(1, Math.abs(x), Math.abs(y));

function named(name: NodeOf<'namedSet'>['name']): RealSet | undefined {
  if (name === 'R') return { has: () => true, edges: [] };
  if (name === 'empty') return { has: () => false, edges: [] };
  if (name === 'Z') return { has: (x) => near(x, Math.round(x)), edges: [-2, 0, 5] };
  if (name === 'N') return { has: (x) => near(x, Math.round(x)) && x > 0.5, edges: [0, 1, 5] };
  return undefined;
}

function realValue(node: Node, budget: WorkBudget): number | undefined {
  if (node.kind === 'constant' && node.name === 'infinity') return Infinity;
  if (node.kind === 'product' && node.factors.at(-1)?.kind === 'constant' && node.factors.length === 2) {
    const [sign, last] = node.factors as [Node, NodeOf<'constant'>];
    if (last.name === 'infinity' && sign.kind === 'number') return sign.value.n < 0n ? -Infinity : Infinity;
  }
  const value = evaluateNode(
    node,
    complexArithmetic(() => undefined),
    budget,
  );
  return value && Math.abs(value.im) < 1e-12 ? value.re : undefined;
}

function interval(node: NodeOf<'tuple'>, budget: WorkBudget): RealSet | undefined {
  if (node.items.length !== 2) return undefined;
  const [lower, upper] = node.items.map((item) => realValue(item, budget));
  // (3, -4) is a point.
  if (lower === undefined || upper === undefined || lower > upper) return undefined;
  return {
    has: (x) => {
      if (near(x, lower)) return node.open === '[' && x <= upper + 1e-9;
      if (near(x, upper)) return node.close === '[';
      return x > lower && x < upper;
    },
    edges: [lower, upper].filter(Number.isFinite),
  };
}

function finite(items: readonly Node[], budget: WorkBudget): RealSet | undefined {
  const values = items.map((item) => realValue(item, budget));
  if (!values.every((value) => value !== undefined)) return undefined;
  return { has: (x) => values.some((value) => near(x, value)), edges: values };
}

function combined(a: RealSet, b: RealSet, operator: NodeOf<'setOperation'>['operator']): RealSet {
  return {
    has: (x) => {
      const [inA, inB] = [a.has(x), b.has(x)];
      if (inA === undefined || inB === undefined) return undefined;
      if (operator === 'union') return inA || inB;
      return operator === 'intersection' ? inA && inB : inA && !inB;
    },
    edges: [...a.edges, ...b.edges],
  };
}

/** Reads several inequalities: all of them must hold, or one of them if no number satisfies all. */
function conjunction(items: readonly Node[], budget: WorkBudget): RealSet | undefined {
  const sets = items.map((item) => realSetOf(item, budget));
  if (!items.every((item) => item.kind === 'relation') || !sets.every((set) => set !== undefined))
    return undefined;
  const all = sets.reduce((a, b) => combined(a, b, 'intersection'));
  const isEmpty = sameRealSet(all, { has: () => false, edges: [] }) === true;
  return isEmpty ? sets.reduce((a, b) => combined(a, b, 'union')) : all;
}

/** Gives the numbers that satisfy a relation in one variable, which may be a function's value: 0 < f(x) < 1. */
function described(node: NodeOf<'relation'>, budget: WorkBudget): RealSet | undefined {
  const plain = withValueAsVariable(node);
  const names = [...symbolsOf(plain)];
  if (names.length !== 1) return undefined;
  const valueAt = (side: Node, x: number) => {
    const value = evaluateNode(
      side,
      complexArithmetic((): Complex => ({ re: x, im: 0 })),
      budget,
    );
    return value && Math.abs(value.im) < 1e-12 ? value.re : undefined;
  };
  const sides = plain.sides.map((side) => {
    if (symbolsOf(side).size > 0) return (x: number) => valueAt(side, x);
    const constant = valueAt(side, 0);
    return () => constant;
  });
  const sidesAt = (x: number) => sides.map((side) => side(x));
  let withValues = 0;
  const test = (x: number, isEqual: (left: number, right: number) => boolean): boolean => {
    const sides = sidesAt(x);
    if (sides.every((side) => side !== undefined)) withValues++;
    return plain.operators.every((operator, index) => {
      const [left, right] = [sides[index], sides[index + 1]];
      return left !== undefined && right !== undefined && holds(operator, left, right, isEqual);
    });
  };
  // Edges are searched without tolerance, so that they are found to the last bit.
  const edges = edgesOf(plain, (x) => test(x, Object.is), sidesAt);
  // A relation without a value anywhere is unknown, not false everywhere.
  return withValues > 0 ? { has: (x) => test(x, near), edges } : undefined;
}

function holds(
  operator: string,
  left: number,
  right: number,
  isEqual: (left: number, right: number) => boolean,
): boolean {
  const equal = isEqual(left, right);
  switch (operator) {
    case '=':
      return equal;
    case '!=':
      return !equal;
    case '<':
      return !equal && left < right;
    case '>':
      return !equal && left > right;
    case '<=':
      return equal || left < right;
    default:
      return equal || left > right;
  }
}

/** Sets the number of intervals in the grid on which edges are searched. */
const GRID = 240;

/** Finds the edges of a set: wherever neighbours on a grid differ, bisects down to the last bits. */
function edgesOf(
  plain: NodeOf<'relation'>,
  has: (x: number) => boolean,
  sidesAt: (x: number) => (number | undefined)[],
): number[] {
  const edges: number[] = [];
  // The values of sides without the variable are likely edges.
  for (const side of plain.sides.keys()) {
    const [p, q] = [sidesAt(0.1234)[side], sidesAt(5.4321)[side]];
    if (p !== undefined && p === q) edges.push(p, -p);
  }
  const at = (index: number) => Math.sinh((index - GRID / 2) / 16);
  let isInside = has(at(0));
  for (let index = 1; index <= GRID; index++) {
    let [low, high] = [at(index - 1), at(index)];
    const inside = isInside;
    isInside = has(high);
    if (isInside === inside) continue;
    for (let halving = 0; halving < 50; halving++) {
      const middle = (low + high) / 2;
      if (has(middle) === inside) low = middle;
      else high = middle;
    }
    edges.push((low + high) / 2);
  }
  return edges;
}

/** Replaces the only function value of a relation by a variable: `0 < f(x) < 1`, but not `f(1) < f(2)`, which has two. */
function withValueAsVariable(node: NodeOf<'relation'>): NodeOf<'relation'> {
  const values: NodeOf<'apply'>[] = [];
  contains(node, (part) => {
    if (part.kind === 'apply') values.push(part);
    return false;
  });
  const [first] = values;
  if (!first || !values.every((value) => sameTree(value, first))) return node;
  const replace = (part: Node): Node => (part.kind === 'apply' ? symbol(first.name) : part);
  return { ...node, sides: node.sides.map(replace) };
}
