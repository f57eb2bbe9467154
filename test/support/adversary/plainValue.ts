/**
 * Values of an expression at some points, by a small grammar of its own: it shares nothing with the verifier, whose
 * readings it is there to doubt. NaN where the expression has no value, undefined for what it cannot read.
 */
export function valuesOf(latex: string): number[] | undefined {
  try {
    return [0, 1, 2, 3].map((point) => new Reader(latex, point).value());
  } catch {
    return undefined;
  }
}

/** Whether two expressions can both be read and differ clearly at one point at least. */
export function surelyDiffer(a: string, b: string): boolean {
  const [ours, theirs] = [valuesOf(a), valuesOf(b)];
  if (!ours || !theirs) return false;
  return ours.some((x, index) => {
    const y = theirs[index]!;
    return Number.isFinite(x - y) && Math.abs(x - y) > 1e-4 * Math.max(Math.abs(x), Math.abs(y));
  });
}

/** Whether the expression can be read and has a value somewhere. */
export const isPlain = (latex: string): boolean => valuesOf(latex)?.some(Number.isFinite) ?? false;

const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  ln: Math.log,
  arctan: Math.atan,
  arcsin: Math.asin,
  arccos: Math.acos,
  sinh: Math.sinh,
  cosh: Math.cosh,
};
const TOKEN =
  /\s*(\d+(?:\.\d+)?|\.\d+|\\(?:left|right)(?![a-z])|\\[a-zA-Z]+|\\[,;!: ]|[a-zA-Z](?:_(?:\w|\{\w+\}))?|[-+*/^(){}[\]!])/y;

class Reader {
  readonly #tokens: string[] = [];
  readonly #point: number;
  #at = 0;

  constructor(latex: string, point: number) {
    this.#point = point;
    TOKEN.lastIndex = 0;
    const text = latex.trim();
    while (TOKEN.lastIndex < text.length) {
      const found = TOKEN.exec(text);
      if (!found) throw new Error('unknown');
      if (!/^\\(?:left|right|[,;!: ]|quad|displaystyle)$/.test(found[1]!)) this.#tokens.push(found[1]!);
    }
  }

  value(): number {
    const value = this.#sum();
    if (this.#at < this.#tokens.length) throw new Error('rest');
    return value;
  }

  #accept(...tokens: string[]): string | undefined {
    return tokens.includes(this.#tokens[this.#at] ?? '') ? this.#tokens[this.#at++] : undefined;
  }

  #expect(token: string): void {
    if (this.#accept(token) === undefined) throw new Error(token);
  }

  #sum(): number {
    let sign = this.#accept('-', '+');
    let total = 0;
    for (;;) {
      const term = this.#product();
      total += sign === '-' ? -term : term;
      sign = this.#accept('+', '-');
      if (sign === undefined) return total;
    }
  }

  #product(): number {
    let total = this.#power();
    for (;;) {
      const sign = this.#accept('*', '\\cdot', '\\times', '/', '\\div');
      if (sign === '/' || sign === '\\div') total /= this.#power();
      else if (sign !== undefined) total *= this.#power();
      else if (
        /^(?:[a-zA-Z(]|\\(?:[dt]?frac|sqrt|pi|sin|cos|tan|ln|arc\w+))/.test(this.#tokens[this.#at] ?? '')
      )
        total *= this.#power();
      // Two numbers side by side may be a mixed number.
      else return total;
    }
  }

  #power(): number {
    const base = this.#atom();
    if (this.#accept('!') !== undefined) throw new Error('factorial');
    return this.#accept('^') === undefined ? base : base ** this.#argument();
  }

  #argument(): number {
    if (this.#accept('{') === undefined) {
      // \frac12 takes one digit.
      const token = this.#tokens[this.#at] ?? '';
      if (/^\d{2,}|\./.test(token)) throw new Error('digits');
      return this.#atom();
    }
    const value = this.#sum();
    this.#expect('}');
    return value;
  }

  #atom(): number {
    const token = this.#tokens[this.#at++] ?? '';
    if (/^[\d.]/.test(token)) {
      if (/^[\d\\]/.test(this.#tokens[this.#at] ?? '') && /^(?:\d|\\[dt]?frac)/.test(this.#tokens[this.#at]!))
        throw new Error('mixed number');
      return Number(token);
    }
    if (token === '(' || token === '{') {
      const value = this.#sum();
      this.#expect(token === '(' ? ')' : '}');
      return value;
    }
    if (/^\\[dt]?frac$/.test(token)) return this.#argument() / this.#argument();
    if (token === '\\sqrt') {
      let order = 2;
      if (this.#accept('[') !== undefined) {
        order = this.#sum();
        this.#expect(']');
      }
      const inside = this.#argument();
      return order % 2 === 1 ? Math.sign(inside) * Math.abs(inside) ** (1 / order) : inside ** (1 / order);
    }
    if (token === '\\pi') return Math.PI;
    const known = FUNCTIONS[token.slice(1)];
    if (known && token.startsWith('\\')) return known(this.#functionArgument());
    if (token === 'e') return Math.E;
    if (token === 'i' || !/^[a-zA-Z]/.test(token) || /^[fgFG]$/.test(token)) throw new Error('no value');
    // A letter and parentheses may be a function's value.
    if (this.#tokens[this.#at] === '(') throw new Error('application');
    let hash = 17 + this.#point;
    for (const character of token) hash = (hash * 31 + character.charCodeAt(0)) % 1009;
    return 0.7 + hash / 500;
  }

  #functionArgument(): number {
    if (this.#tokens[this.#at] === '(' || this.#tokens[this.#at] === '{') return this.#atom();
    // sin 2x: what follows without a sign between.
    if (this.#tokens[this.#at] === '^') throw new Error('power of a function');
    return this.#product();
  }
}
