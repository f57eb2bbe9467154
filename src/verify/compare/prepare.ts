/** @file Brings both answers into the form in which they are compared: one letter for integers, no approximations, words read. */

import { reduceMatrices } from '../algebra/matrices.js';
import { contains, mapChildren, substitute, symbol, type Node } from '../algebra/tree.js';
import { isName, shortened, withoutApproximation, withoutIntegers, withSigns } from './equations.js';
import { onTheHour } from './nestedUnits.js';
import { withWordsRead } from './wordAnswers.js';

/** Uses one letter for the integer parameter on both sides and drops its declaration (`k ∈ ℤ`), which may be omitted. */
export function withSameIntegers(gold: Node, pred: Node): readonly [Node, Node, readonly string[]] {
  const [a, b] = [withoutIntegers(gold), withoutIntegers(pred)];
  const isAlike = b.integers.length === 0 || a.integers.length === b.integers.length;
  // A letter that the gold does not declare may be any number's name, but for multiples of π.
  const hasPi = contains(gold, (part) => part.kind === 'constant' && part.name === 'pi');
  if (a.integers.length === 0) return [gold, b.node, hasPi ? namesOf(b.integers) : []];
  if (!isAlike || a.integers.some(({ set }, index) => set !== (b.integers[index]?.set ?? set)))
    return [gold, pred, []];
  const names = new Map(b.integers.map(({ name }, index) => [name, symbol(a.integers[index]!.name)]));
  const isArgument = (part: Node) =>
    part.kind === 'apply' || (part.kind === 'symbol' && /_\{?[a-z]/.test(part.name));
  // f(n) = n + 1 is one function, whatever n runs through.
  return [a.node, substitute(b.node, names), contains(a.node, isArgument) ? [] : namesOf(a.integers)];
}

/** Lists the letters that stand for every integer, and not for positive ones only. */
const namesOf = (integers: readonly { name: string; set: string }[]): string[] =>
  integers.filter(({ set }) => set === 'Z').map(({ name }) => name);

/** Drops `x ∈ ℝ` beside the relations of a gold, which say as much without it. */
export function withoutReals(node: Node): Node {
  if (node.kind !== 'list') return node;
  const isReal = (item: Node) =>
    item.kind === 'membership' && !item.negated && item.set.kind === 'namedSet' && item.set.name === 'R';
  const rest = node.items.filter((item) => !isReal(item));
  if (rest.length === node.items.length || rest.length === 0) return node;
  if (!rest.every(({ kind }) => kind === 'relation')) return node;
  return rest.length === 1 ? rest[0]! : { ...node, items: rest };
}

/** Drops approximations, chooses signs, shortens chains, replaces memberships by their sets and words by their meaning. */
export function prepared(node: Node): Node {
  if (node.kind === 'list' || node.kind === 'set') {
    const items = withSigns({ ...node, items: node.items.map(withoutApproximation) });
    return mapChildren(items, prepared);
  }
  const plain = shortened(withSigns(withoutApproximation(node)));
  if (plain.kind === 'list') return mapChildren(plain, prepared);
  if (plain.kind === 'membership' && isName(plain.element)) {
    const set = prepared(plain.set);
    return plain.negated
      ? { kind: 'setOperation', operator: 'difference', left: { kind: 'namedSet', name: 'R' }, right: set }
      : set;
  }
  const reduced = reduceMatrices(onTheHour(plain));
  // A frame around one value is no matrix.
  const [first, ...more] = reduced.kind === 'matrix' ? reduced.rows.flat() : [];
  return first && more.length === 0 ? prepared(first) : withWordsRead(reduced);
}
