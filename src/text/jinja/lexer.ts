/** @file Divides a template's source into tokens, with Jinja2's rules for white space around tags. */

import { TemplateError } from './budget.js';
import { escapedCodePoint, SPACE, strip } from './text.js';

export interface Token {
  type: 'data' | 'begin' | 'end' | 'name' | 'string' | 'integer' | 'float' | 'operator' | 'eof';
  /** The text; of begin and end `{{`, `{%`, `}}` or `%}`; of strings what they stand for. */
  value: string;
  line: number;
}

const START = /\{[{%#]/g;
const RAW = new RegExp(`\\{%[-+]?[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`, 'y');
const RAW_END = new RegExp(
  `\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`,
  'g',
);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, 'g');
const ENDS = {
  '{%': new RegExp(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`, 'y'),
  '{{': new RegExp(`-\\}\\}[${SPACE}]*|\\}\\}`, 'y'),
};
const TOKENS = [
  ['space', new RegExp(`[${SPACE}]+`, 'y')],
  ['float', /(?<!\.)\d+(?:_\d+)*(?:(?:\.\d+(?:_\d+)*)?e[-+]?\d+(?:_\d+)*|\.\d+(?:_\d+)*)/iy],
  ['integer', /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ['name', /[\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}·]+/uy],
  ['string', /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy],
  ['operator', /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/y],
] as const;
/** What stands after a backslash in a string, and what it stands for. */
const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' };

/** Divides a source into tokens. @throws TemplateError naming the line of a fault */
export function tokenize(text: string): Token[] {
  // Jinja2 reads every end of a line as \n, and drops the last.
  return new Lexer(text.replace(/\r\n?/g, '\n').replace(/\n$/, '')).run();
}

class Lexer {
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;

  constructor(readonly source: string) {}

  run(): Token[] {
    while (this.#at < this.source.length) {
      START.lastIndex = this.#at;
      const start = START.exec(this.source);
      if (!start) {
        this.#push('data', this.source.slice(this.#at));
        this.#at = this.source.length;
      } else this.#tag(start.index, start[0]);
    }
    this.#push('eof', '');
    return this.#tokens;
  }

  #push(type: Token['type'], value: string): void {
    if (type === 'data' && value === '') return;
    this.#tokens.push({ type, value, line: this.#lineAt(this.#at) });
  }

  /** Counts lines up to a place; places only grow. */
  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted++) if (this.source[this.#counted] === '\n') this.#line++;
    return this.#line;
  }

  #fail(problem: string): never {
    throw new TemplateError(`line ${this.#lineAt(this.#at)}: ${problem}`);
  }

  /** Reads the text before a tag, and the tag. */
  #tag(index: number, start: string): void {
    RAW.lastIndex = index;
    const raw = start === '{%' ? RAW.exec(this.source)?.[0] : undefined;
    const sign = this.source[index + 2] ?? '';
    this.#push('data', this.#stripped(this.source.slice(this.#at, index), sign, start));
    this.#at = index;
    if (raw !== undefined) {
      this.#raw(raw);
      return;
    }
    this.#at += sign === '-' || sign === '+' ? 3 : 2;
    if (start === '{#') this.#comment();
    else {
      this.#push('begin', start);
      this.#expression(start as '{%' | '{{');
    }
  }

  /** Removes the white space that a tag takes from the text before it. */
  #stripped(text: string, sign: string, start: string): string {
    if (sign === '-') return strip(text, undefined, { left: false, right: true });
    if (sign === '+' || start === '{{') return text;
    const line = text.lastIndexOf('\n') + 1;
    const isLineStart = line > 0 || this.#at === 0 || this.source[this.#at - 1] === '\n';
    const isBlank = strip(text.slice(line), undefined, { left: true, right: true }) === '';
    return isLineStart && isBlank ? text.slice(0, line) : text;
  }

  #raw(begin: string): void {
    this.#at += begin.length;
    // As in Jinja2, a block that begins at the very end needs no end.
    if (this.#at === this.source.length) return;
    RAW_END.lastIndex = this.#at;
    const end = RAW_END.exec(this.source) ?? this.#fail('Missing end of raw directive');
    this.#push('data', this.#stripped(this.source.slice(this.#at, end.index), end[1]!, '{%'));
    this.#at = end.index + end[0].length;
  }

  #comment(): void {
    if (this.#at === this.source.length) return;
    COMMENT_END.lastIndex = this.#at;
    const end = COMMENT_END.exec(this.source) ?? this.#fail('Missing end of comment tag');
    this.#at = end.index + end[0].length;
  }

  #expression(start: '{%' | '{{'): void {
    const open: string[] = [];
    for (;;) {
      const end = ENDS[start];
      end.lastIndex = this.#at;
      const close = open.length === 0 ? end.exec(this.source)?.[0] : undefined;
      if (close !== undefined) {
        this.#push('end', start === '{%' ? '%}' : '}}');
        this.#at += close.length;
        return;
      }
      if (this.#at >= this.source.length) return;
      this.#token(open);
    }
  }

  #token(open: string[]): void {
    for (const [type, pattern] of TOKENS) {
      pattern.lastIndex = this.#at;
      const text = pattern.exec(this.source)?.[0];
      if (text === undefined) continue;
      if (type === 'operator') this.#balance(text, open);
      if (type === 'name' && /^\p{Nd}/u.test(text)) this.#fail('Invalid character in identifier');
      if (type !== 'space') this.#push(type, type === 'string' ? this.#unescaped(text.slice(1, -1)) : text);
      this.#at += text.length;
      return;
    }
    this.#fail(`unexpected char '${this.source[this.#at]!}'`);
  }

  #balance(operator: string, open: string[]): void {
    const closing = CLOSING[operator];
    if (closing !== undefined) open.push(closing);
    else if ([')', ']', '}'].includes(operator) && open.pop() !== operator)
      this.#fail(`unexpected '${operator}'`);
  }

  /** Reads a string's escapes as Python's `unicode-escape` does; it leaves unknown ones alone. */
  #unescaped(text: string): string {
    // Jinja2 escapes all but ASCII first, so that \é becomes \xe9 with its backslash doubled.
    return text.replace(
      /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gsu,
      (whole: string, octal?: string, x?: string, u?: string, U?: string, other?: string) => {
        const kind = whole[1]!;
        if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
        const hex = kind === 'x' ? x : kind === 'u' ? u : kind === 'U' ? U : undefined;
        if (hex !== undefined && parseInt(hex, 16) <= 0x10ffff)
          return String.fromCodePoint(parseInt(hex, 16));
        if ('xuUN'.includes(kind)) this.#fail(`the escape ${whole} cannot be read`);
        return ESCAPES[other!] ?? (other! > '\x7f' ? escapedCodePoint(other!) : whole);
      },
    );
  }
}
