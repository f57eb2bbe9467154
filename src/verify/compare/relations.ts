/** @file Compares two chains of relations link by link. Relations as sets of reals are in realSets.ts. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { evaluateNode } from '../algebra/evaluateNode.js';
import { identical, sample } from '../algebra/identity.js';
import { ModularPoint } from '../algebra/modular.js';
import { complexArithmetic, divide, magnitude, subtract, type Complex } from '../algebra/complex.js';
import { withPlainArguments } from './equations.js';
import { difference, quotient, type Node, type NodeOf, type RelationOperator } from '../algebra/tree.js';

type Relation = NodeOf<'relation'>;

/** One link of a chain as `left - right`, turned so that the operator is one of `=`, `!=`, `<`, `<=`. */
interface Link {
  operator: RelationOperator;
  residual: Node;
}

/**
 * Tells whether two chains of relations have the same meaning: link by link, in the same or in reversed order, the
 * differences of the sides must be proportional, for an inequality by a positive factor. Relations that are equivalent
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
    if (operator === '>') return { operator: '<', residual: difference(right, left) };
    if (operator === '>=') return { operator: '<=', residual: difference(right, left) };
    return { operator: operator === '==' ? '=' : operator, residual: difference(left, right) };
  });
}

function sameLink(a: Link, b: Link, budget: WorkBudget): boolean {
  if (a.operator !== b.operator) return false;
  const hasDirection = a.operator === '<' || a.operator === '<=';
  const factor = proportion(a.residual, b.residual, budget);
  return factor !== undefined && (!hasDirection || (factor.im === 0 && factor.re > 0));
}

/** Sets the number of samples at which a proportion that is not proven must hold. */
const SAMPLES = 6;

/** Gives the constant c of `a = c·b`; undefined where there is none or it is zero. */
function proportion(a: Node, b: Node, budget: WorkBudget): Complex | undefined {
  const proven = isConstantModulo(a, b, budget);
  if (proven === false) return undefined;
  const factors: Complex[] = [];
  for (let index = 0; index < 2 * SAMPLES && factors.length < SAMPLES; index++) {
    const arithmetic = complexArithmetic((name) => sample(name, index, 'positive'));
    const [x, y] = [evaluateNode(a, arithmetic, budget), evaluateNode(b, arithmetic, budget)];
    if (x && y && magnitude(y) > 1e-12 && magnitude(x) > 1e-12) factors.push(divide(x, y));
  }
  const [first] = factors;
  if (!first) return identical(a, b, budget).equal ? { re: 1, im: 0 } : undefined;
  const isConstant = factors.every((factor) => magnitude(subtract(factor, first)) <= 1e-8 * magnitude(first));
  if (!isConstant || (!proven && factors.length < SAMPLES)) return undefined;
  return Math.abs(first.im) < 1e-9 * magnitude(first) ? { re: first.re, im: 0 } : first;
}

/** Tells whether a/b is the same at two points of a prime field; undefined where that proves nothing. */
function isConstantModulo(a: Node, b: Node, budget: WorkBudget): boolean | undefined {
  const points = [new ModularPoint(0xbadn), new ModularPoint(0xcabn)] as const;
  const [x, y] = points.map((point) => evaluateNode(quotient(a, b), point, budget));
  if (x === undefined || y === undefined) return undefined;
  if (x === y) return true;
  return points[0].isRational ? false : undefined;
}
