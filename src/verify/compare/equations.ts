/** @file Rewrites equations, approximations and signs into the values that they state. Compares nothing. */

import { print } from '../algebra/print.js';
import { isWholeByName } from '../algebra/samples.js';
import {
  contains,
  hasKind,
  mapChildren,
  negate,
  quotient,
  substitute,
  symbol,
  symbolsOf,
  type Node,
  type NodeOf,
} from '../algebra/tree.js';

type Relation = NodeOf<'relation'>;

/** Tells whether a node is an equation or a chain of equations. */
export const isEquation = (node: Node): node is Relation =>
  node.kind === 'relation' && node.operators.every((operator) => operator === '=' || operator === '==');

/** Tells whether a side only names something: `x`, `f(x)`, `|AB|`, `a_1:a_2`, `(p, q)`, `NO/BO`, but no sum or number. */
export function isName(node: Node): boolean {
  switch (node.kind) {
    case 'symbol':
    case 'text':
    case 'apply':
      return true;
    case 'constant':
      return node.name !== 'infinity';
    case 'product':
      return node.factors.every(isName);
    case 'power':
      return isName(node.base) && node.exponent.kind === 'number' && node.exponent.value.n === -1n;
    case 'tuple':
      return node.items.every(isName);
    case 'ratio':
      return node.parts.every(isName);
    case 'call':
      return /^(?:abs|norm|max|min|det|gcd|lcm|arg)$/.test(node.name) && node.args.every(isName);
    default:
      return false;
  }
}

/**
 * Drops what is only approximate from a relation: `x = 1/3 ≈ 0.33` becomes x = 1/3, `√3/3 ≈ 0.577` becomes √3/3. After
 * a mere name the approximation is the answer: `x ≈ 11` becomes x = 11.
 */
export function withoutApproximation(node: Node): Node {
  if (node.kind !== 'relation') return node;
  const at = node.operators.indexOf('~');
  if (at < 0) return node;
  if (at === 0 && isName(node.sides[0]!)) {
    return withoutApproximation({ ...node, operators: ['=', ...node.operators.slice(1)] });
  }
  // 12 ≈ 52 and 12 ∼ 52 say nothing of 12.
  if (at === 0) return areNear(node.sides[0]!, node.sides[1]!) ? node.sides[0]! : node;
  return { ...node, operators: node.operators.slice(0, at), sides: node.sides.slice(0, at + 1) };
}

/** Tells whether one number could be the other one rounded; of anything but numbers nothing is known. */
function areNear(a: Node, b: Node): boolean {
  if (a.kind !== 'number' || b.kind !== 'number') return true;
  const [x, y] = [a, b].map(({ value }) => Number(value.n) / Number(value.d)) as [number, number];
  return Math.abs(x - y) <= 0.1 * Math.max(Math.abs(x), Math.abs(y));
}

/**
 * Tells whether `pred` says of a name only that it is about a number, of which `gold` says that it is equal: x ≈ 2 is
 * not x = 2. A decimal says how near it is.
 */
export function isOnlyNear(gold: Node, pred: Node): boolean {
  if (!hasKind(pred, 'relation')) return false;
  const itemsOf = (node: Node) => (node.kind === 'list' ? node.items : [node]);
  const hasDecimal = (node: Node) =>
    contains(node, (part) => part.kind === 'number' && part.written === 'decimal');
  const near = itemsOf(pred).flatMap((item) => {
    if (item.kind !== 'relation' || item.operators[0] !== '~' || hasDecimal(item)) return [];
    return item.sides.slice(0, 2).filter(isName).map(print);
  });
  return (
    near.length > 0 &&
    itemsOf(gold).some(
      (item) => isEquation(item) && !hasDecimal(item) && near.includes(print(item.sides[0]!)),
    )
  );
}

/** Shortens a chain `x = 5 + 6 = 11` to `x = 11`; leaves one that does not begin with a name or has several (x = y = 0). */
export function shortened(node: Node): Node {
  if (!isEquation(node) || node.sides.length < 3 || !isName(node.sides[0]!)) return node;
  if (node.sides.slice(1, -1).every(({ kind }) => kind === 'symbol')) return node;
  return { ...node, operators: ['='], sides: [node.sides[0]!, node.sides.at(-1)!] };
}

/**
 * Gives the value that an equation states: the right side of `x = 5` and of `3 + 4 = 7`, the last side of a longer
 * chain. Undefined for an equation that is a condition on its symbols, such as `x + z = 1`.
 */
export function valueOf(node: Node): Node | undefined {
  if (!isEquation(node)) return undefined;
  const [first, second] = node.sides as [Node, Node];
  // 5 = x
  if (node.sides.length === 2 && second.kind === 'symbol' && !hasSymbols({ ...node, sides: [first] }))
    return first;
  return node.sides.length > 2 || isName(first) || !hasSymbols(node) ? node.sides.at(-1) : undefined;
}

const hasSymbols = (node: Node): boolean => hasKind(node, 'symbol', 'apply', 'text');

/**
 * Replaces a list of equations by the values that it states: `a = 4, -8, -10` and `x = 1, x = 2` become lists of
 * values, `p = 5, q = 2` a tuple, and `p = 5, q = 2; p = 7, q = 2` a list of tuples. Leaves other nodes as they are.
 */
export function valuesOf(node: Node): Node {
  if (node.kind !== 'list') return node;
  const groups = node.items.map((item) => (item.kind === 'list' ? valuesOf(item) : item));
  const [first, ...rest] = groups as [Node, ...Node[]];
  // Whether 7 = 5 states a value is seen where it is compared.
  const isOfNumbers = (item: Node) =>
    isEquation(item) && !isName(item.sides[0]!) && !hasSymbols(item.sides[0]!);
  if (!isEquation(first) || groups.some(isOfNumbers)) return { ...node, items: groups };
  const firstValue = valueOf(first);
  if (firstValue && !rest.some((item) => item.kind === 'relation')) {
    return { kind: 'list', items: [firstValue, ...rest] };
  }
  const names = groups.map((item) => (isEquation(item) ? nameOf(item) : ''));
  const values = groups.map((item) => valueOf(item));
  if (!values.every((value) => value !== undefined)) return node;
  const period = names.indexOf(names[0]!, 1) < 0 ? names.length : names.indexOf(names[0]!, 1);
  const isPeriodic =
    names.length % period === 0 && names.every((name, index) => name === names[index % period]);
  if (!isPeriodic) return { kind: 'list', items: values };
  if (period === 1) return { kind: 'list', items: values };
  const tuples: Node[] = [];
  for (let at = 0; at < values.length; at += period) {
    tuples.push({ kind: 'tuple', open: '(', close: '(', items: values.slice(at, at + period) });
  }
  return tuples.length === 1 ? tuples[0]! : { kind: 'list', items: tuples };
}

const nameOf = (node: Relation): string => print(node.sides[0]!);

/** A letter that stands for every member of a set of integers. */
interface Integer {
  name: string;
  set: 'Z' | 'N';
}

/** Splits `kπ, k ∈ ℤ` into `kπ` and the letter; leaves other nodes as they are. */
export function withoutIntegers(node: Node): { node: Node; integers: Integer[] } {
  const integers: Integer[] = [];
  if (node.kind !== 'list') return { node, integers };
  const rest = node.items.filter((item) => {
    const integer = integerOf(item);
    if (integer) integers.push(integer);
    return !integer;
  });
  const isUsed = integers.every(({ name }) => rest.some((item) => symbolsOf(item).has(name)));
  // x > 2, x ∈ ℤ says less than x > 2; of n that is known.
  const isRestricted = rest.every((item) => item.kind === 'relation' && !isEquation(item));
  const isLeft = integers.length > 0 && isUsed;
  if (!isLeft || (isRestricted && !integers.every(({ name }) => isWholeByName(name))))
    return { node, integers: [] };
  return { node: rest.length === 1 ? rest[0]! : { kind: 'list', items: rest }, integers };
}

function integerOf(node: Node): Integer | undefined {
  if (node.kind !== 'membership' || node.negated || node.element.kind !== 'symbol') return undefined;
  const { set, element } = node;
  const isInteger = set.kind === 'namedSet' && (set.name === 'Z' || set.name === 'N');
  return isInteger ? { name: element.name, set: set.name } : undefined;
}

/** Replaces an answer with ± by both of its readings: `1 ± 2` becomes 1 + 2 and 1 - 2. */
export function withSigns(node: Node): Node {
  if (!hasSigns(node)) return node;
  if (node.kind === 'list' || node.kind === 'set') {
    const items = node.items.flatMap((item) =>
      hasSigns(item) ? [choose(item, 1n), choose(item, -1n)] : [item],
    );
    return { ...node, items };
  }
  return { kind: 'list', items: [choose(node, 1n), choose(node, -1n)] };
}

/** Replaces an answer in which ± occurs twice by all combinations of signs, 1 ± 2 ± 3; leaves any other, and ∓. */
export function withAllSigns(node: Node): Node {
  if (!hasSigns(node)) return node;
  let count = 0;
  contains(node, (part) => {
    if (part.kind === 'plusMinus') count += part.flipped ? 3 : 1;
    return false;
  });
  if (count !== 2) return node;
  return { kind: 'list', items: [0, 1, 2, 3].map((signs) => chooseEach(node, { signs })) };
}

/** Chooses a sign for each ± in turn, by the bits of `state.signs`. */
function chooseEach(node: Node, state: { signs: number }): Node {
  if (node.kind !== 'plusMinus') return mapChildren(node, (child) => chooseEach(child, state));
  const isMinus = (state.signs & 1) === 1;
  state.signs >>= 1;
  return isMinus ? negate(node.value) : node.value;
}

const hasSigns = (node: Node): boolean => hasKind(node, 'plusMinus');

function choose(node: Node, sign: 1n | -1n): Node {
  if (node.kind === 'plusMinus') {
    const value = choose(node.value, sign);
    const minus = node.flipped === (sign === 1n);
    return minus ? negate(value) : value;
  }
  return mapChildren(node, (child) => choose(child, sign));
}

/** Renames the arguments in an equation that defines a function, so that `f(x) = x + 1` is `f(n) = n + 1`. */
export function withPlainArguments(node: Node): Node {
  if (!isEquation(node) || namesAPlace(node)) return node;
  const [left] = node.sides as [Node];
  if (left.kind !== 'apply') return node;
  const names = new Map<string, Node>();
  for (const [index, arg] of left.args.entries()) {
    if (arg.kind !== 'symbol') return node;
    names.set(arg.name, symbol(`argument ${index}`));
  }
  return substitute(node, names);
}

/**
 * Tells whether an equation's left side has an argument that its right side has not and that is no running letter: P(A) = 1/4 is
 * not P(B) = 1/4, f(x) = 5 is f(t) = 5.
 */
export function namesAPlace(node: Node): boolean {
  if (node.kind !== 'relation') return false;
  const [left, ...others] = node.sides as [Node];
  if (!hasKind(left, 'apply', 'call')) return false;
  const open = new Set(others.flatMap((side) => [...symbolsOf(side)]));
  return [...symbolsOf(left)].some((name) => !open.has(name) && !/^[n-z]$/.test(name));
}

/** Turns a ratio of two parts into a quotient, for comparison with a value. 1:03 pm is not a ratio and stays. */
export const asQuotient = (node: Node): Node =>
  node.kind === 'ratio' && node.parts.length === 2 && !node.parts.some(({ kind }) => kind === 'quantity')
    ? quotient(node.parts[0]!, node.parts[1]!)
    : node;
