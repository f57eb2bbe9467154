/** @file Holds the position in the tokens of one answer while the grammar reads them. Knows signs, no meanings. */

import type { WorkBudget } from '../algebra/workBudget.js';
import type { Token } from './lex.js';

/** Limits the nesting that the parser follows; answers have fewer than ten levels. */
const MAX_DEPTH = 60;

/** The grammar does not know what was read. This error never leaves `parse`. */
export class ParseFailure extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** A position in a list of tokens, with the context that the grammar needs there. */
export class Cursor {
  readonly #tokens: Token[];
  #index = 0;
  #depth = 0;
  /** Whether `10,000` is one number here. It is not inside brackets, where commas separate items. */
  grouping = true;
  /** Whether a bare `|` closes here rather than opens. */
  closingBar = false;
  /** Letters that an enclosing sum or product binds, so that `i` is not the imaginary unit. */
  readonly bound = new Set<string>();

  constructor(
    tokens: Token[],
    readonly budget: WorkBudget,
    /** Whether LaTeX that TeX would refuse or read otherwise (`\frac12`, `sqrt(2)`, `x^(2)`) is repaired. */
    readonly repair: boolean,
  ) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#index + ahead];
  }

  next(): Token {
    const token = this.#tokens[this.#index];
    if (!token) throw this.failure('the answer ends too early');
    this.budget.spend();
    this.#index++;
    return token;
  }

  /** The next token's sign; undefined where it is none. */
  get sign(): string | undefined {
    const token = this.#tokens[this.#index];
    return token?.kind === 'sign' ? token.sign : undefined;
  }

  /** Tells whether the next token, or the one `ahead` of it, is this sign. */
  sees(sign: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token?.kind === 'sign' && token.sign === sign;
  }

  seesCommand(name: string): boolean {
    const token = this.peek();
    return token?.kind === 'command' && token.name === name;
  }

  /** Reads the next token if it is one of `signs` and returns its sign, else undefined. */
  accept(...signs: string[]): string | undefined {
    const token = this.peek();
    if (token?.kind !== 'sign' || !signs.includes(token.sign)) return undefined;
    this.next();
    return token.sign;
  }

  expect(sign: string): void {
    if (this.accept(sign) === undefined) throw this.failure(`${sign} is missing`);
  }

  /** Reads one digit and leaves the rest of its number, as in `\frac12`. */
  digit(): string | undefined {
    const token = this.peek();
    if (token?.kind !== 'number' || !/^\d/.test(token.digits)) return undefined;
    const digit = token.digits[0]!;
    if (token.digits.length === 1) this.#index++;
    else this.#tokens[this.#index] = { ...token, digits: token.digits.slice(1), space: false };
    return digit;
  }

  /** Runs `read` one level deeper. Throws a ParseFailure beyond 60 levels. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.failure('brackets are nested too deeply');
    const result = read();
    this.#depth--;
    return result;
  }

  /** Runs `read` between brackets, where commas separate items; `closingBar` says whether a bar closes them. */
  bracketed<T>(read: () => T, closingBar = false): T {
    const before = { grouping: this.grouping, closingBar: this.closingBar };
    this.grouping = false;
    this.closingBar = closingBar;
    const result = this.nested(read);
    this.grouping = before.grouping;
    this.closingBar = before.closingBar;
    return result;
  }

  /** Remembers the position, for `restore` to return to. */
  mark(): { index: number; depth: number; grouping: boolean; closingBar: boolean } {
    return { index: this.#index, depth: this.#depth, grouping: this.grouping, closingBar: this.closingBar };
  }

  restore(mark: ReturnType<Cursor['mark']>): void {
    this.#index = mark.index;
    this.#depth = mark.depth;
    this.grouping = mark.grouping;
    this.closingBar = mark.closingBar;
  }

  /** Reads one token, or a group in braces, as text without braces and blanks: `{n-1}` → `n-1`. */
  raw(): string {
    const first = this.next();
    if (first.kind !== 'sign' || first.sign !== '{') return written(first);
    let raw = '';
    for (let open = 1; ;) {
      const token = this.next();
      if (token.kind === 'sign' && token.sign === '{') open++;
      else if (token.kind === 'sign' && token.sign === '}' && --open === 0) return raw;
      raw += written(token);
    }
  }

  failure(message: string): ParseFailure {
    return new ParseFailure(message, this.peek()?.at ?? this.#tokens.at(-1)?.at ?? 0);
  }
}

function written(token: Token): string {
  switch (token.kind) {
    case 'number':
      return token.digits;
    case 'based':
      return `${token.digits}_${token.base}`;
    case 'letter':
      return token.name;
    case 'command':
      return `\\${token.name}`;
    case 'text':
      return token.text.replaceAll(' ', '');
    case 'sign':
      return token.sign;
  }
}
