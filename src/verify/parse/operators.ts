/** @file Knows the relations and operators of which only their place is known: what stands beside them keeps its order. */

import type { Node } from '../algebra/tree.js';

/** Relations by their LaTeX names, one a line; behind "|" those of its mirror image. */
const DIRECTED = [
  'subset | supset',
  'subseteq subseteqq | supseteq supseteqq',
  'subsetneq subsetneqq varsubsetneq | supsetneq supsetneqq varsupsetneq',
  'sqsubset | sqsupset',
  'sqsubseteq | sqsupseteq',
  'prec | succ',
  'preceq preccurlyeq | succeq succcurlyeq',
  'll lll | gg ggg',
  'lesssim | gtrsim',
  'triangleleft lhd vartriangleleft | triangleright rhd vartriangleright',
  'trianglelefteq unlhd | trianglerighteq unrhd',
  'to rightarrow longrightarrow | gets leftarrow longleftarrow',
  'mapsto longmapsto',
  'hookrightarrow | hookleftarrow',
  'twoheadrightarrow | twoheadleftarrow',
  'rightsquigarrow leadsto',
  'vdash | dashv',
  'models vDash',
];
/** Relations that hold both ways or not at all. */
const SYMMETRIC =
  'parallel perp cong asymp propto bowtie leftrightarrow longleftrightarrow eqcirc triangleq'.split(' ');
const DENIED: Readonly<Record<string, string>> = {
  nsubseteq: 'not \\subseteq',
  nsupseteq: 'not \\supseteq',
  nparallel: 'not \\parallel',
  ncong: 'not \\cong',
  nprec: 'not \\prec',
  nsucc: 'not \\succ',
  nmid: 'not |',
};

const SIGNS = new Map<string, string>(Object.entries(DENIED));
/** The relations that are written the other way round, by their signs. */
const MIRRORS = new Map([['⇐', '⇒']]);
for (const name of 'impliedby Leftarrow Longleftarrow'.split(' ')) SIGNS.set(name, '⇐');
for (const name of SYMMETRIC) SIGNS.set(name, `\\${name.replace('long', '')}`);
for (const line of DIRECTED) {
  const [names, images = []] = line.split(' | ').map((part) => part.split(' ')) as [string[], string[]?];
  for (const name of names) SIGNS.set(name, `\\${names[0]!}`);
  for (const name of images) SIGNS.set(name, `\\${images[0]!}`);
  if (images.length > 0) MIRRORS.set(`\\${images[0]!}`, `\\${names[0]!}`);
}
const KNOWN = new Set(['⇒', '⇔', ...SIGNS.values()]);

/** Gives the sign of the relation with this LaTeX name; undefined where it is none. */
export const relationSign = (name: string): string | undefined => SIGNS.get(name);

/** Tells whether a sign is a relation of which nothing is known, `\subset`, or the denial of any relation. */
export const isPlacedRelation = (sign: string): boolean => KNOWN.has(sign) || sign.startsWith('not ');

/** Makes `A \subset B` of its sides; `B \supset A` is the same. */
export function placedRelation(signs: readonly string[], sides: readonly Node[]): Node {
  const denial = (sign: string) => (sign.startsWith('not ') ? 'not ' : '');
  const mirrored = signs.map((sign) => {
    const image = MIRRORS.get(sign.replace('not ', ''));
    return image === undefined ? undefined : denial(sign) + image;
  });
  return mirrored.every((sign) => sign !== undefined)
    ? { kind: 'apply', name: `relation ${mirrored.reverse().join(' ')}`, args: [...sides].reverse() }
    : { kind: 'apply', name: `relation ${signs.join(' ')}`, args: sides };
}

/** Operators between two values, and those before one. */
const BETWEEN = new Set(
  (
    'star oplus ominus otimes oslash odot boxplus boxminus boxtimes boxdot ltimes rtimes wr diamond amalg uplus sqcup ' +
    'sqcap triangle bigtriangleup bigtriangledown Cap Cup barwedge veebar curlyvee curlywedge dotplus divideontimes ' +
    'intercal bigcirc'
  ).split(' '),
);
const BEFORE = new Set('neg lnot forall exists nexists'.split(' '));
const COMMUTATIVE = new Set('oplus uplus sqcup sqcap triangle bigtriangleup dotplus veebar'.split(' '));

/** Tells whether a command is an operator between values or before one. */
export function placeOfOperator(name: string): 'between' | 'before' | undefined {
  if (BETWEEN.has(name)) return 'between';
  return BEFORE.has(name) ? 'before' : undefined;
}

/** Makes `a \star b` of its operators and sides. */
export const placedOperation = (names: readonly string[], sides: readonly Node[]): Node => ({
  kind: 'apply',
  name: `operator ${names.map((name) => `\\${name}`).join(' ')}`,
  args: sides,
});

/** Tells whether a node is a relation or an operation whose sides are compared side by side. */
export const isPlaced = (node: Node): node is Extract<Node, { kind: 'apply' }> =>
  node.kind === 'apply' && /^(?:relation|operator) /.test(node.name);

/** Tells whether the sides of such a node may come in any order: `a \perp b`, `a \oplus b`. */
export function isSymmetric({ name }: { name: string }): boolean {
  const names = name.replaceAll('not ', '').split(' ').slice(1);
  const both = (sign: string) =>
    sign === '⇔' || SYMMETRIC.includes(sign.slice(1)) || COMMUTATIVE.has(sign.slice(1));
  return names.every((sign) => sign === names[0] && both(sign));
}
