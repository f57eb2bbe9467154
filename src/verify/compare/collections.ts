import type { Budget } from '../algebra/budget.js';
import { exactValue } from '../algebra/exact.js';
import type { Node } from '../algebra/tree.js';

/** Members beyond which two collections are not matched one against one. */
const MAX_MATCHED = 60;

export function sameInOrder(
  a: readonly Node[],
  b: readonly Node[],
  same: (x: Node, y: Node) => boolean,
): boolean {
  return a.length === b.length && a.every((item, index) => same(item, b[index]!));
}

/**
 * Whether two collections have the same members, whatever their order and however often one is named. Exact numbers
 * are looked up, the others matched one by one, at most 60 of them.
 */
export function sameCollection(
  a: readonly Node[],
  b: readonly Node[],
  budget: Budget,
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

/** Members by their exact value, or by side and place where they have none. */
function keyed(items: readonly Node[], side: string, budget: Budget): Map<string, Node> {
  const keyed = new Map<string, Node>();
  items.forEach((item, index) => {
    const value = item.kind === 'quantity' ? undefined : exactValue(item, budget);
    keyed.set(value ? `${value.n}/${value.d}` : `${side} ${index}`, item);
  });
  return keyed;
}
