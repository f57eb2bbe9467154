/** @file Reads numbers, letters, brackets and arguments. One part of the grammar whose root is parse.ts. */

import { rational } from '../../util/rational.js';
import { command } from './commands.js';
import type { Cursor } from './cursor.js';
import { postfixed, sum } from './expression.js';
import { CURRENCIES } from './quantities.js';
import { items, statement } from './parse.js';
import { call, constant, negate, number, symbol, text, type Bracket, type Node } from '../algebra/tree.js';

/** Limits the digits of a number; a longer one is only compared as text. */
const MAX_DIGITS = 5000;
/** Limits the characters of a symbol's name with its subscript. */
const MAX_NAME = 100;
/** Limits the powers of ten in e-notation. */
const MAX_EXPONENT = 5000;

/** Reads the smallest part that has a value: a number, a letter, a bracket, a command with its arguments. */
export function primary(cursor: Cursor): Node {
  const token = cursor.next();
  switch (token.kind) {
    case 'number':
      return numeral(cursor, token.digits);
    case 'based':
      return { kind: 'based', digits: token.digits, base: token.base };
    case 'letter':
      return letter(cursor, token.name);
    case 'command':
      return cursor.nested(() => command(cursor, token.name));
    case 'text':
      return text(token.text);
    case 'sign':
      return bracket(cursor, token.sign);
  }
}

function numeral(cursor: Cursor, digits: string): Node {
  const isWhole = /^\d+$/.test(digits);
  const [mantissa, exponent] = (isWhole ? [digits] : digits.split(/e/i)) as [string, string?];
  let [whole, decimals] = (isWhole ? [digits] : mantissa.split('.')) as [string, string?];
  if (cursor.grouping && decimals === undefined && /^\d{1,3}$/.test(whole)) {
    // 10,000 and 10 000 are one number if all digits up to the next sign form groups of three.
    const groups = group(cursor);
    if (groups) {
      whole += groups.whole;
      decimals = groups.decimals;
    }
  }
  if (whole.length + (decimals?.length ?? 0) > MAX_DIGITS) throw cursor.failure('the number is too long');
  if (decimals === undefined && exponent === undefined) return number(BigInt(whole));
  const repeated = decimals !== undefined && exponent === undefined ? repetend(cursor) : '';
  const scale = 10n ** BigInt(decimals?.length ?? 0);
  let value = rational(BigInt(whole + (decimals ?? '') || '0'), scale);
  if (repeated !== '') {
    const nines = BigInt('9'.repeat(repeated.length)) * scale;
    value = rational(value.n * (nines / value.d) + BigInt(repeated), nines);
    return number(value);
  }
  if (exponent !== undefined) {
    const power = Number(exponent);
    if (Math.abs(power) > MAX_EXPONENT) throw cursor.failure('the exponent is too large');
    const factor = 10n ** BigInt(Math.abs(power));
    value = power < 0 ? rational(value.n, value.d * factor) : rational(value.n * factor, value.d);
  }
  return { kind: 'number', value, written: 'decimal' };
}

/** Reads the groups `,ddd` or ` ddd` after a leading group of digits; undefined where they are not groups of three. */
function group(cursor: Cursor): { whole: string; decimals?: string } | undefined {
  const comma = cursor.sees(',');
  // In 27,54,108 the second number does not begin a group either.
  if (comma && cursor.sees(',', -2) && !cursor.peek(-1)!.space) return undefined;
  let whole = '';
  for (let ahead = 0; ;) {
    if (comma && !cursor.sees(',', ahead)) return accepted(cursor, whole, ahead);
    const token = cursor.peek(comma ? ahead + 1 : ahead);
    const tight = comma ? !cursor.peek(ahead)!.space && !token?.space : token?.space;
    if (token?.kind !== 'number' || !tight)
      return comma && tight ? undefined : accepted(cursor, whole, ahead);
    const match = /^(\d{3})(?:\.(\d+))?$/.exec(token.digits);
    if (!match) return undefined;
    whole += match[1]!;
    ahead += comma ? 2 : 1;
    if (match[2] !== undefined) return accepted(cursor, whole, ahead, match[2]);
  }
}

function accepted(cursor: Cursor, whole: string, count: number, decimals?: string) {
  // 1 000/7 is not a group but a mixed number.
  if (whole === '' || (cursor.sees('/', count) && !cursor.sees(','))) return undefined;
  for (let read = 0; read < count; read++) cursor.next();
  return { whole, decimals };
}

/** Reads the digits under the bar of `0.1\overline{6}`; '' where there is no bar. */
function repetend(cursor: Cursor): string {
  if (!cursor.seesCommand('overline') && !cursor.seesCommand('bar')) return '';
  cursor.next();
  const digits = cursor.raw();
  if (!/^\d{1,100}$/.test(digits)) throw cursor.failure('a bar over something that is not a digit');
  return digits;
}

function letter(cursor: Cursor, name: string): Node {
  if (name === 'C' && cursor.sees('_')) {
    const chosen = combinations(cursor);
    if (chosen) return chosen;
  }
  return named(cursor, name);
}

/** Reads `C_5^2` or `C_{5}^{2}`, the number of choices of two among five; undefined where it is something else. */
function combinations(cursor: Cursor): Node | undefined {
  const mark = cursor.mark();
  cursor.next();
  const below = cursor.raw();
  const above = cursor.accept('^') === undefined ? '' : cursor.raw();
  if (/^\d{1,6}$/.test(below) && /^\d{1,6}$/.test(above)) {
    return call('binomial', number(BigInt(below)), number(BigInt(above)));
  }
  cursor.restore(mark);
  return undefined;
}

/** Reads the subscript of a letter, its primes, and its argument if it is a function. */
export function named(cursor: Cursor, name: string): Node {
  let full = name;
  if (cursor.accept('_') !== undefined) full += `_${cursor.raw()}`;
  if (full === 'e') return constant('e');
  if (full === 'i' && !cursor.bound.has('i')) return constant('i');
  if (full.length > MAX_NAME) throw cursor.failure('a name is too long');
  let primes = 0;
  while (cursor.sees("'") && primes < 9) {
    cursor.next();
    primes++;
  }
  full += "'".repeat(primes);
  if (!cursor.sees('(') || (cursor.peek()!.space && !/^[fgFG]/.test(full))) return symbol(full);
  if (/^[fgFG]/.test(full) || isArgument(cursor)) {
    cursor.next();
    const inside = cursor.bracketed(() => items(cursor));
    cursor.expect(')');
    return { kind: 'apply', name: full, args: inside.kind === 'list' ? inside.items : [inside] };
  }
  return symbol(full);
}

/** Tells whether the next parentheses contain only numbers and letters, as arguments do: `x(t)`, `I(0)`, `P(x,y)`. */
function isArgument(cursor: Cursor): boolean {
  for (let ahead = 1; ahead < 12; ahead += 2) {
    if (cursor.sees('-', ahead)) ahead++;
    const [token, next] = [cursor.peek(ahead), cursor.peek(ahead + 1)];
    if (token?.kind !== 'number' && token?.kind !== 'letter' && token?.kind !== 'command') return false;
    if (token.kind === 'letter' && token.name === 'i') return false;
    if (next?.kind !== 'sign' || (next.sign !== ')' && next.sign !== ',')) return false;
    if (next.sign === ')') return true;
  }
  return false;
}

function bracket(cursor: Cursor, sign: string): Node {
  switch (sign) {
    case '(':
    case '[':
      return round(cursor, sign);
    case '⟨': {
      const inside = cursor.bracketed(() => items(cursor));
      cursor.expect('⟩');
      return {
        kind: 'tuple',
        open: '(',
        close: '(',
        items: inside.kind === 'list' ? inside.items : [inside],
      };
    }
    case '\\{':
      return braces(cursor);
    case '{':
      return grouped(cursor);
    case '|':
    case '|(':
      return bars(cursor, 'abs', sign === '|' ? '|' : ')|');
    case '‖':
    case '‖(':
      return bars(cursor, 'norm', sign === '‖' ? '‖' : ')‖');
    case '$':
    case '€':
    case '£':
    case '¥':
      return currency(cursor, CURRENCIES[sign]!);
    default:
      throw cursor.failure(`${sign} stands where a value should`);
  }
}

function currency(cursor: Cursor, unit: string): Node {
  const isNegative = cursor.accept('-') !== undefined;
  const value = cursor.nested(() => postfixed(cursor));
  return { kind: 'quantity', value: isNegative ? negate(value) : value, unit };
}

/** Reads round or square brackets: around one item they group, around more they make a tuple or an interval. */
function round(cursor: Cursor, open: Bracket): Node {
  const inside = cursor.bracketed(() => items(cursor));
  const close = cursor.accept(')', ']');
  if (close === undefined) throw cursor.failure('a bracket is not closed');
  if (inside.kind === 'list') {
    return { kind: 'tuple', open, close: close === ')' ? '(' : '[', items: inside.items };
  }
  if ((open === '(') !== (close === ')')) throw cursor.failure('the brackets do not match');
  return inside;
}

/** Reads `\{1, 2\}`; `\{x \mid x > 2\}`, which means its condition; `\{2k \mid k > 2\}`, which means both parts. */
function braces(cursor: Cursor): Node {
  if (cursor.accept('\\}') !== undefined) return { kind: 'namedSet', name: 'empty' };
  return cursor.bracketed(() => {
    const inside = items(cursor);
    const isCondition = cursor.accept('|', ':') !== undefined;
    const condition = isCondition ? items(cursor) : undefined;
    cursor.expect('\\}');
    if (condition && isVariable(inside)) return restricted(inside, condition);
    const all = [inside, condition].flatMap((node) => (node?.kind === 'list' ? node.items : (node ?? [])));
    return condition ? { kind: 'list', items: all } : { kind: 'set', items: all };
  }, true);
}

/** Tells whether the part before a condition only names its variable: `x`, `(x, y)`, `x \in \mathbb{R}`. */
const isVariable = (node: Node): boolean =>
  node.kind === 'symbol' ||
  node.kind === 'membership' ||
  (node.kind === 'tuple' && node.items.every(({ kind }) => kind === 'symbol'));

/** Adds to inequalities the integers from which their variable is taken. */
function restricted(variable: Node, condition: Node): Node {
  const isWhole =
    variable.kind === 'membership' &&
    !variable.negated &&
    variable.set.kind === 'namedSet' &&
    /^[ZN]$/.test(variable.set.name);
  const conditions = condition.kind === 'list' ? condition.items : [condition];
  const isBounded = conditions.every(
    (item) => item.kind === 'relation' && item.operators.every((operator) => /[<>]/.test(operator)),
  );
  return isWhole && isBounded
    ? { kind: 'setOperation', operator: 'intersection', left: variable.set, right: condition }
    : condition;
}

/** Reads TeX's braces, which only group; around a list with commas they are read as a set's. */
function grouped(cursor: Cursor): Node {
  if (cursor.accept('}') !== undefined) return primary(cursor);
  const { grouping, closingBar } = cursor;
  const inside = cursor.nested(() => items(cursor));
  cursor.grouping = grouping;
  cursor.closingBar = closingBar;
  cursor.expect('}');
  return inside.kind === 'list' ? { kind: 'set', items: inside.items } : inside;
}

function bars(cursor: Cursor, name: string, close: string): Node {
  const inside = cursor.bracketed(() => sum(cursor), close === '|' || close === '‖');
  cursor.expect(close);
  return call(name, inside);
}

/** Reads an argument in braces, or one token where TeX takes one: `\frac12`, `\sqrt\pi`. */
export function argument(cursor: Cursor, takesWholeNumber = false): Node {
  if (cursor.accept('{') !== undefined) {
    const inside = cursor.nested(() => statement(cursor));
    cursor.expect('}');
    return inside;
  }
  if (!cursor.repair) throw cursor.failure('an argument needs braces');
  const digit = takesWholeNumber ? undefined : cursor.digit();
  return digit === undefined ? cursor.nested(() => primary(cursor)) : number(BigInt(digit));
}
