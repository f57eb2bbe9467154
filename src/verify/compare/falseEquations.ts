/** @file Recognizes equations that are false whatever their symbols are: 7 = 5, 3 = (1, 2). They state nothing. */

import { magnitude, subtract, type Complex } from '../algebra/complex.js';
import { exactValue } from '../algebra/exact.js';
import { contains, hasKind, number, product, type Node, type NodeOf } from '../algebra/tree.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { equals, rational } from '../../util/rational.js';
import { inUnit } from '../parse/units.js';
import { roughValue } from './collections.js';

/**
 * Tells whether two sides are constants that differ by more than a rounding, or a number and several. The sides are
 * neighbours or have one other between them: 3 = x = 2.
 */
export function isFalseEquation({ sides }: NodeOf<'relation'>, budget: WorkBudget): boolean {
  return sides.some((side, index) =>
    sides.slice(index + 1, index + 3).some((other) => isFalse(side, other, budget)),
  );
}

function isFalse(a: Node, b: Node, budget: WorkBudget): boolean {
  const [left, right] = inOneUnit(a, b);
  const [values, others] = [valuesOf(left, budget), valuesOf(right, budget)];
  if (isSeveral(left) || isSeveral(right))
    return isSeveral(left) ? !isSeveral(right) && others.length > 0 : values.length > 0;
  if (values.length === 0 || others.length === 0) return false;
  const [exact, other] = [exactValue(left, budget), exactValue(right, budget)];
  if (exact && other && ![left, right].some(isRounded)) return !equals(exact, other);
  return !values.some((value) => others.some((next) => isClose(value, next)));
}

const isClose = (value: Complex, other: Complex): boolean =>
  magnitude(subtract(value, other)) <= 0.02 * magnitude(value);

/** Tells whether a side may be rounded, or be a percentage, which has two readings. */
const isRounded = (side: Node): boolean =>
  contains(side, (part) => part.kind === 'percent' || (part.kind === 'number' && part.written === 'decimal'));

const valuesOf = (side: Node, budget: WorkBudget): Complex[] =>
  readingsOf(side).flatMap((reading) => roughValue(reading, budget) ?? []);

/** Lists what a side may mean: both 1/4 = 25% and 1/4 · 100 = 25% are written. */
const readingsOf = (node: Node): Node[] =>
  node.kind === 'percent' ? [node.value, product(number(rational(1n, 100n)), node.value)] : [node];

/** Tells whether a node is no single value: a point, an interval, a set, a matrix, two signs. */
const isSeveral = (node: Node): boolean =>
  /^(?:tuple|set|namedSet|setOperation|matrix)$/.test(node.kind) || hasKind(node, 'plusMinus');

/** Drops a unit. A dollar sign may be the end of a formula that was escaped, so that it is left. */
const withoutUnit = (side: Node): Node =>
  side.kind === 'quantity' && side.unit !== 'dollar' ? side.value : side;

/** Gives the numbers of two sides without their units, the second in the unit of the first. */
function inOneUnit(a: Node, b: Node): readonly [Node, Node] {
  const areBoth = a.kind === 'quantity' && b.kind === 'quantity';
  const converted = areBoth ? inUnit(b.value, b.unit, a.unit) : undefined;
  return [withoutUnit(a), converted ?? withoutUnit(b)];
}
