/** @file Reads plain text as SymPy's parser does. For rllm's grader only; the verifier's own grammar is parse/. */

import { rational } from '../../../util/rational.js';
import {
  call,
  constant,
  difference,
  negate,
  number,
  power,
  product,
  quotient,
  sum,
  symbol,
  type Node,
} from '../../algebra/tree.js';

/** Limits the length of a text; a longer one counts as unreadable. */
const MAX_LENGTH = 2_000;
/** Limits the nesting of a text; a deeper one counts as unreadable. */
const MAX_DEPTH = 100;

/** Names of at most two different letters that SymPy or Python know, which are therefore not products of letters. */
const RESERVED = new Set(
  'all as csc eye ff fft frac fu gff hn1 hn2 id if im in is jn li nan ntt oo or re rf yn zoo'.split(' '),
);
/** Names of Greek letters with at most two different letters: each is one symbol, whereas `ab` is `a*b`. */
const GREEK = new Set(['mu', 'nu', 'xi']);

type Token = { kind: 'name' | 'operator'; text: string } | { kind: 'value'; node: Node } | LineBreak;
interface LineBreak {
  kind: 'break';
}

/**
 * Reads a text as SymPy 1.x's `parse_expr` does with `implicit_multiplication_application`, as far as needed for texts
 * that rllm's grader admits (lower case, at most two different letters besides `sqrt`): numbers, letters,
 * `+ - * / ** ^ !`, `sqrt(…)`, `ln(…)` and `pi`. Neighbours are multiplied (`1/2x` is `x/2`), names are split into
 * letters and numbers (`ab2` is `a*b*2`, but `x_1` is one symbol), `2j` is imaginary, `1_000` is a number.
 * Undefined where SymPy raises an error, for everything else that Python can evaluate, and for texts of more than
 * 2,000 characters or 100 levels.
 */
export function parseSympyText(text: string): Node | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  return new Parser(tokens).parse();
}

const NUMBER =
  /(?<float>(?:\d(?:_?\d)*\.(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:e[-+]?\d(?:_?\d)*)?|\d(?:_?\d)*e[-+]?\d(?:_?\d)*)|(?<imaginary>\d(?:_?\d)*)(?=j)|0(?:_?0)*|[1-9](?:_?\d)*/y;
const NAME = /[\p{L}_][\p{L}\d_]*/uy;
/** Matches an integer that Python refuses; by itself it is read as `0` and the rest. */
const LEADING_ZERO = /^0+[1-9]/;
const OPERATOR = /\*\*|[-+*/^!()]/y;

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const found = pattern.exec(text);
    if (found !== null) position += found[0].length;
    return found;
  };
  while (position < text.length) {
    if (take(/[ \t\f]+/y) !== null) continue;
    if (take(/[\r\n]+/y) !== null) {
      tokens.push({ kind: 'break' });
      continue;
    }
    const digits = take(NUMBER);
    if (digits !== null) {
      const node = numberNode(digits);
      if (node === undefined) return undefined;
      tokens.push({ kind: 'value', node });
      if (text[position] === 'j') {
        position++;
        tokens.push({ kind: 'operator', text: '*' }, { kind: 'value', node: constant('i') });
      }
      continue;
    }
    const name = take(NAME);
    if (name !== null) {
      const named = nameTokens(name[0], /^!(?!=)/.test(text.slice(position, position + 2)));
      if (named === undefined) return undefined;
      tokens.push(...named);
      continue;
    }
    const operator = take(OPERATOR);
    if (operator === null) return undefined;
    tokens.push({ kind: 'operator', text: operator[0] === '^' ? '**' : operator[0] });
  }
  return tokens;
}

/** Makes an integer, or a decimal marked as such because SymPy computes with it in binary. */
function numberNode(found: RegExpExecArray): Node | undefined {
  const text = found[0].replaceAll('_', '');
  if (found.groups?.imaginary !== undefined && LEADING_ZERO.test(text)) return undefined;
  if (found.groups?.float === undefined) return number(BigInt(text));
  const [digits, exponent = '0'] = text.split('e');
  const [whole, decimals = ''] = digits!.split('.');
  const shift = Number(exponent) - decimals.length;
  if (Math.abs(shift) > MAX_LENGTH) return undefined;
  const value = rational(
    BigInt(whole! + decimals) * 10n ** BigInt(Math.max(shift, 0)),
    10n ** BigInt(Math.max(-shift, 0)),
  );
  return { kind: 'number', value, written: 'decimal' };
}

/** Splits a name that is not known into its letters and numbers; in parentheses if a factorial sign follows. */
function nameTokens(name: string, isFactorial: boolean): Token[] | undefined {
  if (RESERVED.has(name)) return undefined;
  if (name === 'pi') return [{ kind: 'value', node: constant('pi') }];
  if (name === 'sqrt' || name === 'ln') return [{ kind: 'name', text: name }];
  if (name.includes('_') || GREEK.has(name)) return [{ kind: 'value', node: symbol(name) }];
  const pieces = name.match(/\d+|\D/gu) ?? [];
  if (pieces.some((piece) => LEADING_ZERO.test(piece))) return undefined;
  const parts = pieces.map((part): Token => ({
    kind: 'value',
    node: /\d/.test(part) ? number(BigInt(part)) : symbol(part),
  }));
  if (!isFactorial || parts.length === 1) return parts;
  return [{ kind: 'operator', text: '(' }, ...parts, { kind: 'operator', text: ')' }];
}

const HALF = number(rational(1n, 2n));

/** Parses Python's grammar of arithmetic, with products of neighbours. */
class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Node | undefined {
    const node = this.#sum();
    return this.#peek() === undefined ? node : undefined;
  }

  #peek(): Token | undefined {
    while (this.#tokens[this.#position]?.kind === 'break') this.#position++;
    return this.#tokens[this.#position];
  }

  #takes(...operators: string[]): string | undefined {
    const token = this.#peek();
    if (token?.kind !== 'operator' || !operators.includes(token.text)) return undefined;
    this.#position++;
    return token.text;
  }

  #nested<T>(read: () => T | undefined): T | undefined {
    if (this.#depth >= MAX_DEPTH) return undefined;
    this.#depth++;
    const result = read();
    this.#depth--;
    return result;
  }

  #sum(): Node | undefined {
    let left = this.#product();
    for (;;) {
      if (left === undefined) return undefined;
      const operator = this.#takes('+', '-');
      if (operator === undefined) return left;
      const right = this.#product();
      left = right && (operator === '+' ? sum(left, right) : difference(left, right));
    }
  }

  #product(): Node | undefined {
    let left = this.#signed();
    for (;;) {
      if (left === undefined) return undefined;
      const operator = this.#takes('*', '/') ?? (this.#atomFollows() ? '*' : undefined);
      if (operator === undefined) return left;
      const right = this.#signed();
      left = right && (operator === '*' ? product(left, right) : quotient(left, right));
    }
  }

  /** Tells whether a factor follows without a sign before it. Factors are not multiplied across a line break. */
  #atomFollows(): boolean {
    const token = this.#tokens[this.#position];
    return token !== undefined && token.kind !== 'break' && (token.kind !== 'operator' || token.text === '(');
  }

  #signed(): Node | undefined {
    return this.#nested(() => {
      const sign = this.#takes('+', '-');
      if (sign === undefined) return this.#power();
      const of = this.#signed();
      return sign === '+' ? of : of && negate(of);
    });
  }

  #power(): Node | undefined {
    const left = this.#postfixed();
    if (left === undefined || this.#takes('**') === undefined) return left;
    const right = this.#signed();
    return right && power(left, right);
  }

  #postfixed(): Node | undefined {
    const of = this.#atom();
    if (of === undefined || this.#takes('!') === undefined) return of;
    if (this.#takes('!') === undefined) return call('factorial', of);
    return this.#takes('!') === undefined ? call('doubleFactorial', of) : undefined;
  }

  #atom(): Node | undefined {
    const token = this.#peek();
    if (token?.kind === 'value') {
      this.#position++;
      return token.node;
    }
    if (token?.kind === 'name') {
      this.#position++;
      const of = this.#group();
      return of && (token.text === 'sqrt' ? power(of, HALF) : call('ln', of));
    }
    return this.#group();
  }

  #group(): Node | undefined {
    return this.#nested(() => {
      if (this.#takes('(') === undefined) return undefined;
      const inner = this.#sum();
      return this.#takes(')') === undefined ? undefined : inner;
    });
  }
}
