/**
 * @file Brings two answers to one notation before they are compared: bound variables, letters before parentheses,
 * constants of integration.
 */

import { print } from '../algebra/print.js';
import {
  call,
  children,
  contains,
  hasKind,
  mapChildren,
  negate,
  product,
  substitute,
  symbol,
  symbolsOf,
  type Node,
  type NodeOf,
} from '../algebra/tree.js';
import { isPlaced, isSymmetric } from '../parse/operators.js';
import { withNestedUnits } from './nestedUnits.js';

/** Brings both sides to one notation. */
export function inOneNotation(gold: Node, pred: Node): readonly [Node, Node] {
  const bound = [withPlainBounds(gold), withPlainBounds(pred)] as const;
  const [a, b] = [withNestedUnits(...bound), withNestedUnits(bound[1], bound[0])];
  const [ours, theirs] = [withRatio(withProducts(a, b), b), withRatio(withProducts(b, a), a)];
  return [ours, withSameConstants(theirs, ours)];
}

/** Reads `3 to 4` as a ratio where the other side is one. */
const withRatio = (node: Node, other: Node): Node =>
  node.kind === 'apply' && node.name === 'relation \\to' && other.kind === 'ratio'
    ? { kind: 'ratio', parts: node.args }
    : node;

const isIntegral = (node: Node): node is NodeOf<'apply'> =>
  node.kind === 'apply' && /^(?:i{0,2}|o)int$/.test(node.name);

/** Gives bound variables one name: the index of a sum, and the variable of a definite integral. */
function withPlainBounds(node: Node): Node {
  if (!hasKind(node, 'apply', 'call', 'series')) return node;
  const plain = mapChildren(node, withPlainBounds);
  if (plain.kind === 'apply' && plain.name === 'cross') return inOrderOfNames(plain);
  if (isPlaced(plain) && isSymmetric(plain)) return { ...plain, args: sorted(plain.args) };
  if (plain.kind === 'call' && /^(?:gcd|lcm)$/.test(plain.name))
    return { ...plain, args: sorted(plain.args) };
  if (plain.kind === 'series') {
    const name = `index ${depthOf(plain.body)}`;
    const body = substitute(plain.body, new Map([[plain.index, symbol(name)]]));
    return { ...plain, index: name, body };
  }
  // An integral without limits is a function of its variable.
  if (!isIntegral(plain) || plain.args.length < 3) return plain;
  const body = plain.args.at(-1)!;
  const factors = body.kind === 'product' ? body.factors : [];
  const at = factors.findIndex(
    (factor, index) => isSymbol(factor, 'd') && factors[index + 1]?.kind === 'symbol',
  );
  if (at < 0) return plain;
  const variable = factors[at + 1] as NodeOf<'symbol'>;
  const bound = symbol(`variable ${depthOf(body)}`);
  const rest = factors.filter((_, index) => index !== at && index !== at + 1);
  const inner = substitute(product(...rest, symbol('differential')), new Map([[variable.name, bound]]));
  return { ...plain, args: [...plain.args.slice(0, -1), inner] };
}

const sorted = (nodes: readonly Node[]): Node[] => [...nodes].sort((a, b) => (print(a) < print(b) ? -1 : 1));

/** Turns a cross product so that its vectors come in the order of their names: b × a is -(a × b). */
function inOrderOfNames(node: NodeOf<'apply'>): Node {
  const [a, b] = node.args as [Node, Node];
  return print(a) <= print(b) ? node : negate({ ...node, args: [b, a] });
}

const isSymbol = (node: Node, name: string): boolean => node.kind === 'symbol' && node.name === name;

/** Counts the sums and integrals within each other. */
function depthOf(node: Node): number {
  const inner = Math.max(0, ...children(node).map(depthOf));
  return node.kind === 'series' || isIntegral(node) ? inner + 1 : inner;
}

/**
 * Reads a letter before parentheses as a factor, `g(x - y)`, or as the name of a point, `A(2, 3)`, where the other side
 * does not use it as a function.
 */
function withProducts(node: Node, other: Node): Node {
  const isFunction = (name: string) => contains(other, (part) => part.kind === 'apply' && part.name === name);
  const isLetter = (name: string) =>
    /^(?:\p{L}|\\?[a-z]+)(?:_\w+)?$/u.test(name) &&
    !/^(?:derivative|cross|[io]{0,3}int|lim|limsup|liminf)$/.test(name);
  const read = (part: Node): Node => {
    const plain = mapChildren(part, read);
    if (plain.kind !== 'apply' || !isLetter(plain.name) || isFunction(plain.name)) return plain;
    // C(8, 5) is a point only beside one.
    if (plain.name === 'C' && plain.args.length === 2 && !hasKind(other, 'tuple', 'apply'))
      return call('binomial', ...plain.args);
    if (plain.args.length > 1) return { kind: 'tuple', open: '(', close: '(', items: plain.args };
    return symbolsOf(other).has(plain.name) ? product(symbol(plain.name), plain.args[0]!) : plain;
  };
  return hasKind(node, 'apply') ? read(node) : node;
}

/** Names of constants that may be any number, as they are numbered and as they are not. */
const NUMBERED = /^[CcKk]_\{?\w\}?$/;
const CONSTANT = /^(?:[CcKk]|[CcKk]_\{?\w\}?|[A-D])$/;

/**
 * Renames the constants of integration of `pred` to those of `gold`, in the order in which they occur: several that are
 * numbered, C₁ and C₂, or one that is a term by itself, + C.
 */
function withSameConstants(pred: Node, gold: Node): Node {
  const [ours, theirs] = [inOrder(pred), inOrder(gold)];
  const free = [...ours].filter((name) => !theirs.has(name));
  const wanted = [...theirs].filter((name) => !ours.has(name));
  if (wanted.length === 0 || free.length !== wanted.length || !free.every((name) => CONSTANT.test(name)))
    return pred;
  const isConstant =
    wanted.every((name) => NUMBERED.test(name)) ||
    (wanted.length === 1 && isTerm(gold, wanted[0]!) && isTerm(pred, free[0]!));
  return isConstant
    ? substitute(pred, new Map(free.map((name, index) => [name, symbol(wanted[index]!)])))
    : pred;
}

/** Tells whether a symbol that may be a constant is a term of a sum by itself. */
const isTerm = (node: Node, name: string): boolean =>
  CONSTANT.test(name) &&
  contains(node, (part) => part.kind === 'sum' && part.terms.some((term) => isSymbol(term, name)));

/** Lists the symbols of a tree in the order in which they occur first. */
function inOrder(node: Node, into = new Set<string>()): Set<string> {
  if (node.kind === 'symbol') into.add(node.name);
  for (const child of children(node)) inOrder(child, into);
  return into;
}
