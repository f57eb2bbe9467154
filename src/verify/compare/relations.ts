/** @file Compares two chains of relations link by link. Relations as sets of reals are in realSets.ts. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { evaluateNode } from '../algebra/evaluateNode.js';
import { identical } from '../algebra/identity.js';
import { ModularPoint } from '../algebra/modular.js';
import { realArithmetic } from '../algebra/complex.js';
import { pointsFor } from '../algebra/samples.js';
import { withPlainArguments } from './equations.js';
import { sameShape } from './identities.js';
import {
  difference,
  hasKind,
  quotient,
  type Node,
  type NodeOf,
  type RelationOperator,
} from '../algebra/tree.js';

type Relation = NodeOf<'relation'>;

/** One link of a chain, turned so that the operator is one of `=`, `!=`, `<`, `<=`; `residual` is `left - right`. */
interface Link {
  operator: RelationOperator;
  left: Node;
  right: Node;
  residual: Node;
}

/**
 * Tells whether two chains of relations have the same meaning: link by link, in the same or in reversed order, the
 * differences of the sides must be proportional, for an inequality by a positive factor. Where they are zero or have no
 * symbols, all are proportional: 10 = 2 · 5 and 10 = 2 + 8 differ by how they are written. Relations that are equivalent
 * in another way (x² < 4, |x| < 2) are not recognized here.
 */
export function sameRelation(gold: Relation, pred: Relation, budget: WorkBudget): boolean {
  const [a, b] = [links(withPlainArguments(gold)), links(withPlainArguments(pred))];
  if (a.length !== b.length) return false;
  const same = (other: Link[]) => a.every((link, index) => sameLink(link, other[index]!, budget));
  return same(b) || (b.length > 1 && same([...b].reverse()));
}

function links(node: Node): Link[] {
  if (node.kind !== 'relation') return [];
  return node.operators.map((operator, index) => {
    const [left, right] = [node.sides[index]!, node.sides[index + 1]!];
    if (operator === '>' || operator === '>=') {
      const turned = operator === '>' ? '<' : '<=';
      return { operator: turned, left: right, right: left, residual: difference(right, left) };
    }
    return { operator: operator === '==' ? '=' : operator, left, right, residual: difference(left, right) };
  });
}

function sameLink(a: Link, b: Link, budget: WorkBudget): boolean {
  if (a.operator !== b.operator) return false;
  const hasDirection = a.operator === '<' || a.operator === '<=';
  if (!isVariable(a.residual) && !isVariable(b.residual)) return sameSides(a, b, budget);
  const factor = proportion(a.residual, b.residual, budget);
  // Rounding errors may hide that the residuals are zero.
  if (factor === 'zero' || (factor === undefined && a.operator === '=')) return sameSides(a, b, budget);
  return factor !== undefined && (!hasDirection || factor > 0);
}

/** Tells whether two links have the same sides: the same values, or for equations the same expressions. */
function sameSides(a: Link, b: Link, budget: WorkBudget): boolean {
  const same = (x: Node, y: Node) =>
    a.operator === '=' || a.operator === '~' ? sameShape(x, y, budget) : identical(x, y, budget).equal;
  if (same(a.left, b.left) && same(a.right, b.right)) return true;
  return !a.operator.startsWith('<') && same(a.left, b.right) && same(a.right, b.left);
}

/** Sets the number of points at which a proportion must hold. */
const WANTED = 6;

/**
 * Gives the constant c of `a = c·b`, where both have real values; undefined where there is none or it is zero, 'zero'
 * where both are zero everywhere.
 */
function proportion(a: Node, b: Node, budget: WorkBudget): number | 'zero' | undefined {
  if (!isVariable(a) || !isVariable(b)) return undefined;
  if (isConstantModulo(a, b, budget) === false) return undefined;
  let factor: number | undefined;
  let [agreements, zeros] = [0, 0];
  for (const { draw, values } of pointsFor([a, b], budget)) {
    const arithmetic = realArithmetic((name) => values.get(name), draw);
    const [x, y] = [a, b].map((node) => evaluateNode(node, arithmetic, budget)?.re);
    if (x === undefined || y === undefined) continue;
    if (Math.abs(x) <= 1e-12 && Math.abs(y) <= 1e-12) {
      zeros++;
      continue;
    }
    factor ??= x / y;
    // 0 = 0 says nothing.
    if (factor === 0 || !(Math.abs(x - factor * y) <= 1e-8 * Math.max(Math.abs(x), Math.abs(factor * y))))
      return undefined;
    agreements++;
  }
  if (agreements >= WANTED) return factor;
  if (agreements === 0 && zeros >= WANTED) return 'zero';
  return identical(a, b, budget).equal ? 1 : undefined;
}

/** Tells whether the value of an expression is left open by a symbol or an unknown function. */
const isVariable = (node: Node): boolean => hasKind(node, 'symbol', 'apply', 'text');

/** Tells whether a/b is the same at two points of a prime field; undefined where that proves nothing. */
function isConstantModulo(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  const points = [new ModularPoint(0xbadn), new ModularPoint(0xcabn)] as const;
  const [x, y] = points.map((point) => evaluateNode(quotient(a, b), point, budget));
  if (x === undefined || y === undefined) return undefined;
  if (x === y) return true;
  return points[0].isRational ? false : undefined;
}
