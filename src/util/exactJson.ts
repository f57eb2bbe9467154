/** @file Reads and writes JSON in which a number that JavaScript would change keeps its source text, and nesting is bounded. */
import { randomUUID } from 'node:crypto';

/**
 * A number of JSON that is another one to JavaScript, as it stood: a whole number beyond 2⁵³, a decimal of too many
 * digits, `1e400`, and a float that is whole (`1.0`, which Python keeps apart from the int `1`, in templates too).
 * As a text (`String`, `toJSON`) it is that number; `writeJson` writes it without quotes.
 */
export class ExactNumber {
  /** What a schema says that it has received instead of what it expects. */
  static readonly name = 'a number that JavaScript would change';

  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    if (!writing) return this.text;
    written++;
    return MARK + this.text;
  }
}

/** A text that is nested too deeply. */
export class TooDeep extends Error {
  override name = 'TooDeep';

  /** @param element which element of an array it is in, from 1 */
  constructor(readonly element: number) {
    super(`nested too deeply, more than ${MAX_DEPTH} levels`);
  }
}

/** Bounds the nesting of lists and objects, so that whatever walks a value does not run out of stack; serde_json's bound. */
const MAX_DEPTH = 128;
/** A number shorter than this has at most fifteen digits, which every double holds, unless it has an exponent. */
const EXACT_LENGTH = 16;

/** Parses JSON. Numbers that JavaScript would change become `ExactNumber`. @throws SyntaxError as JSON.parse does, or TooDeep */
export function parseJson(text: string): unknown {
  const numbers = scan(text);
  const value: unknown = JSON.parse(text);
  return numbers.length === 0 ? value : withMarks(text, numbers);
}

/** Parses JSON with the numbers that JavaScript has, nesting bounded all the same. @throws SyntaxError as JSON.parse does, or TooDeep */
export function parsePlainJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeeper(value, MAX_DEPTH)) throw new TooDeep(1);
  return value;
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1)));

/** Writes a value of JSON as JSON.stringify does, and `ExactNumber`s as the numbers they are. */
export function writeJson(value: unknown): string {
  writing = true;
  written = 0;
  try {
    const text = JSON.stringify(value);
    return written === 0 ? text : text.replaceAll(MARKED, '$1');
  } finally {
    writing = false;
  }
}

/** Reads a number of JSON from its text, as a number where that is exactly it. */
export function readNumber(text: string): number | ExactNumber {
  const value = Number(text);
  return isHeld(text, value) && (!Number.isInteger(value) || isInt(text)) ? value : new ExactNumber(text);
}

/** A number of JSON as a number, `1.0` as 1. Undefined for what is no number, and for one that no double holds. */
export function plainNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (!(value instanceof ExactNumber)) return undefined;
  const number = Number(value.text);
  return isHeld(value.text, number) ? number : undefined;
}

/** The text of a number as a gold or an answer: its digits, never rounded, `1.0` as 1. Undefined for what is no number. */
export function numberText(value: unknown): string | undefined {
  const number = plainNumber(value);
  if (number === undefined) return value instanceof ExactNumber ? value.text : undefined;
  return Number.isFinite(number) ? String(number) : undefined;
}

const isInt = (text: string): boolean => /^-?\d+$/.test(text);

function isHeld(text: string, value: number): boolean {
  return isInt(text)
    ? Number.isSafeInteger(value)
    : String(value) === text || decimalOf(text) === decimalOf(String(value));
}

let writing = false;
let written = 0;
/** Tells a marked number from every other text; new in each process, so that no file can hold it. */
const MARK = randomUUID();
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');

/** Significant digits and exponent of a decimal number: the same for two texts of one number. */
function decimalOf(text: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [text, text];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Finds the numbers that JavaScript would change, as `[start, end]` pairs in one list, and checks the depth. */
function scan(text: string): number[] {
  const numbers: number[] = [];
  let depth = 0;
  let element = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) throw new TooDeep(element);
    } else if (code === 0x5d || code === 0x7d) depth--;
    else if (code === COMMA) element += depth === 1 ? 1 : 0;
    else if (isDigit(code) || code === 0x2d) {
      const start = at;
      let [hasExponent, hasPoint] = [false, false];
      for (let next = text.charCodeAt(at + 1); isPartOfNumber(next); next = text.charCodeAt(at + 1)) {
        if (next === 0x65 || next === 0x45) hasExponent = true;
        if (next === 0x2e) hasPoint = true;
        at++;
      }
      const isWholeFloat = hasPoint && text.charCodeAt(at) === 0x30;
      if (!hasExponent && !isWholeFloat && at + 1 - start < EXACT_LENGTH) continue;
      if (readNumber(text.slice(start, at + 1)) instanceof ExactNumber) numbers.push(start, at + 1);
    }
  }
  return numbers;
}

/** The place of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

const isPartOfNumber = (code: number) =>
  isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d;

/** Parses valid JSON with the numbers at these places kept as texts. */
function withMarks(text: string, numbers: readonly number[]): unknown {
  const parts: string[] = [];
  let done = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const [start, end] = [numbers[i]!, numbers[i + 1]!];
    parts.push(text.slice(done, start), `"${MARK}${text.slice(start, end)}"`);
    done = end;
  }
  parts.push(text.slice(done));
  return withoutMarks(JSON.parse(parts.join('')));
}

/** Puts the numbers in the place of marked texts, in the value itself: a reviver takes ten times as long. */
function withoutMarks(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith(MARK) ? new ExactNumber(value.slice(MARK.length)) : value;
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item !== 'number') items[i] = withoutMarks(item);
    }
  } else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>;
    for (const [name, field] of Object.entries(fields)) fields[name] = withoutMarks(field);
  }
  return value;
}
