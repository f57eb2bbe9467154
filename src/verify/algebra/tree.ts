/** @file Defines the tree that an answer is read as, with its constructors and walks. Computes no values. */

import type { Rational } from '../../util/rational.js';

/** Numbers that have a name. `i` is the imaginary unit. */
export type ConstantName = 'pi' | 'e' | 'i' | 'infinity';

export type RelationOperator = '=' | '<' | '>' | '<=' | '>=' | '!=' | '~' | '==';

/** One end of a bracketed pair: a round bracket excludes the end of an interval. */
export type Bracket = '(' | '[';

/**
 * One part of an answer as it was read. Subtraction is a sum with a factor -1, division a product with a power -1.
 * Trees are never changed after they are made.
 */
export type Node =
  /** `written` says how the number was written where that matters: as a decimal (`2.50`, `1e-5`). */
  | { readonly kind: 'number'; readonly value: Rational; readonly written?: 'decimal' }
  | { readonly kind: 'constant'; readonly name: ConstantName }
  | { readonly kind: 'symbol'; readonly name: string }
  /** Words: `\text{east}`. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'sum'; readonly terms: readonly Node[] }
  | { readonly kind: 'product'; readonly factors: readonly Node[] }
  | { readonly kind: 'power'; readonly base: Node; readonly exponent: Node }
  /** A function with a known meaning: sin, log, abs, floor, factorial, binomial, … (`parse/functions.ts`). */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  /** A function of unknown meaning such as f(x), or an operator that is not evaluated (integral, limit). */
  | { readonly kind: 'apply'; readonly name: string; readonly args: readonly Node[] }
  /** A finite or infinite sum or product over an index. */
  | {
      readonly kind: 'series';
      readonly operator: 'sum' | 'product';
      readonly index: string;
      readonly from: Node;
      readonly to: Node;
      readonly body: Node;
    }
  /** `± value` stands for both signs. All signs of one answer change together, those of `∓` the other way. */
  | { readonly kind: 'plusMinus'; readonly value: Node; readonly flipped: boolean }
  | { readonly kind: 'percent'; readonly value: Node }
  /** A value with a unit: `12 cm`, `90°`, `$5`. */
  | { readonly kind: 'quantity'; readonly value: Node; readonly unit: string }
  /** A numeral with its base: 204_5. */
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'ratio'; readonly parts: readonly Node[] }
  /** A value known modulo `modulus`, or with `isOperation` what is left of it: 17 mod 7 is 3. */
  | {
      readonly kind: 'residue';
      readonly value: Node;
      readonly modulus: Node;
      readonly isOperation?: boolean;
    }
  /** Several values without brackets, `1, 2` or `1 and 2`. Groups separated by `;` are lists of their own. */
  | {
      readonly kind: 'list';
      readonly items: readonly Node[];
      /** The word between them; a comma is none. */
      readonly joint?: 'and' | 'or';
    }
  | { readonly kind: 'set'; readonly items: readonly Node[] }
  /** Items in round or square brackets: a tuple, a point, or possibly an interval if there are two. */
  | {
      readonly kind: 'tuple';
      readonly open: Bracket;
      readonly close: Bracket;
      readonly items: readonly Node[];
    }
  | { readonly kind: 'namedSet'; readonly name: 'N' | 'Z' | 'Q' | 'R' | 'C' | 'empty' }
  | {
      readonly kind: 'setOperation';
      readonly operator: 'union' | 'intersection' | 'difference';
      readonly left: Node;
      readonly right: Node;
    }
  | { readonly kind: 'membership'; readonly element: Node; readonly set: Node; readonly negated: boolean }
  /** A chain `a < b <= c` with one operator between each two sides. `~` is approximate, `==` a congruence. */
  | {
      readonly kind: 'relation';
      readonly operators: readonly RelationOperator[];
      readonly sides: readonly Node[];
    }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Node[])[] };

export type NodeOf<K extends Node['kind']> = Extract<Node, { kind: K }>;

export const number = (value: Rational | bigint): Node => ({
  kind: 'number',
  value: typeof value === 'bigint' ? { n: value, d: 1n } : value,
});
export const symbol = (name: string): Node => ({ kind: 'symbol', name });
export const constant = (name: ConstantName): Node => ({ kind: 'constant', name });
export const text = (words: string): Node => ({ kind: 'text', text: words });
export const call = (name: string, ...args: Node[]): Node => ({ kind: 'call', name, args });
export const power = (base: Node, exponent: Node): Node => ({ kind: 'power', base, exponent });

const MINUS_ONE = number(-1n);

/** Makes a sum. Splices in the terms that are sums themselves; returns a single term as it is. */
export function sum(...terms: Node[]): Node {
  if (terms.length === 1) return terms[0]!;
  const isFlat = !terms.some(({ kind }) => kind === 'sum');
  return {
    kind: 'sum',
    terms: isFlat ? terms : terms.flatMap((term) => (term.kind === 'sum' ? term.terms : [term])),
  };
}

/** Makes a product. Splices in the factors that are products themselves; returns a single factor as it is. */
export function product(...factors: Node[]): Node {
  if (factors.length === 1) return factors[0]!;
  const isFlat = !factors.some(({ kind }) => kind === 'product');
  return {
    kind: 'product',
    factors: isFlat
      ? factors
      : factors.flatMap((factor) => (factor.kind === 'product' ? factor.factors : [factor])),
  };
}

/** Makes `-node`: a number with the other sign, a quantity of it, else a product with -1. */
export function negate(node: Node): Node {
  if (node.kind === 'quantity') return { ...node, value: negate(node.value) };
  if (node.kind === 'number') return { ...node, value: { n: -node.value.n, d: node.value.d } };
  return product(MINUS_ONE, node);
}

export const difference = (a: Node, b: Node): Node => sum(a, negate(b));
export const quotient = (a: Node, b: Node): Node => product(a, power(b, MINUS_ONE));

/** Lists the direct parts of a node. */
export function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'sum':
      return node.terms;
    case 'product':
      return node.factors;
    case 'power':
      return [node.base, node.exponent];
    case 'call':
    case 'apply':
      return node.args;
    case 'series':
      return [node.from, node.to, node.body];
    case 'plusMinus':
    case 'percent':
    case 'quantity':
      return [node.value];
    case 'ratio':
      return node.parts;
    case 'residue':
      return [node.value, node.modulus];
    case 'list':
    case 'set':
    case 'tuple':
      return node.items;
    case 'setOperation':
      return [node.left, node.right];
    case 'membership':
      return [node.element, node.set];
    case 'relation':
      return node.sides;
    case 'matrix':
      return node.rows.flat();
    case 'number':
    case 'constant':
    case 'symbol':
    case 'text':
    case 'based':
    case 'namedSet':
      return [];
  }
}

/** Copies the node with each direct part replaced by what `change` returns for it. */
export function mapChildren(node: Node, change: (child: Node) => Node): Node {
  switch (node.kind) {
    case 'sum':
      return sum(...node.terms.map(change));
    case 'product':
      return product(...node.factors.map(change));
    case 'power':
      return power(change(node.base), change(node.exponent));
    case 'call':
    case 'apply':
      return { ...node, args: node.args.map(change) };
    case 'series':
      return { ...node, from: change(node.from), to: change(node.to), body: change(node.body) };
    case 'plusMinus':
    case 'percent':
    case 'quantity':
      return { ...node, value: change(node.value) };
    case 'ratio':
      return { ...node, parts: node.parts.map(change) };
    case 'residue':
      return { ...node, value: change(node.value), modulus: change(node.modulus) };
    case 'list':
    case 'set':
    case 'tuple':
      return { ...node, items: node.items.map(change) };
    case 'setOperation':
      return { ...node, left: change(node.left), right: change(node.right) };
    case 'membership':
      return { ...node, element: change(node.element), set: change(node.set) };
    case 'relation':
      return { ...node, sides: node.sides.map(change) };
    case 'matrix':
      return { ...node, rows: node.rows.map((row) => row.map(change)) };
    case 'number':
    case 'constant':
    case 'symbol':
    case 'text':
    case 'based':
    case 'namedSet':
      return node;
  }
}

/** Tells whether `node` or any part of it, however deep, passes `test`. */
export function contains(node: Node, test: (part: Node) => boolean): boolean {
  return test(node) || children(node).some((child) => contains(child, test));
}

/** One bit for each kind of node. */
const BITS = new Map<Node['kind'], number>(
  (
    [
      ...([
        'number',
        'constant',
        'symbol',
        'text',
        'sum',
        'product',
        'power',
        'call',
        'apply',
        'series',
      ] as const),
      ...(['plusMinus', 'percent', 'quantity', 'based', 'ratio', 'residue', 'list', 'set', 'tuple'] as const),
      ...(['namedSet', 'setOperation', 'membership', 'relation', 'matrix'] as const),
    ] satisfies Node['kind'][]
  ).map((kind, index) => [kind, 1 << index]),
);
/** The kinds in large trees for which they were asked: they are asked again and again. */
const KNOWN = new WeakMap<Node, number>();
const LARGE = 24;

function kindsIn(node: Node): number {
  let bits = BITS.get(node.kind)!;
  for (const child of children(node)) bits |= kindsIn(child);
  return bits;
}

/** Tells whether `node` or any part of it is of one of these kinds. */
export function hasKind(node: Node, ...kinds: readonly Node['kind'][]): boolean {
  let bits = KNOWN.get(node);
  if (bits === undefined) {
    bits = kindsIn(node);
    if (children(node).length >= LARGE) KNOWN.set(node, bits);
  }
  for (const kind of kinds) if ((bits & BITS.get(kind)!) !== 0) return true;
  return false;
}

/** Collects the names of the free symbols. The index of a series is bound and does not count. */
export function symbolsOf(node: Node, into = new Set<string>()): Set<string> {
  if (node.kind === 'symbol') into.add(node.name);
  if (node.kind === 'series') {
    const inside = symbolsOf(node.body);
    inside.delete(node.index);
    for (const name of inside) into.add(name);
    symbolsOf(node.from, into);
    symbolsOf(node.to, into);
  } else {
    for (const child of children(node)) symbolsOf(child, into);
  }
  return into;
}

/** Copies the node with the symbols that `replacements` names replaced. */
export function substitute(node: Node, replacements: ReadonlyMap<string, Node>): Node {
  if (node.kind === 'symbol') return replacements.get(node.name) ?? node;
  return mapChildren(node, (child) => substitute(child, replacements));
}

/** Tells whether two trees are the same, part by part in the same order. */
export function sameTree(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'number') {
    const { n, d } = (b as NodeOf<'number'>).value;
    return a.value.n === n && a.value.d === d;
  }
  const [ours, theirs] = [children(a), children(b)];
  if (ours.length !== theirs.length || label(a) !== label(b)) return false;
  return ours.every((child, index) => sameTree(child, theirs[index]!));
}

/** Writes all that a tree says: two trees have one key if they are the same. */
export function keyOf(node: Node): string {
  const parts = children(node);
  const own = `${node.kind} ${JSON.stringify(label(node))}`;
  return parts.length === 0 ? own : `${own}(${parts.map(keyOf).join(',')})`;
}

/** Gives everything that a node says besides its parts. */
function label(node: Node): string {
  switch (node.kind) {
    case 'number':
      return `${node.value.n}/${node.value.d}`;
    case 'constant':
    case 'symbol':
    case 'call':
    case 'apply':
    case 'namedSet':
      return node.name;
    case 'text':
      return node.text;
    case 'series':
      return `${node.operator} ${node.index}`;
    case 'plusMinus':
      return String(node.flipped);
    case 'quantity':
      return node.unit;
    case 'based':
      return `${node.digits}_${node.base}`;
    case 'tuple':
      return node.open + node.close;
    case 'setOperation':
      return node.operator;
    case 'membership':
      return String(node.negated);
    case 'relation':
      return node.operators.join(' ');
    case 'matrix':
      return node.rows.map((row) => row.length).join(' ');
    case 'sum':
    case 'product':
    case 'power':
    case 'percent':
    case 'ratio':
    case 'set':
      return '';
    case 'residue':
      return node.isOperation ? 'operation' : '';
    case 'list':
      return node.joint === 'or' ? 'or' : '';
  }
}
