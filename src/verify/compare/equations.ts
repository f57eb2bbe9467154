import { print } from '../algebra/print.js';
import {
  contains,
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

export const isEquation = (node: Node): node is Relation =>
  node.kind === 'relation' && node.operators.every((operator) => operator === '=' || operator === '==');

/** Whether a side only names something: `x`, `f(x)`, `|AB|`, `a_1:a_2`, `(p, q)`, `NO/BO`; no sum, no number. */
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
 * A relation without what is only approximate: `x = 1/3 ≈ 0.33` says x = 1/3, `√3/3 ≈ 0.577` says √3/3, but a name
 * alone is what follows: `x ≈ 11` says x = 11.
 */
export function withoutApproximation(node: Node): Node {
  if (node.kind !== 'relation') return node;
  const at = node.operators.indexOf('~');
  if (at < 0) return node;
  if (at === 0 && isName(node.sides[0]!)) {
    return withoutApproximation({ ...node, operators: ['=', ...node.operators.slice(1)] });
  }
  return at === 0
    ? node.sides[0]!
    : { ...node, operators: node.operators.slice(0, at), sides: node.sides.slice(0, at + 1) };
}

/** A chain `x = 5 + 6 = 11` as `x = 11`; a chain that names nothing stays. */
export function shortened(node: Node): Node {
  if (!isEquation(node) || node.sides.length < 3 || !isName(node.sides[0]!)) return node;
  return { ...node, operators: ['='], sides: [node.sides[0]!, node.sides.at(-1)!] };
}

/**
 * The value that an equation gives: the right side of `x = 5` and of `3 + 4 = 7`, the last side of a longer chain.
 * Undefined for an equation that says something of its symbols, such as `x + z = 1`.
 */
export function valueOf(node: Node): Node | undefined {
  if (!isEquation(node)) return undefined;
  const [first] = node.sides as [Node];
  return node.sides.length > 2 || isName(first) || !hasSymbols(node) ? node.sides.at(-1) : undefined;
}

const hasSymbols = (node: Node): boolean =>
  contains(node, (part) => part.kind === 'symbol' || part.kind === 'apply' || part.kind === 'text');

/**
 * What a list of equations gives where values are asked for: `a = 4, -8, -10` and `x = 1, x = 2` a list of values,
 * `p = 5, q = 2` a tuple, and `p = 5, q = 2; p = 7, q = 2` a list of tuples. Other nodes stay as they are.
 */
export function valuesOf(node: Node): Node {
  if (node.kind !== 'list') return node;
  const groups = node.items.map((item) => (item.kind === 'list' ? valuesOf(item) : item));
  const [first, ...rest] = groups as [Node, ...Node[]];
  if (!isEquation(first)) return { ...node, items: groups };
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

/** `kπ, k ∈ ℤ` as `kπ` and the letter; other nodes stay as they are. */
export function withoutIntegers(node: Node): { node: Node; integers: Integer[] } {
  const integers: Integer[] = [];
  if (node.kind !== 'list') return { node, integers };
  const rest = node.items.filter((item) => {
    const integer = integerOf(item);
    if (integer) integers.push(integer);
    return !integer;
  });
  const isUsed = integers.every(({ name }) => rest.some((item) => symbolsOf(item).has(name)));
  if (integers.length === 0 || !isUsed) return { node, integers: [] };
  return { node: rest.length === 1 ? rest[0]! : { kind: 'list', items: rest }, integers };
}

function integerOf(node: Node): Integer | undefined {
  if (node.kind !== 'membership' || node.negated || node.element.kind !== 'symbol') return undefined;
  const { set, element } = node;
  const isInteger = set.kind === 'namedSet' && (set.name === 'Z' || set.name === 'N');
  return isInteger ? { name: element.name, set: set.name } : undefined;
}

/** Both readings of an answer with signs that go together: `1 ± 2` is 1 + 2 and 1 - 2. */
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

const hasSigns = (node: Node): boolean => contains(node, (part) => part.kind === 'plusMinus');

function choose(node: Node, sign: 1n | -1n): Node {
  if (node.kind === 'plusMinus') {
    const value = choose(node.value, sign);
    const minus = node.flipped === (sign === 1n);
    return minus ? negate(value) : value;
  }
  return mapChildren(node, (child) => choose(child, sign));
}

/**
 * An equation that defines a function, with its arguments renamed: `f(x) = x + 1` and `f(n) = n + 1` are the same.
 */
export function withPlainArguments(node: Node): Node {
  if (!isEquation(node)) return node;
  const [left] = node.sides as [Node];
  if (left.kind !== 'apply') return node;
  const names = new Map<string, Node>();
  for (const [index, arg] of left.args.entries()) {
    if (arg.kind !== 'symbol') return node;
    names.set(arg.name, symbol(`argument ${index}`));
  }
  return substitute(node, names);
}

/** Ratios of two parts as quotients, where a value is compared with a ratio; 1:03 pm is none. */
export const asQuotient = (node: Node): Node =>
  node.kind === 'ratio' && node.parts.length === 2 && !node.parts.some(({ kind }) => kind === 'quantity')
    ? quotient(node.parts[0]!, node.parts[1]!)
    : node;
