/**
 * @file Compares statements that say nothing about an unknown, 10 = 2 · 5 or sin² x + cos² x = 1: what they say is how
 * they are written.
 */

import { exactValue } from '../algebra/exact.js';
import { children, hasKind, negate, number, type Node, type NodeOf } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { isWorkedOut } from './finalForm.js';

/** Tells whether an expression has no symbols, unknown functions and words. */
export const isNumeric = (node: Node): boolean => !hasKind(node, 'symbol', 'apply', 'text');

/** Tells whether an equation is a calculation behind its result: 10 = 2 · 5, but not 2 · 5 = 10. */
export function isDecomposition({ sides }: NodeOf<'relation'>, budget: WorkBudget): boolean {
  return sides.every(isNumeric) && isWorkedOut(sides[0]!, budget) && !isWorkedOut(sides.at(-1)!, budget);
}

/**
 * Tells whether two equations that hold whatever their symbols are have the same first and last sides, in either
 * order: sides that are written alike up to the order of terms and factors.
 */
export function sameIdentity(a: NodeOf<'relation'>, b: NodeOf<'relation'>, budget: WorkBudget): boolean {
  const [ours, theirs] = [a, b].map(({ sides }) =>
    [sides[0]!, sides.at(-1)!].map((side) => shapeOf(side, budget)),
  ) as [string[], string[]];
  return ours.sort().join(' = ') === theirs.sort().join(' = ');
}

/** Tells whether two expressions are written alike up to the order of their terms and factors. */
export const sameShape = (a: Node, b: Node, budget: WorkBudget): boolean =>
  shapeOf(a, budget) === shapeOf(b, budget);

/**
 * Writes how an expression is built: numbers that are worked out by their value, powers of whole numbers as products,
 * terms and factors in one order.
 */
function shapeOf(node: Node, budget: WorkBudget): string {
  budget.spend(4);
  if (node.kind === 'quantity') return `${shapeOf(node.value, budget)} ${node.unit}`;
  const isNumber = node.kind === 'number' || node.kind === 'product' || node.kind === 'percent';
  const value =
    isNumber && isNumeric(node) && isWorkedOut(node, budget) ? exactValue(node, budget) : undefined;
  if (value) return `${value.n}/${value.d}`;
  const parts = (nodes: readonly Node[]) => nodes.map((part) => shapeOf(part, budget));
  switch (node.kind) {
    case 'sum':
      return `(${parts(node.terms).sort().join(' + ')})`;
    case 'product':
    case 'power': {
      const factors = factorsOf(node);
      if (node.kind === 'power' && factors.length === 1)
        return `${shapeOf(node.base, budget)} ^ ${shapeOf(node.exponent, budget)}`;
      const isNegative = factors.filter(isBelowZero).length % 2 === 1;
      const sizes = parts(factors.map((factor) => (isBelowZero(factor) ? negate(factor) : factor)));
      return `${isNegative ? '-' : ''}[${sizes
        .filter((size) => size !== '1/1')
        .sort()
        .join(' * ')}]`;
    }
    default: {
      const name = 'name' in node ? node.name : node.kind === 'based' ? `${node.digits}_${node.base}` : '';
      const words = node.kind === 'text' ? node.text : '';
      return `${node.kind} ${name}${words}(${parts(children(node)).join(', ')})`;
    }
  }
}

const isBelowZero = (node: Node): boolean => node.kind === 'number' && node.value.n < 0n;

/** Limits the factors that a power is written as. */
const MAX_POWER = 64n;

/** Lists the factors of a product; 2² are two of them. */
function factorsOf(node: Node): readonly Node[] {
  if (node.kind === 'product') return node.factors.flatMap(factorsOf);
  if (node.kind !== 'power' || node.base.kind !== 'number' || node.exponent.kind !== 'number') return [node];
  const { n, d } = node.exponent.value;
  const isRepeated = d === 1n && n > 1n && n <= MAX_POWER;
  return isRepeated
    ? Array.from({ length: Number(n) }, () => number((node.base as NodeOf<'number'>).value))
    : [node];
}
