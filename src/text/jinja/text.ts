/** @file Writes values as Python's `str` and `repr` do, and divides texts as Python's `str` methods do. */

import { allowText, spend, TemplateError } from './budget.js';
import {
  Dict,
  Instance,
  isList,
  iterate,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  View,
  type Value,
} from './values.js';

/** Python's white space. JavaScript's `\s` lacks U+001C to U+001F and U+0085, and has the byte order mark. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const spaces = new RegExp(`[${SPACE}]+`, 'g');
const leadingSpace = new RegExp(`^[${SPACE}]+`);
const isSpace = new RegExp(`[${SPACE}]`);

/** Writes a value as `{{ }}` does. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return '';
  return toRepr(value);
}

/** Writes a value as it stands in a printed list. */
export function toRepr(value: Value): string {
  spend(1);
  if (value === null) return 'None';
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'bigint':
      return value.toString();
    case 'number':
      return floatText(value);
  }
  const text = reprOfObject(value);
  if (text === undefined) {
    throw new TemplateError(`it writes out a ${typeName(value)}, which has no text that is always the same`);
  }
  allowText(text.length);
  return text;
}

function reprOfObject(value: Exclude<Value, string | boolean | bigint | number | null>): string | undefined {
  const list = (items: readonly Value[]) => items.map(toRepr).join(', ');
  const dict = (entries: Iterable<readonly [Value, Value]>) =>
    `{${Array.from(entries, ([key, item]) => `${toRepr(key)}: ${toRepr(item)}`).join(', ')}}`;
  if (isList(value)) return `[${list(value)}]`;
  if (value instanceof Tuple) return `(${list(value.items)}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof Dict) return dict(value.entries());
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof View) {
    return `dict_${value.kind}([${list([...{ [Symbol.iterator]: () => iterate(value) }])}])`;
  }
  if (value instanceof Range) {
    const { start, stop, step } = value;
    return `range(${start}, ${stop}${step === 1 ? '' : `, ${step}`})`;
  }
  if (value instanceof Namespace) return `<Namespace ${dict(value.attributes)}>`;
  return value instanceof Instance ? value.toText() : undefined;
}

/** Characters that Python writes as escapes in `repr`: controls, unassigned ones, and spaces but U+0020. */
const UNPRINTABLE = /[\p{C}\p{Z}]/gu;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replace(UNPRINTABLE, (c) => (c === ' ' ? c : (NAMED[c] ?? escapedCodePoint(c))));
  return quote + escaped + quote;
}

/** Writes a character as \xhh, \uhhhh or \Uhhhhhhhh. */
export function escapedCodePoint(character: string): string {
  const hex = character.codePointAt(0)!.toString(16);
  if (hex.length <= 2) return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** Writes a float as Python does: the shortest digits that give it back, always with a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) {
    const digits = mantissa.replace(/[-.]/g, '');
    return `${value < 0 ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${digits}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

/** Which ends of a text are stripped. */
export interface Ends {
  left: boolean;
  right: boolean;
}

/** Strips white space, or the characters that are given. */
export function strip(text: string, unwanted: string | undefined, { left, right }: Ends): string {
  if (unwanted === undefined) {
    let end = text.length;
    while (right && end > 0 && isSpace.test(text[end - 1]!)) end--;
    const rest = text.slice(0, end);
    return left ? rest.replace(leadingSpace, '') : rest;
  }
  const characters = new Set(unwanted);
  let start = 0;
  let end = text.length;
  while (left && start < end) {
    const character = String.fromCodePoint(text.codePointAt(start)!);
    if (!characters.has(character)) break;
    start += character.length;
  }
  while (right && end > start) {
    const unit = text.slice(end - 1, end);
    const isPair =
      end - start > 1 && unit >= '\uDC00' && unit <= '\uDFFF' && /[\uD800-\uDBFF]/.test(text[end - 2]!);
    const character = isPair ? text.slice(end - 2, end) : unit;
    if (!characters.has(character)) break;
    end -= character.length;
  }
  return text.slice(start, end);
}

/** Splits as `str.split` does. @param most how often it splits at most; negative: without bound */
export function split(text: string, separator: string | undefined, most: number): string[] {
  if (separator === undefined) return splitAtSpace(text, most);
  if (separator === '') throw new TemplateError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

function splitAtSpace(text: string, most: number): string[] {
  const rest = text.replace(leadingSpace, '');
  const parts: string[] = [];
  let start = 0;
  for (const { index, 0: run } of rest.matchAll(spaces)) {
    if (parts.length === most) break;
    parts.push(rest.slice(start, index));
    start = index + run.length;
  }
  const last = rest.slice(start);
  if (last !== '') parts.push(last);
  return parts;
}

/** Splits as `str.rsplit` does, from the right. */
export function splitFromRight(text: string, separator: string | undefined, most: number): string[] {
  if (separator === undefined) {
    const reversed = (part: string) => Array.from(part).reverse().join('');
    return splitAtSpace(reversed(text), most).map(reversed).reverse();
  }
  const parts = split(text, separator, -1);
  if (most < 0 || parts.length <= most + 1) return parts;
  const first = parts.length - most;
  return [parts.slice(0, first).join(separator), ...parts.slice(first)];
}

/** Splits into lines at all that Python counts as an end of a line. */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  let start = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g)) {
    lines.push(text.slice(start, index + (keepEnds ? end.length : 0)));
    start = index + end.length;
  }
  if (start < text.length) lines.push(text.slice(start));
  return lines;
}

/** Replaces as `str.replace` does. @param most negative: all */
export function replace(text: string, from: string, to: string, most: number): string {
  if (from === '') spend(text.length);
  const parts = from === '' ? ['', ...Array.from(text), ''] : text.split(from);
  const count = most < 0 ? parts.length - 1 : Math.min(most, parts.length - 1);
  allowText(text.length + count * Math.max(0, to.length - from.length) + parts.length * 4);
  if (count === parts.length - 1) return parts.join(to);
  return (
    parts.slice(0, count + 1).join(to) +
    (count < parts.length - 1 ? from : '') +
    parts.slice(count + 1).join(from)
  );
}

/** Escapes a text for HTML as markupsafe does. */
export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    "'": '&#39;',
    '"': '&#34;',
  };
  return text.replace(/[&<>'"]/g, (c) => names[c]!);
}

/** Marks a value as HTML, and escapes it unless it is already marked. */
export function escaped(value: Value): Markup {
  return value instanceof Markup ? value : new Markup(escapeHtml(toText(value)));
}

/** Makes the first letter large and the others small, as `str.capitalize` does. */
export function capitalize(text: string): string {
  const [first = ''] = text;
  return titlecase(first) + text.slice(first.length).toLowerCase();
}

/** The letters that stand for two, whose title case is neither large nor small. */
const DIGRAPHS: Readonly<Record<string, string>> = { Ǆ: 'ǅ', Ǉ: 'ǈ', Ǌ: 'ǋ', Ǳ: 'ǲ' };

function titlecase(letter: string): string {
  const upper = letter.toUpperCase();
  const [first = ''] = upper;
  return DIGRAPHS[upper] ?? first + upper.slice(first.length).toLowerCase();
}
