/** @file Matches the members of two lists, in order or in any order. How members compare is the caller's. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { exactValue } from '../algebra/exact.js';
import type { Node } from '../algebra/tree.js';

/** Limits the members that are matched one by one. */
const MAX_MATCHED = 60;

/** Tells whether two lists are the same item by item, in order. */
export function sameInOrder(
  a: readonly Node[],
  b: readonly Node[],
  same: (x: Node, y: Node) => boolean,
): boolean {
  return a.length === b.length && a.every((item, index) => same(item, b[index]!));
}

/**
 * Tells whether two collections have the same members, whatever their order and however often one is named. Exact
 * numbers are looked up; at most 60 other members are matched one by one.
 */
export function sameCollection(
  a: readonly Node[],
  b: readonly Node[],
  budget: WorkBudget,
  same: (x: Node, y: Node) => boolean,
): boolean {
  const [left, right] = [keyed(a, 'left', budget), keyed(b, 'right', budget)];
  const ours = [...left].filter(([key]) => !right.has(key)).map(([, node]) => node);
  const theirs = [...right].filter(([key]) => !left.has(key)).map(([, node]) => node);
  if (ours.length > MAX_MATCHED || theirs.length > MAX_MATCHED) return false;
  const [all, others] = [[...left.values()], [...right.values()]];
  return (
    ours.every((item) => others.some((other) => same(item, other))) &&
    theirs.every((item) => all.some((other) => same(other, item)))
  );
}

/** Maps members by their exact value, or by side and place where they have none. */
function keyed(items: readonly Node[], side: string, budget: WorkBudget): Map<string, Node> {
  const keyed = new Map<string, Node>();
  items.forEach((item, index) => {
    const value = item.kind === 'quantity' ? undefined : exactValue(item, budget);
    keyed.set(value ? `${value.n}/${value.d}` : `${side} ${index}`, item);
  });
  return keyed;
}
