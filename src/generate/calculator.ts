/** @file Computes the values of `<<expression=value>>` marks while a model writes them. Knows text, not tokens. */

import {
  add,
  divide,
  floor,
  multiply,
  rational,
  scanDecimal,
  subtract,
  toDecimalText,
  type Rational,
} from '../util/rational.js';

// Bounds on what a model may ask for; the longest of GSM8K's 23,716 training marks has 51 characters.
const MAX_LENGTH = 200;
const MAX_DEPTH = 32;
const MAX_MAGNITUDE = 10n ** 18n;
const MAX_EXACT_DECIMALS = 12;
const ROUNDED_DECIMALS = 4;

/**
 * Computes the value of an arithmetic expression, written as GSM8K writes it. Undefined if it is not such an
 * expression, divides by zero or leaves the bounds (200 characters, 32 nested parentheses, 10^18).
 *
 * It understands `+ - * /` (also `× ÷ −`, and `//`, which rounds down), parentheses, decimals, thousands commas, `$`
 * before a number and `%` after one. It writes integers without a point, finite decimals exactly, and others rounded to
 * four decimals (GSM8K's own marks are all finite). Two conventions follow the expression, because that agrees with
 * most marks: cents are kept if an operand has a trailing zero (`1.50*3` → `4.50`), and the leading zero is left out if
 * operands leave it out (`.5/2` → `.25`).
 */
export function calculate(expression: string): string | undefined {
  if (expression.length > MAX_LENGTH) return undefined;
  const value = new Parser(expression).parse();
  if (value === undefined || (value.n < 0n ? -value.n : value.n) > MAX_MAGNITUDE * value.d) return undefined;
  const text = toDecimalText(value, MAX_EXACT_DECIMALS, ROUNDED_DECIMALS);
  const cents = /\.\d$/.test(text) && /\.\d0(?!\d)/.test(expression) ? `${text}0` : text;
  return /(?<!\d)\.\d/.test(expression) ? withoutLeadingZero(cents) : cents;
}

function withoutLeadingZero(text: string): string {
  return text.replace(/^(-?)0\./, '$1.');
}

/** Parses by recursive descent; every method returns undefined at the first thing that does not fit. */
class Parser {
  #at = 0;
  #depth = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Rational | undefined {
    const value = this.#sum();
    return this.#peek() === '' ? value : undefined;
  }

  #sum(): Rational | undefined {
    let left = this.#product();
    for (;;) {
      const operator = this.#accept('+-−');
      if (operator === undefined) return left;
      const right = this.#product();
      if (left === undefined || right === undefined) return undefined;
      left = operator === '+' ? add(left, right) : subtract(left, right);
    }
  }

  #product(): Rational | undefined {
    let left = this.#signed();
    for (;;) {
      const operator = this.#accept('*/×÷');
      if (operator === undefined) return left;
      const roundsDown = operator === '/' && this.#text[this.#at] === '/';
      if (roundsDown) this.#at++;
      const right = this.#signed();
      if (left === undefined || right === undefined) return undefined;
      if (operator === '*' || operator === '×') left = multiply(left, right);
      else if (right.n === 0n) return undefined;
      else left = roundsDown ? floor(divide(left, right)) : divide(left, right);
    }
  }

  #signed(): Rational | undefined {
    let negative = false;
    for (let sign = this.#accept('+-−'); sign !== undefined; sign = this.#accept('+-−')) {
      negative = (sign !== '+') !== negative;
    }
    const value = this.#operand();
    return negative && value !== undefined ? { n: -value.n, d: value.d } : value;
  }

  #operand(): Rational | undefined {
    this.#accept('$');
    let value: Rational | undefined;
    if (this.#accept('(') !== undefined) {
      if (++this.#depth > MAX_DEPTH) return undefined;
      value = this.#sum();
      this.#depth--;
      if (this.#accept(')') === undefined) return undefined;
    } else {
      this.#peek();
      const number = scanDecimal(this.#text, this.#at);
      value = number?.value;
      this.#at = number?.end ?? this.#at;
    }
    if (value !== undefined && this.#accept('%') !== undefined) value = divide(value, rational(100n));
    return value;
  }

  /** Skips blanks and returns the next character, '' at the end. */
  #peek(): string {
    while (this.#text[this.#at] === ' ') this.#at++;
    return this.#text[this.#at] ?? '';
  }

  #accept(characters: string): string | undefined {
    const next = this.#peek();
    if (next === '' || !characters.includes(next)) return undefined;
    this.#at++;
    return next;
  }
}

/**
 * Does calculator decoding for one sequence (Cobbe et al. 2021, arXiv:2110.14168). `push` takes the text of every
 * decoded token; when that brings the first `=` inside an open `<<…` mark, it returns the text that must come next
 * (`24>>`). It makes no difference whether forced text is pushed too.
 *
 * `=` may share a token with its neighbours (`)=`, `=-`, `=.` are tokens of SmolLM2): the text after the `=` in the
 * piece counts as the beginning of the value, and only the rest is forced. A piece that begins a different value (`=-`
 * if the result is positive) is left to the model, since decoded text is never taken back.
 */
export class Calculator {
  /** The expression of the open mark so far; undefined outside marks. */
  #expression: string | undefined;
  /** An unfinished `<` at the end of the pushed text. */
  #pending = '';

  push(piece: string): string | undefined {
    const text = this.#pending + piece;
    this.#pending = '';
    let at = 0;
    while (at < text.length) {
      if (this.#expression === undefined) {
        const open = text.indexOf('<<', at);
        if (open < 0) {
          if (text.endsWith('<')) this.#pending = '<';
          return undefined;
        }
        this.#expression = '';
        at = open + 2;
        continue;
      }
      const stop = nextStop(text, at);
      this.#expression += text.slice(at, stop);
      if (this.#expression.length > MAX_LENGTH) this.#expression = undefined;
      if (stop === text.length || this.#expression === undefined) {
        at = stop;
        continue;
      }
      const forced = text[stop] === '=' ? forcedAfter(this.#expression, text.slice(stop + 1)) : undefined;
      this.#expression = undefined;
      if (forced !== undefined) return forced;
      // A second `<<` opens a new mark, so it must be read again.
      at = text[stop] === '<' ? stop : stop + 1;
    }
    return undefined;
  }
}

/** Finds where the expression that is open at `from` ends: at `=`, or the end of the mark, the line or the text. */
function nextStop(text: string, from: number): number {
  const stop = /[=<>\n]/g;
  stop.lastIndex = from;
  return stop.exec(text)?.index ?? text.length;
}

/** Returns the rest of `value>>` after `begun`, the text that already follows the `=`. */
function forcedAfter(expression: string, begun: string): string | undefined {
  const value = calculate(expression);
  if (value === undefined) return undefined;
  for (const spelling of [value, withoutLeadingZero(value)]) {
    const whole = `${spelling}>>`;
    if (begun.length < whole.length && whole.startsWith(begun)) return whole.slice(begun.length);
  }
  return undefined;
}
