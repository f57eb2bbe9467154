/** @file Reads LaTeX commands with their arguments. One part of the grammar whose root is parse.ts. */

import { functionName, inverseOf, isVariadic } from './functions.js';
import type { Cursor } from './cursor.js';
import { postfixed, productOf, sum } from './expression.js';
import { environment } from './environments.js';
import { items } from './parse.js';
import { argument, named, primary } from './primary.js';
import {
  call,
  constant,
  negate,
  number,
  power,
  product,
  quotient,
  sum as sumOf,
  symbol,
  type Node,
} from '../algebra/tree.js';

const GREEK = new Set(
  (
    'alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma tau ' +
    'upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar partial nabla ' +
    'ldots dots cdots dotsc dotsb mho square aleph'
  ).split(' '),
);
/** Marks over or under a letter: they become part of the symbol's name. */
const ACCENTS = new Set(
  'vec hat dot ddot tilde bar overline underline overrightarrow widehat widetilde check mathbb'.split(' '),
);
const NAMED_SETS = new Set(['N', 'Z', 'Q', 'R', 'C']);
/** Commands that stand between or after factors, so that no factor begins with them. */
const NO_FACTORS = new Set('circ prime pmod bmod mod pod end over to rfloor rceil'.split(' '));

/** Tells whether a factor can begin with this command. */
export const commandFactor = (name: string): boolean => !NO_FACTORS.has(name);

/** Reads the arguments of a command that has just been read and returns what both mean. */
export function command(cursor: Cursor, name: string): Node {
  switch (name) {
    case 'pi':
      return constant('pi');
    case 'infty':
      return constant('infinity');
    case 'emptyset':
    case 'varnothing':
      return { kind: 'namedSet', name: 'empty' };
    case 'imath':
      return constant('i');
    case 'frac':
      return fractionOf(cursor);
    case 'dots':
    case 'cdots':
    case 'dotsc':
    case 'dotsb':
    case 'dotso':
      return symbol('ldots');
    case 'cis':
      return cis(functionArgument(cursor));
    case 'binom':
      return call('binomial', argument(cursor), argument(cursor));
    case 'sqrt':
      return root(cursor);
    case 'boxed':
    case 'fbox':
    case 'overset':
      return argument(cursor);
    case 'lfloor':
      return between(cursor, 'floor', 'rfloor');
    case 'lceil':
      return between(cursor, 'ceiling', 'rceil');
    case 'exp':
      return power(constant('e'), functionArgument(cursor));
    case 'sum':
    case 'prod':
      return series(cursor, name === 'sum' ? 'sum' : 'product');
    case 'begin':
      return environment(cursor);
  }
  const known = functionName(name);
  if (known !== undefined) return applied(cursor, known);
  if (name === 'mathbb' || NAMED_SETS.has(name)) return namedSet(cursor, name);
  if (ACCENTS.has(name)) return accented(cursor, name);
  if (GREEK.has(name)) return named(cursor, name);
  if (/^(?:int|iint|iiint|oint|lim|limsup|liminf)$/.test(name)) return operator(cursor, name);
  return unknown(cursor, name);
}

/** Reads `\frac{a}{b}`. A derivative, `\frac{dy}{dx}` or `\frac{d}{dx}`, is not a quotient. */
function fractionOf(cursor: Cursor): Node {
  const above = argument(cursor);
  const below = argument(cursor);
  const differential = differentialOf(above);
  const variable = below.kind === 'product' ? differentialOf(below) : undefined;
  if (differential && variable) return { kind: 'apply', name: 'derivative', args: [differential, variable] };
  return quotient(above, below);
}

/** Recognizes a differential: `dv`, `d^2 v`, `dt^2`. Gives its variable with the order, undefined for anything else. */
function differentialOf(node: Node): Node | undefined {
  const [first, ...rest] = (node.kind === 'product' ? node.factors : [node]) as [Node, ...Node[]];
  const base = first.kind === 'power' ? first.base : first;
  const isD = base.kind === 'symbol' && (base.name === 'd' || base.name === 'partial');
  if (!isD || !rest.every((factor) => /symbol|power|apply/.test(factor.kind))) return undefined;
  const order = first.kind === 'power' ? [first.exponent] : [];
  return { kind: 'apply', name: 'd', args: [...order, ...rest] };
}

/** Reads cis θ as cos θ + i sin θ. */
const cis = (angle: Node): Node => sumOf(call('cos', angle), product(constant('i'), call('sin', angle)));

function root(cursor: Cursor): Node {
  let degree: Node = number(2n);
  if (cursor.accept('[') !== undefined) {
    degree = cursor.bracketed(() => sum(cursor));
    cursor.expect(']');
  }
  return power(argument(cursor, true), power(degree, number(-1n)));
}

function between(cursor: Cursor, name: string, close: string): Node {
  const inside = cursor.bracketed(() => sum(cursor));
  if (!cursor.seesCommand(close)) throw cursor.failure(`\\${close} is missing`);
  cursor.next();
  return call(name, inside);
}

/** Reads a function with its base, exponent and argument: `\sin^2 x`, `\sin^{-1} x`, `\log_2 8`, `\max(a, b)`. */
function applied(cursor: Cursor, name: string): Node {
  let base: Node | undefined;
  let exponent: Node | undefined;
  for (;;) {
    if (base === undefined && cursor.accept('_') !== undefined) base = script(cursor);
    else if (exponent === undefined && cursor.accept('^') !== undefined) exponent = script(cursor);
    else break;
  }
  if (isVariadic(name)) return call(name, ...variadicArguments(cursor));
  const isInverse = exponent?.kind === 'number' && exponent.value.n === -1n && inverseOf(name) !== undefined;
  const inner = functionArgument(cursor);
  if (isInverse) return call(inverseOf(name)!, inner);
  const value = name === 'log' ? call('log', inner, base ?? number(10n)) : call(name, inner);
  return exponent ? power(value, exponent) : value;
}

/** Reads what is raised or lowered beside a function's name: a group in braces or one token. */
const script = (cursor: Cursor): Node =>
  cursor.sees('{') ? argument(cursor) : cursor.nested(() => primary(cursor));

function variadicArguments(cursor: Cursor): readonly Node[] {
  const open = cursor.accept('(', '\\{', '[');
  if (open === undefined) throw cursor.failure('arguments in parentheses are missing');
  const inside = cursor.bracketed(() => items(cursor));
  cursor.expect(open === '(' ? ')' : open === '[' ? ']' : '\\}');
  return inside.kind === 'list' ? inside.items : [inside];
}

/** Reads what a function applies to: a bracket by itself, otherwise all factors up to a sign or the next function. */
function functionArgument(cursor: Cursor): Node {
  if (cursor.sees('(') || cursor.sees('{') || cursor.sees('[') || cursor.sees('|(')) {
    // `\sin(x)^2` is the square of the sine: the power after the bracket is not part of the argument.
    if (cursor.sees('{')) return argument(cursor);
    const bracket = cursor.accept('[');
    if (bracket === undefined) return cursor.nested(() => primary(cursor));
    const inside = cursor.bracketed(() => sum(cursor));
    cursor.expect(']');
    return inside;
  }
  if (cursor.accept('-') !== undefined) return negate(cursor.nested(() => functionArgument(cursor)));
  const factors = [postfixed(cursor)];
  for (;;) {
    const token = cursor.peek();
    const isPlain = token?.kind === 'letter' || token?.kind === 'number';
    const isSymbol =
      token?.kind === 'command' &&
      (GREEK.has(token.name) || /^(?:pi|frac|sqrt)$/.test(token.name)) &&
      commandFactor(token.name);
    if (!isPlain && !isSymbol) return factors.length === 1 ? factors[0]! : { kind: 'product', factors };
    factors.push(postfixed(cursor));
  }
}

/** Reads `\sum_{k=1}^{n} body`. Without an index and limits it is an operator that is not evaluated. */
function series(cursor: Cursor, operatorName: 'sum' | 'product'): Node {
  const mark = cursor.mark();
  if (cursor.accept('_') !== undefined && cursor.accept('{') !== undefined) {
    const index = cursor.peek();
    if (index?.kind === 'letter' && cursor.sees('=', 1)) {
      cursor.next();
      cursor.next();
      const from = cursor.nested(() => sum(cursor));
      if (cursor.accept('}') !== undefined && cursor.accept('^') !== undefined) {
        const to = argument(cursor, true);
        const wasBound = cursor.bound.has(index.name);
        cursor.bound.add(index.name);
        const body = productOf(cursor);
        if (!wasBound) cursor.bound.delete(index.name);
        return { kind: 'series', operator: operatorName, index: index.name, from, to, body };
      }
    }
  }
  cursor.restore(mark);
  return operator(cursor, operatorName);
}

/** Reads an operator that is compared but not evaluated: its limits as they are written, and its body. */
function operator(cursor: Cursor, name: string): Node {
  const args: Node[] = [];
  for (let mark = cursor.accept('_', '^'); mark !== undefined; mark = cursor.accept('_', '^')) {
    args.push(symbol(mark + cursor.raw()));
  }
  return { kind: 'apply', name, args: [...args, productOf(cursor)] };
}

function namedSet(cursor: Cursor, name: string): Node {
  let letter = name;
  if (name === 'mathbb') letter = cursor.raw();
  if (!NAMED_SETS.has(letter)) throw cursor.failure(`no set has the name ${letter}`);
  return { kind: 'namedSet', name: letter as 'N' | 'Z' | 'Q' | 'R' | 'C' };
}

function accented(cursor: Cursor, name: string): Node {
  // \hat{\imath} is \hat{i}.
  return named(cursor, `${name} ${cursor.raw().replace(/^\\([ij])math$/, '$1')}`);
}

/** Reads a command of which nothing is known: a symbol, or a function if it has arguments. */
function unknown(cursor: Cursor, name: string): Node {
  const args: Node[] = [];
  while (cursor.sees('{') && args.length < 9) args.push(argument(cursor));
  return args.length === 0 ? named(cursor, `\\${name}`) : { kind: 'apply', name: `\\${name}`, args };
}
