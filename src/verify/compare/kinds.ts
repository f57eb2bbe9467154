/** @file Tells the kinds of answers apart by which the ladder of compare.ts decides. Compares nothing. */

import { rational } from '../../util/rational.js';
import { contains, symbolsOf, type Node, type NodeOf } from '../algebra/tree.js';
import { exactValue } from '../algebra/exact.js';
import type { WorkBudget } from '../algebra/workBudget.js';
import { isEquation } from './equations.js';

export type Collection = NodeOf<'list' | 'set' | 'tuple'>;
export const isCollection = (node: Node): node is Collection =>
  node.kind === 'list' || node.kind === 'set' || node.kind === 'tuple';

/** Tells whether a node is an inequality, a chain of them or a list of them. */
export const isInequality = (node: Node): boolean =>
  node.kind === 'relation'
    ? !isEquation(node)
    : node.kind === 'list' && node.items.every((item) => item.kind === 'relation' && !isEquation(item));

export const isResidue = (node: Node): node is NodeOf<'residue'> =>
  node.kind === 'residue' && !node.isOperation;

/** Tells whether a pair is an interval, whose ends are no list: a square bracket includes its end. */
export const isInterval = (node: Node): boolean =>
  node.kind === 'tuple' && node.items.length === 2 && (node.open === '[' || node.close === '[');

/** Tells whether two lists of letters are joined by "and" and by "or": p ∧ q is not p ∨ q. */
export const areUnlikeStatements = (a: Collection, b: Collection): boolean =>
  a.kind === 'list' &&
  b.kind === 'list' &&
  a.joint !== undefined &&
  b.joint !== undefined &&
  a.joint !== b.joint &&
  [...a.items, ...b.items].every(({ kind }) => kind === 'symbol');

/** Tells whether a node is a set of reals, whatever it is compared with. */
export const isRealSet = (node: Node): boolean => node.kind === 'setOperation' || node.kind === 'namedSet';

/** Tells whether all equations of some lists are about one letter, subscripts aside. */
export const haveOneName = (lists: readonly Collection[]): boolean =>
  new Set(
    lists.flatMap(({ items }) => [...symbolsOf({ kind: 'list', items })].map((name) => name.split('_')[0])),
  ).size < 2;

/** Tells whether a ratio is a time of day: two digits of minutes, and not in lowest terms as a proportion would be. */
export function isTime({ parts }: NodeOf<'ratio'>): boolean {
  const [hours, minutes] = parts.map((part) =>
    part.kind === 'number' && part.value.d === 1n ? part.value.n : -1n,
  );
  if (parts.length !== 2 || hours! < 0n || hours! > 24n || minutes! < 10n || minutes! > 59n) return false;
  return rational(hours!, minutes).d !== minutes!;
}

/** Lists the members of a union; undefined where anything but unions joins them. */
export function united(node: Node): Node[] | undefined {
  if (node.kind !== 'setOperation') return [node];
  if (node.operator !== 'union') return undefined;
  const [left, right] = [united(node.left), united(node.right)];
  return left && right && [...left, ...right];
}

/** Tells whether one is a ratio and the other a whole number: 7:1 is 7/1, but no count of seven. */
export function areRatioAndCount(a: Node, b: Node, budget: WorkBudget): boolean {
  const [ratio, other] = a.kind === 'ratio' ? [a, b] : [b, a];
  return ratio.kind === 'ratio' && other.kind !== 'ratio' && isWholeNumber(other, budget);
}

/** Tells whether an expression is a whole number, and not written as a quotient or percentage. */
const isWholeNumber = (node: Node, budget: WorkBudget): boolean =>
  exactValue(node, budget)?.d === 1n &&
  !contains(node, (part) => part.kind === 'percent' || (part.kind === 'power' && isMinusOne(part.exponent)));

const isMinusOne = (node: Node): boolean =>
  node.kind === 'number' && node.value.n === -1n && node.value.d === 1n;
