import type { Budget } from '../algebra/budget.js';
import { functionName } from './functions.js';
import { isUnitLetter, isUnitWord } from './units.js';

/** `space` tells whether blanks stood before the token. */
export type Token = { readonly at: number; readonly space: boolean } & (
  | { readonly kind: 'number'; readonly digits: string }
  /** A numeral with a written base: `1A_{16}`. */
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'letter'; readonly name: string }
  /** A LaTeX command without its backslash, or a function's name written without one. */
  | { readonly kind: 'command'; readonly name: string }
  /** Words: `\text{…}` or a long run of letters. */
  | { readonly kind: 'text'; readonly text: string; readonly font: boolean }
  /** A sign, bracket or separator. `and` and `or` are commas. */
  | { readonly kind: 'sign'; readonly sign: string }
);

type Shape = Token extends infer T ? (T extends Token ? Omit<T, 'at' | 'space'> : never) : never;

/** Spacing, sizes and other commands that say nothing. */
const IGNORED = new Set(
  (
    'left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr mleft mright displaystyle textstyle ' +
    'scriptstyle limits nolimits quad qquad , ; : ! space thinspace hspace hfill rm bf it mathstrut angle ' +
    'measuredangle triangle cdotp hline centering boldsymbol bm mathbf mathcal mathscr mathit mathfrak'
  ).split(' '),
);

const SIGNS: Readonly<Record<string, string>> = {
  le: '<=',
  leq: '<=',
  leqslant: '<=',
  leqq: '<=',
  ge: '>=',
  geq: '>=',
  geqslant: '>=',
  geqq: '>=',
  lt: '<',
  gt: '>',
  ne: '!=',
  neq: '!=',
  approx: '~',
  approxeq: '~',
  simeq: '~',
  thickapprox: '~',
  doteq: '~',
  sim: '~',
  equiv: '==',
  colon: ':',
  coloneqq: '=',
  times: '*',
  cdot: '*',
  ast: '*',
  bullet: '*',
  div: '÷',
  pm: '±',
  mp: '∓',
  cup: '∪',
  bigcup: '∪',
  cap: '∩',
  bigcap: '∩',
  setminus: '∖',
  backslash: '∖',
  in: '∈',
  notin: '∉',
  lbrace: '\\{',
  rbrace: '\\}',
  '{': '\\{',
  '}': '\\}',
  lbrack: '[',
  rbrack: ']',
  langle: '⟨',
  rangle: '⟩',
  lvert: '|(',
  rvert: ')|',
  vert: '|',
  mid: '|',
  '|': '‖',
  Vert: '‖',
  lVert: '‖(',
  rVert: ')‖',
  '%': '%',
  $: '$',
  pounds: '£',
  euro: '€',
  degree: '°',
  land: ',',
  lor: ',',
  wedge: ',',
  vee: ',',
  implies: '⇒',
  Rightarrow: '⇒',
  Longrightarrow: '⇒',
  iff: '⇒',
  Leftrightarrow: '⇒',
  to: '→',
  rightarrow: '→',
};

/** Commands whose argument is words. */
const FONTS = new Set(
  'text textbf textit textrm textnormal textsf texttt mbox hbox mathrm mathsf mathtt operatorname'.split(' '),
);

/** Words that stand for a command. */
const WORDS: Readonly<Record<string, string>> = {
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
const PERCENT = /^(?:percent|percentage|pct)$/i;
/** `\text{C, E and F}` names several things. */
const LETTERS = /^[A-Za-z](?:(?:\s?,\s?(?:(?:and|or)\s)?|\s(?:and|or)\s)[A-Za-z])+$/;
const SEPARATORS = /^(?:and|or|[,;&])$/i;

/**
 * The tokens of one answer. Everything is a token: what means nothing fails in the parser. Steps are counted on
 * `budget`, which is where BudgetExceeded comes from.
 */
export function lex(source: string, budget: Budget): Token[] {
  return new Lexer(source, budget).run();
}

class Lexer {
  private readonly tokens: Token[] = [];
  private at = 0;
  private space = false;

  constructor(
    private readonly source: string,
    private readonly budget: Budget,
  ) {}

  run(): Token[] {
    while (this.at < this.source.length) this.next();
    return this.tokens;
  }

  private push(at: number, shape: Shape): void {
    this.budget.spend();
    this.tokens.push({ ...shape, at, space: this.space });
    this.space = false;
  }

  private sign(at: number, sign: string): void {
    // "1, and 2" is one separator.
    const last = this.tokens.at(-1);
    if (sign === ',' && last?.kind === 'sign' && last.sign === ',') return;
    this.push(at, { kind: 'sign', sign });
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private next(): void {
    const at = this.at;
    if (this.match(/[\s~"]+/y)) {
      this.space = true;
      return;
    }
    const based = this.match(/([0-9A-F]{1,200})_(?:\{\s*(\d{1,2})\s*\}|(\d))/y);
    if (based) {
      if (/^\d|\d$/.test(based[1]!)) {
        this.push(at, { kind: 'based', digits: based[1]!, base: Number(based[2] ?? based[3]) });
        return;
      }
      this.at = at;
    }
    const digits = this.match(/(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9}(?![\d.]))?/y);
    if (digits) {
      this.push(at, { kind: 'number', digits: digits[0] });
      return;
    }
    const letters = this.match(/[A-Za-z]+/y);
    if (letters) this.word(letters[0], at);
    else if (this.source[at] === '\\') this.command();
    else this.character();
  }

  private character(): void {
    const at = this.at;
    const pair = this.match(/<=|>=|!=|==|\^\{\\circ\}|\^\\circ|\*\*|:=|=</y)?.[0];
    if (pair !== undefined) {
      const signs: Record<string, string> = { '**': '^', ':=': '=', '=<': '<=', '==': '=' };
      this.sign(at, pair.startsWith('^') ? '°' : (signs[pair] ?? pair));
      return;
    }
    const character = String.fromCodePoint(this.source.codePointAt(this.at)!);
    this.at += character.length;
    if (character === '&') this.push(at, { kind: 'sign', sign: '&' });
    else if (/\p{L}/u.test(character)) this.foreignWord(character, at);
    else this.sign(at, character);
  }

  /** Letters beyond ASCII are words in some language, or a Greek letter that normalize has left. */
  private foreignWord(first: string, at: number): void {
    const rest = this.match(/\p{L}+/uy)?.[0] ?? '';
    this.push(at, { kind: 'text', text: first + rest, font: false });
  }

  private word(word: string, at: number): void {
    const last = this.tokens.at(-1);
    if (SEPARATORS.test(word)) {
      this.sign(at, ',');
      return;
    }
    // "1orW(x)=-1", "(11,7)or(7,11)"
    const glued = /^(and|or)(?=[A-Z])/.exec(word);
    if (glued && last && last.kind !== 'letter') {
      this.sign(at, ',');
      this.word(word.slice(glued[0].length), at + glued[0].length);
    } else if (PERCENT.test(word)) this.sign(at, '%');
    else if (Object.hasOwn(WORDS, word)) this.push(at, { kind: 'command', name: WORDS[word]! });
    else if (functionName(word) !== undefined) this.push(at, { kind: 'command', name: word });
    else if (/^[uU]$/.test(word) && this.betweenBrackets(last)) this.sign(at, '∪');
    else if (word.length >= 4 || this.isUnit(word, last)) {
      if (last?.kind === 'text' && !last.font) {
        this.tokens[this.tokens.length - 1] = { ...last, text: `${last.text} ${word}` };
      } else this.push(at, { kind: 'text', text: word, font: false });
    } else {
      for (let index = 0; index < word.length; index++) {
        this.push(at + index, { kind: 'letter', name: word[index]! });
      }
    }
  }

  private isUnit(word: string, last: Token | undefined): boolean {
    return (this.isBehindValue(last) || last?.kind === 'text') && isUnitWord(word);
  }

  private isBehindValue(last: Token | undefined): boolean {
    return last?.kind === 'number' || (last?.kind === 'sign' && /^[)}%]$/.test(last.sign));
  }

  /** `[1,2] U [3,4]`: brackets before it, and brackets with a comma behind. */
  private betweenBrackets(last: Token | undefined): boolean {
    const behind = this.source.slice(this.at, this.at + 80);
    return (
      last?.kind === 'sign' &&
      /^[)\]]|^\\\}$/.test(last.sign) &&
      /^\s{0,9}(?:\\left\s{0,9})?(?:[([][^()[\]]{0,60},|\\\{)/.test(behind)
    );
  }

  private command(): void {
    const at = this.at;
    const name = this.match(/\\([A-Za-z]+|[^])/y)?.[1];
    if (name === undefined) {
      // A backslash at the very end.
      this.at++;
      return;
    }
    if (name === ' ' || name === '\n') this.space = true;
    else if (name === '\\') this.push(at, { kind: 'sign', sign: '\\\\' });
    else if (FONTS.has(name)) this.font(at);
    else if (name === 'left' || name === 'right') this.delimiter(name);
    else if (IGNORED.has(name)) this.space ||= /quad|[,;:]|space/.test(name);
    else if (Object.hasOwn(SIGNS, name)) this.sign(at, SIGNS[name]!);
    else if (name.startsWith('quad')) {
      // \quadx_{2}: a letter that ran into the command
      this.space = true;
      this.at = at + 5;
    } else if (/^(?:frac|binom)/.test(name.slice(1)) && /^[dtc]/.test(name)) {
      this.push(at, { kind: 'command', name: name.slice(1) });
    } else this.push(at, { kind: 'command', name });
  }

  /** `\left|` and `\right|` say which bar opens; `\left.` and `\right.` are nothing. */
  private delimiter(side: string): void {
    const found = this.match(/\s*(\||\\\||\\vert|\\Vert|\.)/y);
    if (!found || found[1] === '.') return;
    const bar = /^\\[|V]/.test(found[1]!) ? '‖' : '|';
    this.sign(this.at - 1, side === 'left' ? `${bar}(` : `)${bar}`);
  }

  private font(at: number): void {
    const open = this.match(/\s*\{/y);
    if (!open) return;
    const content = this.insideBraces();
    const words = content.replace(/[\s~]+/g, ' ').replace(/^ |[ .]$/g, '');
    const lettered = /^\(?([A-Za-z])\)?$/.exec(words);
    if (words === '' || words === 'th') return;
    if (lettered) this.fontLetter(lettered[1]!, at);
    else if (/^,? ?(?:and|or|,)$/i.test(words)) this.sign(at, ',');
    else if (PERCENT.test(words)) this.sign(at, '%');
    else if (this.isUnit(words, this.tokens.at(-1))) this.push(at, { kind: 'text', text: words, font: true });
    else if (functionName(words) !== undefined) this.push(at, { kind: 'command', name: words });
    else if (Object.hasOwn(WORDS, words)) this.push(at, { kind: 'command', name: WORDS[words]! });
    else if (LETTERS.test(words) || /^[-+$(]?\s?\d/.test(words)) this.inline(content, at);
    else this.push(at, { kind: 'text', text: words.replace(/\\[,;: ]|[{}$]/g, ''), font: true });
  }

  /** `5 \text{ m}` is a length; any other single letter is a symbol in another font. */
  private fontLetter(letter: string, at: number): void {
    const isUnit = isUnitLetter(letter) && this.isBehindValue(this.tokens.at(-1));
    this.push(at, isUnit ? { kind: 'text', text: letter, font: true } : { kind: 'letter', name: letter });
  }

  /** Numbers inside `\text{…}` are read as if it were not there. */
  private inline(content: string, at: number): void {
    for (const token of lex(content, this.budget)) this.tokens.push({ ...token, at });
  }

  /** The text up to the brace that closes one just read; all that is left where none does. */
  private insideBraces(): string {
    const content = this.readBraces();
    // Contents that are read again must not nest without end.
    this.budget.spend(content.length >> 2);
    return content;
  }

  private readBraces(): string {
    const start = this.at;
    let depth = 1;
    for (; this.at < this.source.length; this.at++) {
      const character = this.source[this.at];
      if (character === '\\') this.at++;
      else if (character === '{') depth++;
      else if (character === '}' && --depth === 0) return this.source.slice(start, this.at++);
    }
    return this.source.slice(start);
  }
}
