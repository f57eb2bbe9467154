/** @file Reads answers that give a value to each of several names: `(a, b) = (2, 3)`, `b = 3, a = 2`, `x = y = 0`. */

import { print } from '../algebra/print.js';
import type { Node } from '../algebra/tree.js';
import { isEquation, isName } from './equations.js';

/**
 * Gives the values by name; undefined for an answer that does not say at least two names, and for one that gives a
 * name two values.
 */
export function assignmentsOf(node: Node): ReadonlyMap<string, Node> | undefined {
  const values = new Map<string, Node>();
  const items = node.kind === 'list' ? node.items : [node];
  return items.every((item) => assign(item, values)) && values.size > 1 ? values : undefined;
}

function assign(node: Node, values: Map<string, Node>): boolean {
  if (!isEquation(node)) return false;
  const names = node.sides.slice(0, -1);
  const value = node.sides.at(-1)!;
  return names.every((name) => {
    if (name.kind === 'tuple' && value.kind === 'tuple' && name.items.length === value.items.length) {
      return name.items.every((item, index) => isName(item) && set(values, item, value.items[index]!));
    }
    return name.kind !== 'tuple' && isName(name) && set(values, name, value);
  });
}

function set(values: Map<string, Node>, name: Node, value: Node): boolean {
  const key = print(name);
  if (values.has(key)) return false;
  values.set(key, value);
  return true;
}
