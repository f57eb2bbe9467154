/** @file Reads the units that follow values. What a unit is worth is in units.ts. */

import type { Cursor } from './cursor.js';
import type { Token } from './lex.js';
import { number, product, type Node } from '../algebra/tree.js';
import { isUnitLetter, multipleOf } from './units.js';

export const CURRENCIES: Readonly<Record<string, string>> = {
  $: 'dollar',
  '€': 'euro',
  '£': 'gbp',
  '¥': 'yen',
};

/** Reads the unit after a value. `million` multiplies the value instead, which may have a unit: `$2 million`. */
export function withUnit(value: Node, cursor: Cursor): Node {
  const words = unit(cursor);
  const multiple = multipleOf(words);
  if (!multiple) return { kind: 'quantity', value, unit: words };
  const factor = number(multiple.factor);
  if (multiple.unit !== '') return { kind: 'quantity', value: product(factor, value), unit: multiple.unit };
  return value.kind === 'quantity'
    ? { ...value, value: product(factor, value.value) }
    : product(factor, value);
}

/** Reads words with powers and slashes between them: `cm`, `kcal m^-2`, `km/h`. */
function unit(cursor: Cursor): string {
  let words = '';
  for (;;) {
    const token = cursor.peek();
    if (token?.kind === 'text') words += (/[^/µ]$/.test(words) ? ' ' : '') + token.text;
    else if (token?.kind === 'letter' && token.space && words !== '') words += ` ${token.name}`;
    else if (words.endsWith('/') && token?.kind === 'letter') words += token.name;
    else if (token?.kind === 'command' && Object.hasOwn(SIGNS, token.name)) words += SIGNS[token.name]!;
    else if (cursor.sees('/') && isUnit(cursor.peek(1))) words += '/';
    else if (cursor.sees('^')) {
      cursor.next();
      words += `^${cursor.raw()}`;
      continue;
    } else return words.trim();
    cursor.next();
  }
}

/** Commands that are signs of units, or begin them. */
const SIGNS: Readonly<Record<string, string>> = { Omega: 'Ω', mu: 'µ' };

/** Tells whether a unit follows that begins with a command: `\mu` before letters in upright font, `\Omega` at the end. */
export function startsUnit(cursor: Cursor): boolean {
  const [token, next] = [cursor.peek(), cursor.peek(1)];
  if (token?.kind !== 'command') return false;
  if (token.name === 'mu') return next?.kind === 'text' && next.font;
  const last = cursor.peek(-1);
  return token.name === 'Omega' && !next && last?.kind === 'number';
}

const isUnit = (token: Token | undefined): boolean =>
  token?.kind === 'text' || (token?.kind === 'letter' && isUnitLetter(token.name));

/** Gives the value its degrees; reads the letter of a temperature scale after the sign °. */
export function degrees(cursor: Cursor, value: Node): Node {
  const token = cursor.peek();
  const scale = token?.kind === 'letter' ? { C: 'celsius', F: 'fahrenheit' }[token.name] : undefined;
  if (scale !== undefined) cursor.next();
  return { kind: 'quantity', value, unit: scale ?? 'degree' };
}
