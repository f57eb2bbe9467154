/** @file Reads units within expressions and relations, `x < 5 km`, where no row of the ladder compares them as quantities. */

import { contains, hasKind, mapChildren, product, type Node, type NodeOf } from '../algebra/tree.js';
import { inBaseUnits, isPlainUnit, isUnitLetter } from '../parse/units.js';

/** Tells whether a node has a unit somewhere; degrees are numbers. */
const hasUnits = (node: Node): boolean =>
  hasKind(node, 'quantity') && contains(node, (part) => part.kind === 'quantity' && part.unit !== 'degree');

/** Tells whether a node has degrees or what they are converted to. */
const hasAngles = (node: Node): boolean =>
  contains(node, (part) => part.kind === 'quantity' || (part.kind === 'constant' && part.name === 'pi'));

const isArithmetic = ({ kind }: Node): boolean => /^(?:sum|product|power|call|apply)$/.test(kind);

/**
 * Writes the units within sums, products, powers and functions as factors; drops them if the other side has none.
 * Degrees are dropped likewise, but not in the argument of a function.
 */
export function withNestedUnits(node: Node, other: Node): Node {
  if (!hasKind(node, 'quantity')) return node;
  const [isKept, hasDegrees] = [hasUnits(other), hasAngles(other)];
  const visit = (part: Node, isNested: boolean, isArgument: boolean): Node => {
    if (part.kind === 'quantity' && isNested) {
      if (part.unit !== 'degree') return asFactor(part, isKept);
      return hasDegrees || isArgument ? part : part.value;
    }
    const within = isArgument || part.kind === 'call' || part.kind === 'apply';
    return mapChildren(part, (child) => visit(child, isArithmetic(part), within));
  };
  return visit(node, isKept && isArithmetic(other), false);
}

/** Writes every unit of a relation's sides as a factor; drops them if the other side has none. */
export function withUnitsAsFactors(node: NodeOf<'relation'>, other: Node): NodeOf<'relation'> {
  if (!hasUnits(node)) return node;
  const isKept = hasUnits(other);
  const visit = (part: Node): Node =>
    part.kind === 'quantity' && part.unit !== 'degree' ? asFactor(part, isKept) : mapChildren(part, visit);
  return { ...node, sides: node.sides.map(visit) };
}

/** Words that say more than a unit always count: `or less`. */
const asFactor = (part: NodeOf<'quantity'>, isKept: boolean): Node =>
  isKept || !isPlainUnit(part.unit) ? inBaseUnits(part.value, part.unit) : part.value;

/** Reads a number before one letter that may be a unit, `1500 g` or `1 N`, as a quantity; undefined for anything else. */
export function unitInItalics(node: Node): NodeOf<'quantity'> | undefined {
  const last = node.kind === 'product' ? node.factors.at(-1)! : undefined;
  if (node.kind !== 'product' || last?.kind !== 'symbol' || !isUnitLetter(last.name)) return undefined;
  const value = product(...node.factors.slice(0, -1));
  const isNumber = !hasKind(value, 'symbol', 'quantity');
  return isNumber ? { kind: 'quantity', value, unit: last.name } : undefined;
}

/** Writes 3:00 pm as 3 pm; leaves other nodes as they are. */
export function onTheHour(node: Node): Node {
  const [hour, minutes] = node.kind === 'ratio' ? node.parts : [];
  if (!hour || minutes?.kind !== 'quantity' || !/^[ap]m$/i.test(minutes.unit)) return node;
  const isFull = minutes.value.kind === 'number' && minutes.value.value.n === 0n;
  return isFull ? { ...minutes, value: hour } : node;
}
