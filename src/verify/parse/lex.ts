/** @file Splits one normalized answer into tokens. Decides words, units and signs; knows no grammar. */

import type { WorkBudget } from '../algebra/workBudget.js';
import { functionName } from './functions.js';
import { relationSign } from './operators.js';
import { SIGNS } from './signs.js';
import { isUnitLetter, isUnitWord } from './units.js';

/** One token. `space` tells whether blanks stood before it. */
export type Token = { readonly at: number; readonly space: boolean } & (
  | { readonly kind: 'number'; readonly digits: string }
  /** A numeral with a written base: `1A_{16}`. */
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'letter'; readonly name: string }
  /** A LaTeX command without its backslash, or a function's name written without one. */
  | { readonly kind: 'command'; readonly name: string }
  /** Words: `\text{…}` or a long run of letters. */
  | { readonly kind: 'text'; readonly text: string; readonly font: boolean }
  /** A sign, bracket or separator. */
  | { readonly kind: 'sign'; readonly sign: string }
);

type Shape = Token extends infer T ? (T extends Token ? Omit<T, 'at' | 'space'> : never) : never;

/** Spacing, sizes and other commands without meaning. */
const IGNORED = new Set(
  (
    'left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr mleft mright displaystyle textstyle ' +
    'scriptstyle limits nolimits quad qquad , ; : ! space thinspace hspace hfill rm bf it mathstrut angle ' +
    'measuredangle triangle cdotp hline centering boldsymbol bm mathbf mathcal mathscr mathit mathfrak'
  ).split(' '),
);

/** Commands whose argument is text. */
const FONTS = new Set(
  'text textbf textit textrm textnormal textsf texttt mbox hbox mathrm mathsf mathtt operatorname'.split(' '),
);

/** Words that mean a command. */
const WORDS: Readonly<Record<string, string>> = {
  cis: 'cis',
  pi: 'pi',
  sqrt: 'sqrt',
  theta: 'theta',
  alpha: 'alpha',
  beta: 'beta',
  lambda: 'lambda',
  infinity: 'infty',
  infty: 'infty',
  inf: 'infty',
  mod: 'mod',
};
const PERCENT = /^(?:per ?cent|percentage|pct)$/i;
/** Matches a list of letters such as `\text{C, E and F}`, which names several things. */
const LETTERS = /^[A-Za-z](?:(?:\s?,\s?(?:(?:and|or)\s)?|\s(?:and|or)\s)[A-Za-z])+$/;
const SEPARATORS = /^(?:and|[,;&])$/i;
const OR = /^or$/i;
const FONT_JOINT = /^,? ?(?:and|or|und|oder|et|ou|и|или|,)$/i;
const VECTOR_BEFORE =
  /\\(?:vec|mathbf|boldsymbol|bm|hat|overrightarrow)\s?(?:\{[^{}]{1,20}\}|[A-Za-z])[\s)}]*$/;

/**
 * Splits one answer into tokens. Every character becomes part of one: what has no meaning fails in the parser. Steps
 * are counted on `budget`, which throws BudgetExceeded.
 */
export function lex(source: string, budget: WorkBudget): Token[] {
  return new Lexer(source, budget).run();
}

class Lexer {
  readonly #source: string;
  readonly #budget: WorkBudget;
  readonly #tokens: Token[] = [];
  #at = 0;
  #space = false;

  constructor(source: string, budget: WorkBudget) {
    this.#source = source;
    this.#budget = budget;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#next();
    return this.#tokens;
  }

  #push(at: number, shape: Shape): void {
    this.#budget.spend();
    this.#tokens.push(Object.assign(shape, { at, space: this.#space }));
    this.#space = false;
  }

  #sign(at: number, sign: string): void {
    // "1, and 2" and "1, or 2" are one separator.
    const last = this.#tokens.at(-1);
    if (last?.kind === 'sign' && last.sign === ',' && /^(?:,|or|and)$/.test(sign)) this.#tokens.pop();
    this.#push(at, { kind: 'sign', sign });
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }

  #next(): void {
    const at = this.#at;
    const first = this.#source[at]!;
    if (first === '\\') {
      this.#command();
      return;
    }
    if (!/[\dA-Za-z.\s~"]/.test(first)) {
      this.#character();
      return;
    }
    if (this.#match(/[\s~"]+/y)) {
      this.#space = true;
      return;
    }
    const based = /[\dA-F]/.test(first) && this.#match(/([0-9A-F]{1,200})_(?:\{\s*(\d{1,2})\s*\}|(\d))/y);
    if (based) {
      if (/^\d|\d$/.test(based[1]!)) {
        this.#push(at, { kind: 'based', digits: based[1]!, base: Number(based[2] ?? based[3]) });
        return;
      }
      this.#at = at;
    }
    const digits = this.#match(/(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9}(?![\d.]))?/y);
    if (digits) {
      this.#push(at, { kind: 'number', digits: digits[0] });
      return;
    }
    const letters = this.#match(/[A-Za-z]+/y);
    if (letters) this.#word(letters[0], at);
    else this.#character();
  }

  #character(): void {
    const at = this.#at;
    const first = this.#source[at]!;
    const pair = /[<>!=^*:]/.test(first)
      ? this.#match(/<=|>=|!=|==|\^\{\\circ\}|\^\\circ|\*\*|:=|=</y)?.[0]
      : undefined;
    if (pair !== undefined) {
      const signs: Record<string, string> = { '**': '^', ':=': '=', '=<': '<=', '==': '=' };
      this.#sign(at, pair.startsWith('^') ? '°' : (signs[pair] ?? pair));
      return;
    }
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += character.length;
    if (character === '&') this.#push(at, { kind: 'sign', sign: '&' });
    else if (first > '\x7f' && /\p{L}/u.test(character)) this.#foreignWord(character, at);
    else this.#sign(at, character);
  }

  /** Reads letters beyond ASCII: words in some language, or a Greek letter that `normalize` has left. */
  #foreignWord(first: string, at: number): void {
    const rest = this.#match(/\p{L}+/uy)?.[0] ?? '';
    this.#push(at, { kind: 'text', text: first + rest, font: false });
  }

  #word(word: string, at: number): void {
    const last = this.#tokens.at(-1);
    if (SEPARATORS.test(word) || OR.test(word)) {
      this.#sign(at, OR.test(word) ? 'or' : 'and');
      return;
    }
    // "1orW(x)=-1", "(11,7)or(7,11)"
    const glued = /^(and|or)(?=[A-Z])/.exec(word);
    if (glued && last && last.kind !== 'letter') {
      this.#sign(at, glued[1]!);
      this.#word(word.slice(glued[0].length), at + glued[0].length);
    } else if (this.#isCapitalWord(word, last)) this.#push(at, { kind: 'text', text: word, font: false });
    else if (PERCENT.test(word)) this.#sign(at, '%');
    else if (Object.hasOwn(WORDS, word)) this.#push(at, { kind: 'command', name: WORDS[word]! });
    else if (
      word === 'min' &&
      this.#followsValue(last) &&
      !/^\s*[({_]/.test(this.#source.slice(this.#at, this.#at + 9))
    )
      this.#push(at, { kind: 'text', text: word, font: false });
    else if (functionName(word) !== undefined) this.#push(at, { kind: 'command', name: word });
    else if (/^[uU]$/.test(word) && this.#betweenBrackets(last)) this.#sign(at, '∪');
    else if (word.length >= 4 || this.#isUnit(word, last) || this.#isJoint(word, last)) {
      if (last?.kind === 'text' && !last.font) {
        this.#tokens[this.#tokens.length - 1] = { ...last, text: `${last.text} ${word}` };
      } else this.#push(at, { kind: 'text', text: word, font: false });
    } else {
      for (let index = 0; index < word.length; index++) {
        this.#push(at + index, { kind: 'letter', name: word[index]! });
      }
    }
  }

  /** Tells whether capitals are an item by themselves, and so a word (HHT), not a product of letters. */
  #isCapitalWord(word: string, last: Token | undefined): boolean {
    if (!/^[A-Z]{2,12}$/.test(word)) return false;
    const begins = !last || (last.kind === 'sign' && /^(?:[,;([{]|or|and|\\{)$/.test(last.sign));
    return (
      begins &&
      /^\s*(?:$|[,;)}\]]|\\\}|(?:and|or)\b|\\text\{ ?,? ?(?:and|or))/.test(
        this.#source.slice(this.#at, this.#at + 40),
      )
    );
  }

  #isUnit(word: string, last: Token | undefined, hasFont = false): boolean {
    if (!(this.#followsValue(last) || last?.kind === 'text')) return false;
    // 5 mg is a mass, 2mg a product.
    return isUnitWord(word, hasFont) || (word === 'mg' && this.#space);
  }

  /** Tells whether a short word stands between two values, as in "2 per 3" and "a to b": it is no product of letters. */
  #isJoint(word: string, last: Token | undefined): boolean {
    if (!this.#space || !last || !/^[a-z]{2,3}$/.test(word)) return false;
    const next = /^(?:to|per|vs|for|by)$/.test(word) ? /\s+\S/y : /\s+[-$\\]?\d/y;
    next.lastIndex = this.#at;
    return next.test(this.#source);
  }

  #followsValue(last: Token | undefined): boolean {
    return last?.kind === 'number' || (last?.kind === 'sign' && /^[)}%]$/.test(last.sign));
  }

  /** Tells whether `U` is a union, as in `[1,2] U [3,4]`: a bracket before it, brackets with a comma after it. */
  #betweenBrackets(last: Token | undefined): boolean {
    const following = this.#source.slice(this.#at, this.#at + 80);
    return (
      last?.kind === 'sign' &&
      /^[)\]]|^\\\}$/.test(last.sign) &&
      /^\s{0,9}(?:\\left\s{0,9})?(?:[([][^()[\]]{0,60},|\\\{)/.test(following)
    );
  }

  #command(): void {
    const at = this.#at;
    const name = this.#match(/\\([A-Za-z]+|[^])/y)?.[1];
    if (name === undefined) {
      // The backslash is the last character.
      this.#at++;
      return;
    }
    if (name === ' ' || name === '\n') this.#space = true;
    else if (name === '\\') this.#push(at, { kind: 'sign', sign: '\\\\' });
    else if (FONTS.has(name)) this.#font(at);
    else if (name === 'left' || name === 'right') this.#delimiter(name);
    else if (/^(?:triangle|angle|measuredangle)$/.test(name) && this.#figure(name, at)) return;
    else if (name === 'triangle' && this.#followsOperand()) this.#push(at, { kind: 'command', name });
    else if (IGNORED.has(name)) this.#space ||= /quad|[,;:]|space/.test(name);
    else if (name === 'times' && this.#betweenVectors(at)) this.#sign(at, '⨯');
    else if (name === 'not') this.#denied(at);
    else if (Object.hasOwn(SIGNS, name)) this.#sign(at, SIGNS[name]!);
    else if (relationSign(name) !== undefined) this.#sign(at, relationSign(name)!);
    else if (name.startsWith('quad')) {
      // In \quadx_{2} a letter was written without a blank after the command.
      this.#space = true;
      this.#at = at + 5;
    } else if (/^(?:frac|binom)/.test(name.slice(1)) && /^[dtc]/.test(name)) {
      this.#push(at, { kind: 'command', name: name.slice(1) });
    } else this.#push(at, { kind: 'command', name });
  }

  /** Reads the relation behind `\not` as its denial: `\not=`, `\not\in`, `\not\subset`. */
  #denied(at: number): void {
    const found = this.#match(/\s*(?:\\([A-Za-z]+)|[=<>])/y);
    if (!found) return;
    const [whole, name] = found;
    const sign = name === undefined ? whole.trim() : (SIGNS[name] ?? relationSign(name) ?? `\\${name}`);
    const signs: Record<string, string> = { '=': '!=', '∈': '∉' };
    this.#sign(at, signs[sign] ?? `not ${sign}`);
  }

  /** Reads the corners behind `\triangle` or `\angle` as one name: the angle ABC is the angle CBA. */
  #figure(name: string, at: number): boolean {
    const corners = this.#match(/\s*\{?\s*([A-Z]{3,6})(?![A-Za-z])\s*\}?/y)?.[1];
    if (corners === undefined) return false;
    const turned = Array.from(corners).reverse().join('');
    const isTurned = name !== 'triangle' && turned < corners;
    this.#push(at, {
      kind: 'letter',
      name: (name === 'triangle' ? '△' : '∠') + (isTurned ? turned : corners),
    });
    return true;
  }

  /** Tells whether a value that an operator may have on its left ends here. */
  #followsOperand(): boolean {
    const last = this.#tokens.at(-1);
    if (last?.kind !== 'sign') return last !== undefined && last.kind !== 'command';
    return /^(?:[)\]}']|\\\}|\)\|)$/.test(last.sign);
  }

  /** Tells whether `\times` at `at` is the cross product: both sides are arrows, hats or bold. */
  #betweenVectors(at: number): boolean {
    const before = this.#source.slice(Math.max(0, at - 40), at);
    return (
      VECTOR_BEFORE.test(before) &&
      /^\s*[({]?\s*\\(?:vec|mathbf|boldsymbol|bm|hat|overrightarrow)\b/.test(
        this.#source.slice(this.#at, this.#at + 30),
      )
    );
  }

  /** Reads the delimiter after `\left` or `\right`, which say whether a bar opens or closes; a full stop is ignored. */
  #delimiter(side: string): void {
    const found = this.#match(/\s*(\||\\\||\\vert|\\Vert|\.)/y);
    if (!found || found[1] === '.') return;
    const bar = /^\\[|V]/.test(found[1]!) ? '‖' : '|';
    this.#sign(this.#at - 1, side === 'left' ? `${bar}(` : `)${bar}`);
  }

  #font(at: number): void {
    const open = this.#match(/\s*\{/y);
    if (!open) return;
    const content = this.#insideBraces();
    const words = content.replace(/(?:[\s~]|\\[,;: ])+/g, ' ').replace(/^ |[ .]$/g, '');
    const lettered = /^\(?([A-Za-z])\)?$/.exec(words);
    if (words === '' || words === 'th') return;
    if (lettered) this.#fontLetter(lettered[1]!, at);
    else if (FONT_JOINT.test(words))
      this.#sign(at, /(?:or|oder|ou|или)$/i.test(words) ? 'or' : /,$/.test(words) ? ',' : 'and');
    else if (PERCENT.test(words)) this.#sign(at, '%');
    else if (this.#isUnit(words, this.#tokens.at(-1), true))
      this.#push(at, { kind: 'text', text: words, font: true });
    else if (functionName(words) !== undefined) this.#push(at, { kind: 'command', name: words });
    else if (Object.hasOwn(WORDS, words)) this.#push(at, { kind: 'command', name: WORDS[words]! });
    else if (LETTERS.test(words) || /^[-+$(]?\s?\d/.test(words)) this.#inline(content, at);
    else this.#push(at, { kind: 'text', text: words.replace(/\\[,;: ]|[{}$]/g, ''), font: true });
  }

  /** Reads a single letter in another font: a unit after a value, `5 \text{ m}`, else a symbol. */
  #fontLetter(letter: string, at: number): void {
    const last = this.#tokens.at(-1);
    // 4.7\text{ k}\Omega
    const isPrefix =
      /^[kKMGm]$/.test(letter) && /^\s*\\Omega/.test(this.#source.slice(this.#at, this.#at + 12));
    const isUnit =
      (isPrefix || isUnitLetter(letter)) &&
      (this.#followsValue(last) || (last?.kind === 'command' && last.name === 'mu'));
    this.#push(at, isUnit ? { kind: 'text', text: letter, font: true } : { kind: 'letter', name: letter });
  }

  /** Reads the content of `\text{…}` as if the command were not there. */
  #inline(content: string, at: number): void {
    for (const token of lex(content, this.#budget)) this.#tokens.push({ ...token, at });
  }

  /** Reads the text up to the brace that closes one just read, or to the end where none does. */
  #insideBraces(): string {
    const content = this.#readBraces();
    // The content may be read again by `#inline`, so nested contents cost steps for their length.
    this.#budget.spend(content.length >> 2);
    return content;
  }

  #readBraces(): string {
    const start = this.#at;
    let depth = 1;
    for (; this.#at < this.#source.length; this.#at++) {
      const character = this.#source[this.#at];
      if (character === '\\') this.#at++;
      else if (character === '{') depth++;
      else if (character === '}' && --depth === 0) return this.#source.slice(start, this.#at++);
    }
    return this.#source.slice(start);
  }
}
