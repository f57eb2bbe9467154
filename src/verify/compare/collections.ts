/** @file Matches the members of two lists, in order or in any order. How members compare is the caller's. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { complexArithmetic, magnitude, subtract, type Complex } from '../algebra/complex.js';
import { evaluateNode } from '../algebra/evaluateNode.js';
import { exactValue } from '../algebra/exact.js';
import { hasKind, keyOf, type Node, type NodeOf } from '../algebra/tree.js';

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
 * numbers, tuples of them and members with the same tree are looked up; at most 60 others are matched one by one,
 * constants and tuples of them only with those of about their value.
 */
export function sameCollection(
  a: readonly Node[],
  b: readonly Node[],
  budget: WorkBudget,
  same: (x: Node, y: Node) => boolean,
): boolean {
  const [left, right] = [keyed(a, budget), keyed(b, budget)];
  const ours = [...left].filter(([key]) => !right.has(key)).map(([, node]) => node);
  const theirs = [...right].filter(([key]) => !left.has(key)).map(([, node]) => node);
  if (ours.length === 0 && theirs.length === 0) return true;
  if (ours.length > MAX_MATCHED || theirs.length > MAX_MATCHED) return false;
  const rough = new Map([...left.values(), ...right.values()].map((node) => [node, roughly(node, budget)]));
  const mayBeSame = (x: Node, y: Node) => areNear(rough.get(x)!, rough.get(y)!);
  const [all, others] = [[...left.values()], [...right.values()]];
  return (
    ours.every((item) => others.some((other) => mayBeSame(item, other) && same(item, other))) &&
    theirs.every((item) => all.some((other) => mayBeSame(item, other) && same(other, item)))
  );
}

/** Maps members by their exact value, or by their tree where they have none. */
const keyed = (items: readonly Node[], budget: WorkBudget): Map<string, Node> =>
  new Map(items.map((item) => [exactKey(item, budget) ?? keyOf(item), item]));

/**
 * Writes an exact number, with its unit or the name that has this value, or a tuple or set of exact numbers, such as an
 * interval; undefined for anything else.
 */
function exactKey(node: Node, budget: WorkBudget): string | undefined {
  if (node.kind === 'ratio') return undefined;
  if (node.kind === 'quantity') {
    const key = exactKey(node.value, budget);
    return key && `${key} ${node.unit}`;
  }
  if (node.kind === 'relation') {
    const named = nameAndValue(node);
    const key = named && exactKey(named.value, budget);
    return key && `${named.name} = ${key}`;
  }
  if (node.kind !== 'tuple' && node.kind !== 'set') {
    const value = exactValue(node, budget);
    return value && `${value.n}/${value.d}`;
  }
  const keys = node.items.map((item) => exactKey(item, budget));
  if (!keys.every((key) => key !== undefined)) return undefined;
  return node.kind === 'set'
    ? `{${[...new Set(keys)].sort().join()}}`
    : `${node.open}${keys.join()}${node.close}`;
}

/** Splits `x = 2` into the name and the value; undefined for any other relation. */
function nameAndValue({ sides, operators }: NodeOf<'relation'>): { name: string; value: Node } | undefined {
  const [name, value] = sides as [Node, Node];
  const isNamed = name.kind === 'symbol' && sides.length === 2 && operators[0] === '=';
  return isNamed ? { name: name.name, value } : undefined;
}

/** About what a member is worth, part by part where it is a tuple, and the unit in which or the name of which it is said. */
interface Rough {
  readonly value: Complex | undefined;
  readonly parts?: readonly Rough[];
  readonly unit?: string;
  readonly name?: string;
}

function roughly(node: Node, budget: WorkBudget): Rough {
  if (node.kind === 'quantity') return { value: roughValue(node.value, budget), unit: node.unit };
  const named = node.kind === 'relation' ? nameAndValue(node) : undefined;
  if (named) return { value: roughValue(named.value, budget), name: named.name };
  if (node.kind === 'tuple')
    return { value: undefined, parts: node.items.map((item) => roughly(item, budget)) };
  return { value: roughValue(node, budget) };
}

/** Tells whether two members may be the same; a value in another unit may be converted, and a name may be left out. */
function areNear(x: Rough, y: Rough): boolean {
  if (x.name !== undefined && y.name !== undefined && x.name !== y.name) return false;
  if (x.parts && y.parts)
    return (
      x.parts.length === y.parts.length && x.parts.every((part, index) => areNear(part, y.parts![index]!))
    );
  return x.unit !== y.unit || x.name !== y.name || isNear(x.value, y.value);
}

/** Gives a constant's value as a double; undefined for what has symbols, a unit or a sign of percent. */
export function roughValue(node: Node, budget: WorkBudget): Complex | undefined {
  const isPlain = !hasKind(node, 'symbol', 'text', 'apply', 'quantity', 'percent');
  return isPlain
    ? evaluateNode(
        node,
        complexArithmetic(() => undefined),
        budget,
      )
    : undefined;
}

/** Tells whether two values may be the same when they are compared to six places; what is not known may be. */
const isNear = (x: Complex | undefined, y: Complex | undefined): boolean =>
  !x || !y || magnitude(subtract(x, y)) <= 1e-5 * Math.max(1, magnitude(x));
