/** @file Represents sets of real numbers by membership tests and compares them at sample points. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { evaluateNode } from '../algebra/evaluateNode.js';
import { realArithmetic } from '../algebra/complex.js';
import { criticalOf, realZeros, valueAt } from '../algebra/roots.js';
import {
  contains,
  difference,
  sameTree,
  symbol,
  symbolsOf,
  type Node,
  type NodeOf,
  type RelationOperator,
} from '../algebra/tree.js';

/** A set of real numbers: a membership test, and the numbers at which membership may change. */
export interface RealSet {
  /** Tells whether `x` belongs to the set; undefined where that is not known. */
  has(x: number): boolean | undefined;
  readonly edges: readonly number[];
  /** The number of sets that it is joined of; 1 if absent. */
  readonly parts?: number;
}

/**
 * Tells whether two sets of reals agree at all their edges, just beside and between them, far out and at fixed points.
 * Undefined where one of them cannot be tested.
 */
export function sameRealSet(a: RealSet, b: RealSet, budget: WorkBudget): boolean | undefined {
  const edges = [...a.edges, ...b.edges].sort((x, y) => x - y);
  const points = [-1e6, -977.3, -10, -3, -2, -1, -0.5, 0, 0.25, 0.5, 1, 1.75, 2, 3, 10, 1234.5, 1e6];
  edges.forEach((edge, index) => {
    const before = edges[index - 1];
    points.push(edge);
    if (before !== undefined && !near(before, edge))
      points.push((edge + before) / 2, edge - 0.37 * (edge - before));
  });
  if (edges.length > 0) points.push(edges[0]! - 0.01, edges.at(-1)! + 0.01);
  budget.spend((points.length * ((a.parts ?? 1) + (b.parts ?? 1))) >> 3);
  for (const x of points) {
    const [inA, inB] = [a.has(x), b.has(x)];
    if (inA === undefined || inB === undefined) return undefined;
    if (inA !== inB) return false;
  }
  return true;
}

/** Gives the set that a tree is or that an inequality in one variable describes; undefined for anything else. */
export function realSetOf(node: Node, budget: WorkBudget): RealSet | undefined {
  budget.spend(20);
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
      return joined(node, budget);
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
  return evaluateNode(
    node,
    realArithmetic(() => undefined),
    budget,
  )?.re;
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
  // Infinity is in no set of reals.
  if (!values.every(Number.isFinite)) return undefined;
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
    parts: (a.parts ?? 1) + (b.parts ?? 1),
  };
}

/**
 * Reads several conditions on one variable. Between them "or" asks for one of them, "and" for all, a comma for all or
 * for one of them if no number satisfies all.
 */
function joined({ items, joint }: NodeOf<'list'>, budget: WorkBudget): RealSet | undefined {
  const sets = items.map((item) => realSetOf(item.kind === 'membership' ? item.set : item, budget));
  const isCondition = items.every(({ kind }) => /^(?:relation|membership|namedSet)$/.test(kind));
  // x ∈ ℝ has become ℝ, of which no name is left.
  const names = new Set(
    items.filter(({ kind }) => kind !== 'namedSet').map((item) => [...symbolsOf(item)].join()),
  );
  if (!isCondition || names.size > 1 || !sets.every((set) => set !== undefined)) return undefined;
  const any = () => sets.reduce((a, b) => combined(a, b, 'union'));
  if (joint === 'or') return any();
  const all = sets.reduce((a, b) => combined(a, b, 'intersection'));
  if (joint === 'and') return all;
  const isEmpty = sameRealSet(all, { has: () => false, edges: [] }, budget) === true;
  return isEmpty ? any() : all;
}

/** Gives the numbers that satisfy a relation in one variable, which may be a function's value: 0 < f(x) < 1. */
function described(node: NodeOf<'relation'>, budget: WorkBudget): RealSet | undefined {
  budget.spend(30);
  const plain = withValueAsVariable(node);
  const [name, ...others] = symbolsOf(plain);
  if (name === undefined || others.length > 0) return undefined;
  const sides = plain.sides.map((side) => {
    if (symbolsOf(side).size > 0) return (x: number) => valueAt(side, x, budget);
    const constant = valueAt(side, 0, budget);
    return () => constant;
  });
  const links = plain.operators.map((operator, index): Link => {
    const [left, right] = [plain.sides[index]!, plain.sides[index + 1]!];
    return {
      operator,
      left: sides[index]!,
      right: sides[index + 1]!,
      zeros: zerosOf(left, right, name, budget),
    };
  });
  const domain = plain.sides.flatMap((side) =>
    criticalOf(side).flatMap((part) => realZeros(part, name, budget)),
  );
  const edges = [...links.flatMap(({ zeros }) => zeros), ...domain];
  const isKnown = [...edges, -7.3, -0.4, 0.6, 9.1].some((x) => sides.every((side) => side(x) !== undefined));
  // A relation without a value anywhere is unknown, not false everywhere.
  return isKnown ? { has: (x) => links.every((link) => holds(link, x)), edges } : undefined;
}

/** One link of a chain: its sides as functions, and where they are equal. */
interface Link {
  operator: RelationOperator;
  readonly left: (x: number) => number | undefined;
  readonly right: (x: number) => number | undefined;
  zeros: readonly number[];
}

/** Finds where two sides are equal: where their difference is zero, also if it is a product in one side only. */
function zerosOf(left: Node, right: Node, name: string, budget: WorkBudget): number[] {
  const isZero = (side: Node) => side.kind === 'number' && side.value.n === 0n;
  if (isZero(right)) return realZeros(left, name, budget);
  return realZeros(isZero(left) ? right : difference(left, right), name, budget);
}

/** Tells whether the link holds at `x`; the sides are equal at their zeros and nowhere else. */
function holds({ operator, left, right, zeros }: Link, x: number): boolean {
  const [a, b] = [left(x), right(x)];
  if (a === undefined || b === undefined) return false;
  const equal = Object.is(a, b) || zeros.some((zero) => near(zero, x));
  switch (operator) {
    case '=':
      return equal;
    case '!=':
      return !equal;
    case '<':
      return !equal && a < b;
    case '>':
      return !equal && a > b;
    case '<=':
      return equal || a < b;
    default:
      return equal || a > b;
  }
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
