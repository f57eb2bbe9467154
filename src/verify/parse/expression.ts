/** @file Reads sums, products, factors and powers. One part of the grammar whose root is parse.ts. */

import { commandFactor } from './commands.js';
import type { Cursor } from './cursor.js';
import { isPlacedRelation, placedOperation, placeOfOperator } from './operators.js';
import { startsCondition } from './parse.js';
import { primary } from './primary.js';
import { CURRENCIES, degrees, startsUnit, withUnit } from './quantities.js';
import {
  call,
  negate,
  number,
  power,
  product,
  quotient,
  sum as sumOf,
  symbol,
  type Node,
} from '../algebra/tree.js';
import { inUnit, isAngle } from './units.js';

/** Reads terms with signs between them. */
export function sum(cursor: Cursor): Node {
  const terms: Node[] = [];
  let sign = (cursor.sign === undefined ? undefined : cursor.accept('+', '-', '±', '∓')) ?? '+';
  for (;;) {
    // A sign may be doubled: "+ -3", or "-(-2)" without its parentheses.
    const second = cursor.sign === undefined ? undefined : cursor.accept('-', '+');
    const term = signed(productOf(cursor), second === '-' ? '-' : '+');
    const left = terms.at(-1);
    if (sign === '-' && terms.length === 1 && left && isSet(left) && isSet(term)) {
      terms[0] = { kind: 'setOperation', operator: 'difference', left, right: term };
    } else terms.push(signed(term, sign));
    const next = cursor.sign === undefined ? undefined : cursor.accept('+', '-', '±', '∓');
    if (next === undefined) return withModulus(withUnitOfLast(terms), cursor);
    sign = next;
  }
}

/** Adds terms; words behind the last one are those of the whole sum, `2x + 3 cm`, unless other terms have units. */
function withUnitOfLast(terms: readonly Node[]): Node {
  const last = terms.at(-1)!;
  if (terms.length === 1) return last;
  const isOnly = last.kind === 'quantity' && terms.filter(({ kind }) => kind === 'quantity').length === 1;
  if (!isOnly || isAngle(last.unit)) return sumOf(...terms);
  return { ...last, value: sumOf(...terms.slice(0, -1), last.value) };
}

function signed(term: Node, sign: string): Node {
  if (sign === '+') return term;
  if (sign === '-') return negate(term);
  if (term.kind === 'quantity') return { ...term, value: signed(term.value, sign) };
  return { kind: 'plusMinus', value: term, flipped: sign === '∓' };
}

const isSet = (node: Node) =>
  node.kind === 'namedSet' || node.kind === 'set' || (node.kind === 'tuple' && node.items.length === 2);

/** Limits the cross products in a row; each makes the tree one level deeper. */
const MAX_CROSSES = 12;

/** Reads factors with signs between them. Factors side by side bind more tightly: `a/bc` is `a/(bc)`. */
export function productOf(cursor: Cursor): Node {
  const factors = [juxtaposed(cursor)];
  let crosses = 0;
  for (;;) {
    const sign = cursor.sign === undefined ? undefined : cursor.accept('*', '÷', '/', '⨯');
    if (sign === undefined) break;
    if (sign === '⨯') {
      if (++crosses > MAX_CROSSES) throw cursor.failure('too many cross products');
      factors.push({ kind: 'apply', name: 'cross', args: [factors.pop()!, juxtaposed(cursor)] });
      continue;
    }
    const minus = cursor.accept('-', '+') === '-';
    const right = juxtaposed(cursor);
    // 1/2 % is half of one percent.
    const isPercent = sign === '/' && right.kind === 'percent';
    const plain = isPercent ? right.value : right;
    const factor = minus ? negate(plain) : plain;
    factors.push(sign === '*' ? factor : power(factor, number(-1n)));
    if (isPercent) factors.splice(0, factors.length, { kind: 'percent', value: product(...factors) });
  }
  return withLastUnit(factors);
}

/** Multiplies factors; the unit of the last one is the product's: 2 · 10^7 Pa. */
function withLastUnit(factors: readonly Node[]): Node {
  const last = factors.at(-1)!;
  if (factors.length === 1) return last;
  const isOnly = last.kind === 'quantity' && factors.filter(({ kind }) => kind === 'quantity').length === 1;
  return isOnly ? { ...last, value: product(...factors.slice(0, -1), last.value) } : product(...factors);
}

/**
 * Reads the modulus 7 of `\pmod{7}`, `\bmod 7`, `(\bmod 7)` or `mod 7`, which is that of the sum before it. Without
 * parentheses it asks for the remainder: 17 mod 7 is 3.
 */
function withModulus(value: Node, cursor: Cursor): Node {
  const parenthesis = cursor.sees('(') ? 1 : 0;
  const token = cursor.peek(parenthesis);
  if (token?.kind !== 'command' || !/^(?:pmod|bmod|mod|pod)$/.test(token.name)) return value;
  if (parenthesis) cursor.next();
  cursor.next();
  const modulus = postfixed(cursor);
  if (parenthesis) cursor.expect(')');
  const isOperation = !parenthesis && /^b?mod$/.test(token.name);
  return isOperation ? { kind: 'residue', value, modulus, isOperation } : { kind: 'residue', value, modulus };
}

/** Reads factors without signs between them and the unit after them; `1 hour 30 minutes` is one value. */
function juxtaposed(cursor: Cursor): Node {
  const first = operated(cursor);
  if (first.kind !== 'quantity') return first;
  const values = [first.value];
  while (cursor.peek()?.kind === 'number') {
    const next = factorsWithUnit(cursor);
    const value = next.kind === 'quantity' ? inUnit(next.value, next.unit, first.unit) : undefined;
    if (!value) throw cursor.failure('a number after a unit');
    values.push(value);
  }
  return { ...first, value: sumOf(...values) };
}

/** Limits the operators before one value. */
const MAX_BEFORE = 12;

/** Reads factors with operators between or before them of which only their place is known: `a \star b`, `\neg p`. */
function operated(cursor: Cursor): Node {
  const before: string[] = [];
  while (operatorAt(cursor) === 'before' && before.length < MAX_BEFORE) before.push(nameOf(cursor));
  const sides = [factorsWithUnit(cursor)];
  const names: string[] = [];
  while (operatorAt(cursor) !== undefined) {
    names.push(nameOf(cursor));
    if (operatorAt(cursor) !== 'before') sides.push(factorsWithUnit(cursor));
  }
  const value = names.length === 0 ? sides[0]! : placedOperation(names, sides);
  return before.length === 0 ? value : placedOperation(before, [value]);
}

/** Tells the place of the operator that comes next and has a value behind it; undefined where there is none. */
function operatorAt(cursor: Cursor): 'between' | 'before' | undefined {
  const [token, next] = [cursor.peek(), cursor.peek(1)];
  if (token?.kind !== 'command' || !next) return undefined;
  return next.kind === 'sign' && !/^(?:[{[(⟨]|\\\{|\|\(?|‖\(?)$/.test(next.sign)
    ? undefined
    : placeOfOperator(token.name);
}

function nameOf(cursor: Cursor): string {
  const token = cursor.next();
  return token.kind === 'command' ? token.name : '';
}

function factorsWithUnit(cursor: Cursor): Node {
  const factors = [fraction(cursor) ?? postfixed(cursor)];
  while (startsFactor(cursor) && operatorAt(cursor) === undefined) {
    const token = cursor.peek()!;
    if (token.kind === 'text' || startsUnit(cursor)) {
      const value = product(...factors);
      if (value.kind === 'text') throw cursor.failure('words');
      return withUnit(value, cursor);
    }
    const last = factors.at(-1)!;
    if (token.kind === 'number') {
      if (last.kind === 'quantity') break;
      const part = factors.length === 1 && isWhole(last) ? fraction(cursor) : undefined;
      if (part) {
        factors[0] = part.kind === 'percent' ? percent(sumOf(last, part.value)) : sumOf(last, part);
        continue;
      }
      if (last.kind === 'number' || last.kind === 'based') throw cursor.failure('two numbers side by side');
    }
    if (last.kind === 'text') throw cursor.failure('words');
    const isFraction = token.kind === 'command' && token.name === 'frac';
    const factor = postfixed(cursor);
    const isMixed = isFraction && factors.length === 1 && isWhole(last);
    if (isMixed && isProperFraction(factor)) factors[0] = sumOf(last, factor);
    // 3½ % and 22½°: the sign is that of the whole number.
    else if (
      isMixed &&
      (factor.kind === 'percent' || factor.kind === 'quantity') &&
      isProperFraction(factor.value)
    ) {
      factors[0] = { ...factor, value: sumOf(last, factor.value) };
    } else factors.push(factor);
  }
  return withUnknownBetween(factors);
}

/** Reads a command of which nothing is known between two factors as an operator; all other factors are multiplied. */
function withUnknownBetween(factors: readonly Node[]): Node {
  if (factors.length < 3) return product(...factors);
  const sides: Node[][] = [[]];
  const names: string[] = [];
  factors.forEach((factor, index) => {
    const isBetween = index > 0 && index < factors.length - 1 && sides.at(-1)!.length > 0;
    if (isBetween && factor.kind === 'symbol' && /^\\[A-Za-z]+$/.test(factor.name)) {
      names.push(factor.name.slice(1));
      sides.push([]);
    } else sides.at(-1)!.push(factor);
  });
  const values = sides.map((side) => product(...side));
  return names.length === 0 ? values[0]! : placedOperation(names, values);
}

const percent = (value: Node): Node => ({ kind: 'percent', value });

const isWhole = (node: Node) =>
  node.kind === 'number' && node.value.d === 1n && node.value.n > 0n && node.written === undefined;

/** Recognizes `\frac{1}{2}` of written integers: after a whole number it completes a mixed number. */
function isProperFraction(node: Node): boolean {
  if (node.kind !== 'product' || node.factors.length !== 2) return false;
  const [above, inverse] = node.factors as [Node, Node];
  return (
    isWhole(above) && inverse.kind === 'power' && isWhole(inverse.base) && inverse.exponent.kind === 'number'
  );
}

/** Reads `1/2` after a number or before a blank and another factor, so that `1/2 x` is half of x; else undefined. */
function fraction(cursor: Cursor): Node | undefined {
  const [above, below, next] = [cursor.peek(), cursor.peek(2), cursor.peek(3)];
  if (above?.kind !== 'number' || !cursor.sees('/', 1) || below?.kind !== 'number') return undefined;
  const isMixed = cursor.peek(-1)?.kind === 'number';
  const goesOn = next !== undefined && next.kind !== 'sign' && next.space;
  if (!isMixed && !goesOn) return undefined;
  const numerator = postfixed(cursor);
  cursor.next();
  const denominator = postfixed(cursor);
  return denominator.kind === 'percent'
    ? percent(quotient(numerator, denominator.value))
    : quotient(numerator, denominator);
}

const OPENING = new Set(['{', '[', '⟨', '\\{', '|(', '‖(']);

function startsFactor(cursor: Cursor): boolean {
  const token = cursor.peek();
  if (!token) return false;
  if (token.kind === 'command') return commandFactor(token.name);
  if (token.kind !== 'sign') return true;
  if (token.sign === '|') return !cursor.closingBar;
  if (token.sign === '(') {
    const inside = cursor.peek(1);
    return inside?.kind === 'command' ? commandFactor(inside.name) : !startsCondition(cursor);
  }
  return OPENING.has(token.sign);
}

/** Limits the signs after one factor; each makes the tree one level deeper. */
const MAX_POSTFIXES = 12;

const POSTFIXES = new Set(['!', '^', '%', '°', "'", '_', '$', '€', '£', '¥']);

/** Reads a factor and the signs after it: powers, `!`, `%`, `°`, primes, a currency. */
export function postfixed(cursor: Cursor): Node {
  let node = primary(cursor);
  for (let count = 0; ; count++) {
    if (count > MAX_POSTFIXES) throw cursor.failure('a factor has too many signs after it');
    const sign = cursor.sign;
    if (sign === undefined || !POSTFIXES.has(sign)) return node;
    cursor.next();
    if (sign === '!') {
      const twice = cursor.accept('!') !== undefined;
      node = call(twice ? 'doubleFactorial' : 'factorial', node);
    } else if (sign === '%') node = { kind: 'percent', value: node };
    else if (sign === '°') node = degrees(cursor, node);
    else if (sign === "'") node = primed(cursor, node, 1);
    else if (sign === '^') node = raised(cursor, node);
    else if (sign === '_') node = inBase(cursor, node);
    else node = { kind: 'quantity', value: node, unit: CURRENCIES[sign]! };
  }
}

/** Reads further primes after `count` of them: `f'` is a symbol of its own, `3'` an angle. */
function primed(cursor: Cursor, node: Node, count: number): Node {
  while (count < 9 && (cursor.accept("'") !== undefined || cursor.seesCommand('prime'))) {
    if (cursor.seesCommand('prime')) cursor.next();
    count++;
  }
  if (node.kind === 'symbol') return { ...node, name: node.name + "'".repeat(count) };
  if (node.kind === 'apply') return { ...node, name: node.name + "'".repeat(count) };
  return { kind: 'quantity', value: node, unit: count === 1 ? 'arcminute' : 'arcsecond' };
}

const ORDINAL = /^(?:th|st|nd|rd)$/;

function raised(cursor: Cursor, base: Node): Node {
  const mark = cursor.mark();
  const braced = cursor.accept('{') !== undefined;
  if (cursor.seesCommand('circ')) {
    cursor.next();
    if (braced) cursor.expect('}');
    return degrees(cursor, base);
  }
  if (cursor.seesCommand('prime')) {
    const node = primed(cursor, base, 0);
    if (braced) cursor.expect('}');
    return node;
  }
  cursor.restore(mark);
  const raw = cursor.raw();
  if (ORDINAL.test(raw)) return base;
  // The complement of V.
  if (isPlacedRelation(raw)) return power(base, symbol(raw));
  if (base.kind === 'matrix' && /^(?:T|\\top|\\intercal)$/.test(raw)) {
    const rows = base.rows[0]!.map((_, column) => base.rows.map((row) => row[column]!));
    return { kind: 'matrix', rows };
  }
  // (1, 2, 3)^T is a column.
  if (base.kind === 'tuple' && /^(?:T|\\top|\\intercal)$/.test(raw))
    return { kind: 'matrix', rows: base.items.map((item) => [item]) };
  cursor.restore(mark);
  return power(
    base,
    cursor.nested(() => exponent(cursor)),
  );
}

function exponent(cursor: Cursor): Node {
  if (cursor.accept('-') !== undefined) return negate(cursor.nested(() => exponent(cursor)));
  if (cursor.sees('(') && !cursor.repair) throw cursor.failure('an exponent needs braces');
  const base = cursor.nested(() => primary(cursor));
  return cursor.accept('^') === undefined
    ? base
    : power(
        base,
        cursor.nested(() => exponent(cursor)),
      );
}

const BASES = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

/** Reads the base of a numeral that the lexer did not recognize: `5_{\text{ten}}`, `(12)_5`. */
function inBase(cursor: Cursor, node: Node): Node {
  const raw = cursor.raw();
  const word = BASES.indexOf(raw);
  const base = word < 0 ? Number(raw) : word + 2;
  if (node.kind !== 'number' || node.value.d !== 1n || !(base >= 2 && base <= 36)) {
    throw cursor.failure('a subscript after something that is not a symbol');
  }
  return { kind: 'based', digits: String(node.value.n), base };
}
