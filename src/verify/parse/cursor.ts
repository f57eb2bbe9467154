import type { Budget } from '../algebra/budget.js';
import type { Token } from './lex.js';

/** Nesting that the parser follows; answers have less than ten levels. */
const MAX_DEPTH = 60;

/** What was read is no answer that the grammar knows. It never leaves `parse`. */
export class ParseFailure extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

/** A place in a list of tokens, with what the grammar must know of where it stands. */
export class Cursor {
  private index = 0;
  private depth = 0;
  /** Whether `10,000` is one number here: not inside of brackets, where commas part items. */
  grouping = true;
  /** Whether a bare `|` closes here rather than opens. */
  closingBar = false;
  /** Letters that an enclosing sum or product binds, so that `i` is no imaginary unit. */
  readonly bound = new Set<string>();

  constructor(
    private readonly tokens: Token[],
    readonly budget: Budget,
    /** Whether LaTeX that TeX would refuse or read otherwise (`\frac12`, `sqrt(2)`, `x^(2)`) is repaired. */
    readonly repair: boolean,
  ) {}

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.index + ahead];
  }

  next(): Token {
    const token = this.tokens[this.index];
    if (!token) throw this.failure('the answer ends too early');
    this.budget.spend();
    this.index++;
    return token;
  }

  /** Whether the next token is this sign. */
  sees(sign: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token?.kind === 'sign' && token.sign === sign;
  }

  seesCommand(name: string): boolean {
    const token = this.peek();
    return token?.kind === 'command' && token.name === name;
  }

  /** The next token's sign where it is one of `signs`; it is then read. */
  accept(...signs: string[]): string | undefined {
    const token = this.peek();
    if (token?.kind !== 'sign' || !signs.includes(token.sign)) return undefined;
    this.next();
    return token.sign;
  }

  expect(sign: string): void {
    if (this.accept(sign) === undefined) throw this.failure(`${sign} is missing`);
  }

  /** Reads one digit and leaves the rest of its number: `\frac12`. */
  digit(): string | undefined {
    const token = this.peek();
    if (token?.kind !== 'number' || !/^\d/.test(token.digits)) return undefined;
    const digit = token.digits[0]!;
    if (token.digits.length === 1) this.index++;
    else this.tokens[this.index] = { ...token, digits: token.digits.slice(1), space: false };
    return digit;
  }

  /** Runs `read` one level deeper. Throws a ParseFailure beyond 60 levels. */
  nested<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) throw this.failure('brackets are nested too deeply');
    const result = read();
    this.depth--;
    return result;
  }

  /** Runs `read` between brackets, where commas part items; `closingBar` says whether a bar closes them. */
  bracketed<T>(read: () => T, closingBar = false): T {
    const before = { grouping: this.grouping, closingBar: this.closingBar };
    this.grouping = false;
    this.closingBar = closingBar;
    const result = this.nested(read);
    this.grouping = before.grouping;
    this.closingBar = before.closingBar;
    return result;
  }

  /** Where reading stands, to come back to with `restore`. */
  mark(): { index: number; depth: number; grouping: boolean; closingBar: boolean } {
    return { index: this.index, depth: this.depth, grouping: this.grouping, closingBar: this.closingBar };
  }

  restore(mark: ReturnType<Cursor['mark']>): void {
    Object.assign(this, mark);
  }

  /** A subscript's text without braces and blanks: `{n-1}` → `n-1`. */
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
    return new ParseFailure(message, this.peek()?.at ?? this.tokens.at(-1)?.at ?? 0);
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
