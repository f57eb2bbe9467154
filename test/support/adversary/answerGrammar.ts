import { Maker } from './pair.js';

/** What an answer is at its root; two of these do not answer each other in both directions. */
type Form = 'value' | 'list' | 'set' | 'tuple' | 'interval' | 'inequality' | 'equation' | 'words' | 'matrix';

export interface GrammarAnswer {
  text: string;
  form: Form;
}

/** Draws bare answers of a small grammar whose numbers are few, so that many pairs mean the same. */
export class AnswerGrammar {
  readonly #maker: Maker;

  constructor(seed: number) {
    this.#maker = new Maker(seed);
  }

  /** Two answers, often one rewritten or changed a little, but no two that answer each other one way only by design. */
  pair(): [GrammarAnswer, GrammarAnswer] {
    for (;;) {
      const a = this.answer();
      const kind = this.#maker.int(0, 3);
      const b =
        kind === 0
          ? this.answer()
          : kind === 1
            ? this.#another(a.form)
            : { ...a, text: this.#changed(a.text) };
      if (!isOneWay(a, b)) return [a, b];
    }
  }

  answer(): GrammarAnswer {
    const form = this.#maker.pick<Form>([
      'value',
      'value',
      'value',
      'list',
      'set',
      'tuple',
      'interval',
      'inequality',
      'equation',
      'words',
      'matrix',
    ]);
    return this.#another(form);
  }

  #another(form: Form): GrammarAnswer {
    const text = this.#text(form);
    if (text.includes('\\pm')) return { text, form: 'list' };
    // Names with values are a point: (x, y) = (1, 2), x = 1, y = 2.
    return { text, form: form === 'equation' && /^\(|, y =/.test(text) ? 'tuple' : form };
  }

  #text(form: Form): string {
    const m = this.#maker;
    const value = () => this.#value(m.int(0, 2));
    const items = () => Array.from({ length: m.int(2, 3) }, value).join(', ');
    const [low, high] = [m.int(-3, 1), m.int(2, 4)];
    const x = m.pick(['x', 'y', 'n']);
    switch (form) {
      case 'value':
        return m.int(0, 3) > 0
          ? value()
          : m.pick([
              () => `${this.#number()} \\text{ ${m.pick(['cm', 'm', 'km', 's', 'apples', 'kg', 'or more'])}}`,
              () => `${m.int(0, 4)}\\%`,
              () => `${m.pick([30, 45, 90, 180])}^\\circ`,
              () => `${m.int(1, 4)}:${m.int(1, 8)}`,
              () => `\\$${m.int(1, 4)}`,
              () => `${m.int(1, 6)} \\pmod{${m.int(2, 5)}}`,
              () => `${m.int(5, 9)} \\bmod ${m.int(2, 5)}`,
              () => `${m.pick([10, 11, 101])}_${m.int(2, 3)}`,
              () => `${m.int(0, 2)} \\pm ${m.int(1, 3)}`,
            ])();
      case 'list':
        return m.pick([
          items,
          () => items().replace(', ', ' \\text{ or } '),
          () => `${value()} \\text{ and } ${value()}`,
        ])();
      case 'set':
        return m.pick([
          () => `\\{${items()}\\}`,
          () => `\\{${items()}\\}`,
          () => '\\emptyset',
          () => `\\mathbb{R}`,
          () => `\\mathbb{R} \\setminus \\{${low}\\}`,
          () => `(-\\infty, ${low}) \\cup (${high}, \\infty)`,
          () => `(-\\infty, ${low}) \\cup (${low}, \\infty)`,
          () => `[${low}, ${high}] \\cup [${high}, ${high + 1}]`,
        ])();
      case 'tuple':
        return `(${items()})`;
      case 'interval':
        return `${m.pick(['[', '('])}${low}, ${high}${m.pick([']', ')'])}`;
      case 'inequality':
        return m.pick([
          () => `${x} ${m.pick(['<', '>', '\\le', '\\ge', '\\ne'])} ${low}`,
          () => `${low} ${m.pick(['<', '\\le'])} ${x} ${m.pick(['<', '\\le'])} ${high}`,
          () => `${x} < ${low} \\text{ or } ${x} > ${high}`,
          () => `${x} > ${low} \\text{ and } ${x} < ${high}`,
          () => `${this.#value(1)} ${m.pick(['<', '>'])} ${this.#value(1)}`,
          () => `|${x}| ${m.pick(['<', '>'])} ${high}`,
        ])();
      case 'equation':
        return m.pick([
          () => `${x} = ${value()}`,
          () => `${x} = ${low}, y = ${high}`,
          () => `(${x}, z) = (${low}, ${high})`,
          () => `f(${x}) = ${value()}`,
          () => `f(${low}) = ${high}`,
          () => `x + ${m.int(1, 3)}y = ${low}`,
          () => `${value()} = ${value()}`,
          () => `${x} \\equiv ${m.int(0, 6)} \\pmod{${m.int(2, 4)}}`,
          () => `x = ${low} + k\\pi, k \\in \\mathbb{Z}`,
        ])();
      case 'words':
        return m.pick([
          '\\text{east}',
          '\\text{no}',
          'HTH',
          'HHT',
          '\\text{(B)}',
          'five',
          '\\text{even}',
          '\\text{A, B}',
          '\\text{no solution}',
        ]);
      case 'matrix': {
        const cell = () => this.#value(m.int(0, 1));
        return `\\begin{pmatrix} ${cell()} & ${cell()} \\\\ ${cell()} & ${cell()} \\end{pmatrix}`;
      }
    }
  }

  #number(): string {
    const m = this.#maker;
    return m.pick([
      () => String(m.int(-3, 6)),
      () => String(m.int(0, 5)),
      () => `\\frac{${m.int(-3, 4)}}{${m.int(1, 4)}}`,
      () => `${m.int(0, 2)}.${m.pick(['5', '50', '25', '333333', '3333', '0'])}`,
      () => `${m.int(1, 4)}/${m.int(1, 4)}`,
      () => `0.\\overline{${m.int(1, 9)}}`,
      () => `${m.int(1, 2)},000`,
      () => `${m.int(1, 3)} \\times 10^{${m.int(-2, 3)}}`,
    ])();
  }

  #value(depth: number): string {
    const m = this.#maker;
    const part = () => this.#value(depth - 1);
    if (depth <= 0)
      return m.int(0, 2) > 0
        ? this.#number()
        : m.pick(['x', 'y', '\\pi', 'e', 'i', 'n', 'a', 'x', '\\sqrt{2}']);
    return m.pick([
      () => `${part()} + ${part()}`,
      () => `${part()} - ${part()}`,
      () => `${m.int(2, 4)}(${part()})`,
      () => `(${part()})(${part()})`,
      () => `\\frac{${part()}}{${part()}}`,
      () => `(${part()})^{${m.int(-1, 3)}}`,
      () => `\\sqrt{${part()}}`,
      () => `|${part()}|`,
      () => `\\lfloor ${part()} \\rfloor`,
      () => `\\${m.pick(['sin', 'cos', 'ln', 'log'])}(${part()})`,
      () => `\\max(${part()}, ${part()})`,
      () => `2^{${part()}}`,
      () => `-(${part()})`,
      () => `\\binom{${m.int(2, 5)}}{${m.int(0, 2)}}`,
      () => `${m.int(1, 4)}!`,
      () => `\\sum_{k=1}^{${m.int(2, 4)}} k^${m.int(1, 2)}`,
      () => `(-1)^n (${part()})`,
      part,
    ])();
  }

  /** The same with another digit, letter, sign or notation, or as it is. */
  #changed(text: string): string {
    const m = this.#maker;
    const once = (pattern: RegExp, by: (found: string) => string) => {
      const found = [...text.matchAll(pattern)];
      if (found.length === 0) return text;
      const match = m.pick(found);
      return text.slice(0, match.index) + by(match[0]) + text.slice(match.index + match[0].length);
    };
    return m.pick([
      () => once(/(?<![\w{_]_?\{?)\d(?![\d_])/g, (digit) => String((Number(digit) + 1) % 10)),
      () => once(/(?<![\\A-Za-z])[xyna](?![A-Za-z])/g, () => m.pick(['x', 'y', 'n'])),
      () => once(/ [-+] /g, (sign) => (sign === ' + ' ? ' - ' : ' + ')),
      () => once(/\\frac/g, () => '\\dfrac'),
      () => once(/(?<![\w.{,_])\d(?![\w.,}_])/g, (digit) => `\\frac{${2 * Number(digit)}}{2}`),
      () => once(/\\le|\\ge|[<>]/g, () => m.pick(['<', '>', '\\le ', '\\ge '])),
      () => once(/\\text\{ (?:and|or) \}/g, () => m.pick([', ', ' \\text{ or } ', ' \\text{ and } '])),
      () => text,
    ])();
  }
}

/** Whether, by design, one of two answers may answer the other but not the reverse. */
function isOneWay(a: GrammarAnswer, b: GrammarAnswer): boolean {
  const [first, second] = [a.form, b.form].sort() as [Form, Form];
  if (first === second) return false;
  // An interval answers an inequality, but an inequality repeats the problem.
  if (first === 'inequality' || second === 'inequality') return true;
  // A point keeps its order; a point that answers a list does not.
  const isPair = (form: Form) => form === 'tuple' || form === 'interval';
  const isMany = (form: Form) => form === 'list' || form === 'set' || form === 'equation';
  return (isPair(first) && isMany(second)) || (isMany(first) && isPair(second));
}
