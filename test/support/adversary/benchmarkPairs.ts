import { fraction } from './composedKinds.js';
import { Maker, type MadePair } from './pair.js';
import { isPlain, surelyDiffer } from './plainValue.js';
import { REWARD_WRAPPINGS, RIGHT_WRAPPINGS, WRONG_WRAPPINGS, wrapped } from './wrappings.js';

/** Responses for one gold of a benchmark, right and wrong by the way they are made. */
export function benchmarkPairs(gold: string, bare: string, seed: number): MadePair[] {
  const maker = new Maker(seed);
  const pairs: MadePair[] = [];
  const add = (expected: boolean, kind: string, rule: string, pred: string, preset?: MadePair['preset']) => {
    pairs.push({ gold, pred, expected, kind, rule, ...(preset && { preset }) });
  };
  // What follows "where" is a condition and no part of the answer, so that nothing can be written behind it.
  const hasCondition = bare.includes('where');
  const isBehind = (template: string) => /_[^$}<]*\\text|_ =|_\\right|\{_\}\}|_\}\$ and/.test(template);
  const isOpen = (template: string) => !hasCondition || !isBehind(template);
  for (const template of maker.some(RIGHT_WRAPPINGS, 7).filter(isOpen))
    add(true, 'wrapping', template, wrapped(template, bare));
  for (const template of maker.some(REWARD_WRAPPINGS, 2))
    add(true, 'wrapping for a reward', template, wrapped(template, bare), 'reward');
  const other = otherThan(bare, maker);
  for (const [kind, rule, template] of maker.some(WRONG_WRAPPINGS, 10))
    if (isOpen(template)) add(false, kind, rule, wrapped(template, bare, other));
  const number = /^(-?)(\d{1,12})(?:\.(\d{1,4}))?$/.exec(bare);
  if (number) numberPairs(bare, maker, add);
  else if (isPlain(bare)) expressionPairs(bare, maker, add);
  return pairs;
}

type Add = (expected: boolean, kind: string, rule: string, pred: string, preset?: MadePair['preset']) => void;

/** A number that is surely not the gold, and occurs nowhere in it. */
function otherThan(bare: string, maker: Maker): string {
  for (;;) {
    const drawn = String(maker.int(100, 9999));
    if (!bare.includes(drawn)) return drawn;
  }
}

function numberPairs(text: string, m: Maker, add: Add): void {
  const isWhole = !text.includes('.');
  const value = Number(text);
  const k = m.int(2, 9);
  const box = (content: string) =>
    m.pick([`\\boxed{${content}}`, `The answer is $${content}$.`, `$${content}$`]);
  const right: [string, string][] = [
    ['equation', `x = ${text}`],
    ['unit', `${text} \\text{ cm}`],
    ['zeros', isWhole ? `${text}.000` : `${text}00`],
    ['parentheses', `(${text})`],
    ['added zero', `${text} + 0`],
    ['halved', `\\frac{2 \\cdot (${text})}{2}`],
    ['root', `\\sqrt[3]{(${text})^3}`],
  ];
  if (isWhole && Math.abs(value) < 1e9) {
    right.push(
      ['fraction', `\\frac{${value * k}}{${k}}`],
      ['slash', `${value * k}/${k}`],
      ['sum', `${value - k} + ${k}`],
      ['power', `${text} \\times 10^{2} \\times 10^{-2}`],
      ['chain', `${value - k} + ${k} = ${text}`],
      ['approximate', `x = ${text} \\approx ${value + 0.001}`],
    );
  }
  for (const [rule, content] of m.some(right, 6)) add(true, 'notation', rule, box(content));
  // At seven decimals rounding decides.
  const near = (by: number) => (isWhole ? String(value + by) : `${text} + ${by}`);
  const wrong: [string, string, string][] = [
    ['digit', 'one more', near(1)],
    ['digit', 'one less', near(-1)],
    ['digit', 'more digits', isWhole ? `${text}7` : `${text} + 7`],
    ['digit', 'a tenth more', `${text} + \\frac{1}{${k * 10}}`],
    ['A1', 'bound', `x > ${text}`],
    ['A1', 'bound reversed', `x \\le ${text}`],
    ['A1', 'unequal', `x \\ne ${text}`],
    ['A11', 'interval', `[${text}, ${value + k}]`],
    ['A11', 'pair', `(${text}, ${text})`],
    ['set', 'with another', `${text}, ${value + k}`],
    ['A3', 'maximum', `\\max(x, ${text})`],
    ['A3', 'absolute', `|x| + ${text}`],
    ['A5', 'large term', `10^{20} + ${text}`],
    ['A6', 'upward', `${text} \\text{ upward}`],
    ['A6', 'and more', `${text} \\text{ and more}`],
    ['A6', 'around', `\\text{more than } ${text}`],
    ['A15', 'recurring', `${isWhole ? text : `${text}1`}${isWhole ? '.' : ''}\\overline{${k === 9 ? 8 : k}}`],
    ['A4', 'floor', `\\lfloor ${text} \\rfloor + 1`],
    ['letter', 'and i', `${text} + i`],
    ['range', 'range', `${text} \\text{ to } ${value + k}`],
    ['matrix', 'vector', `\\begin{pmatrix} ${text} \\\\ ${k} \\end{pmatrix}`],
  ];
  if (value !== 0) {
    wrong.push(['letter', 'times x', `${text}x`], ['ratio', 'ratio', `${text}:${k}`]);
    wrong.push(
      ['sign', 'sign', text.startsWith('-') ? text.slice(1) : `-${text}`],
      ['sign', 'both signs', `\\pm ${text}`],
      ['percent', 'percent', `${text}\\%`],
      ['A7', 'scale', `${text} \\text{ million}`],
      ['A5', 'exponent', `${text} \\times 10^{${k}}`],
      ['function', 'double', `2 \\cdot ${text.startsWith('-') ? `(${text})` : text}`],
      ['function', 'inverse', Math.abs(value) === 1 ? '7' : `\\frac{1}{${text}}`],
      ['function', 'factorial', isWhole && value > 2 ? `${text}!` : '987654'],
      ['A13', 'residue', isWhole && value > 1 ? `${text} \\bmod ${value}` : '987654'],
    );
  }
  if (isWhole && new Set(text.replace('-', '')).size > 1 && !/^-?0/.test(text)) {
    const digits = Array.from(text.replace('-', ''));
    wrong.push([
      'A14',
      'permuted digits',
      `${text.startsWith('-') ? '-' : ''}${m.disordered(digits).join('')}`,
    ]);
  }
  for (const [kind, rule, content] of m.some(wrong, 12)) {
    if (Number(content) !== value) add(false, kind, rule, box(content));
  }
  if (isWhole && Math.abs(value) < 1e9) {
    const tricks: [string, string][] = [
      ['sum', `${value - k} + ${k}`],
      ['product', value === 0 ? `0 \\cdot ${k}` : `${value * k} \\cdot ${fraction(1, k)} \\cdot 1`],
      ['difference', `${value + k} - ${k}`],
      ['quotient', `\\frac{${value * k}}{${k}}`],
      ['hedge', `${text} \\text{ (or maybe ${value + k})}`],
      ['alternative', `${text} \\text{ or } ${value + k}`],
      ['false equation', `${text} = ${value + k}`],
      ['product of roots', `\\sqrt{(${text})^2 + 0 \\cdot ${k}} + 2 - 2`],
    ];
    for (const [rule, content] of m.some(tricks, 3))
      add(false, 'B10', rule, `<think>Let me see.</think>\\boxed{${content}}`, 'reward');
  }
}

function expressionPairs(g: string, m: Maker, add: Add): void {
  const box = (content: string) =>
    m.pick([`\\boxed{${content}}`, `The answer is $${content}$.`, `$${content}$`]);
  const k = m.int(2, 9);
  const right: [string, string][] = [
    ['parentheses', `\\left(${g}\\right)`],
    ['added zero', `0 + (${g})`],
    ['doubled and halved', `\\frac{${k}(${g})}{${k}}`],
    ['negated twice', `-(-(${g}))`],
    ['plus and minus', `${k} + (${g}) - ${k}`],
    ['display fractions', g.replace(/\\frac(?![a-z])/g, '\\dfrac')],
    ['small fractions', g.replace(/\\frac(?![a-z])/g, '\\tfrac')],
    ['square over itself', `\\frac{(${g})^2}{${g}}`],
    ['a letter cancelled', `\\frac{(${g})(q+1)}{q+1}`],
    ['a square completed', `\\frac{(${g}+1)^2 - (${g})^2 - 1}{2}`],
    ['power of a power', `((${g})^{3})^{1/3}`],
    ['spaces', g.replace(/(?<![\\A-Za-z])([-+])/g, ' $1 ')],
    ['dots', g.replace(/(?<=\d)(?=\\(?:sqrt|pi)\b)/g, ' \\cdot ')],
    ['twice a half', `\\frac{${g}}{2} + \\frac{${g}}{2}`],
  ];
  if (!/power of a power/.test(g) && g.includes('-')) right.splice(10, 1);
  for (const [rule, content] of m.some(right, 7)) add(true, 'notation', rule, box(content));

  const wrong: [string, string, string][] = [
    ['digit', 'plus one', `(${g})+1`],
    ['digit', 'a seventh more', `(${g})+\\frac{1}{7}`],
    ['sign', 'negated', `-(${g})`],
    ['function', 'doubled', `2(${g})`],
    ['function', 'squared', `(${g})^2`],
    ['function', 'inverse', `\\frac{1}{${g}}`],
    ['function', 'root', `\\sqrt{${g}}`],
  ];
  const change = (kind: string, rule: string, pattern: RegExp, by: (found: string) => string) => {
    for (const match of [...g.matchAll(pattern)].slice(0, 4)) {
      const end = match.index + match[0].length;
      wrong.push([kind, rule, `${g.slice(0, match.index)}${by(match[0])}${g.slice(end)}`]);
    }
  };
  change('sign', 'one sign', /[-+]/g, (sign) => (sign === '+' ? '-' : '+'));
  change('digit', 'one digit', /\d/g, (digit) => String((Number(digit) + m.int(1, 8)) % 10));
  change('function', 'other function', /\\(?:sin|cos|tan|ln|arctan)/g, (name) =>
    name === '\\sin' ? '\\cos' : '\\sin',
  );
  change('function', 'root lost', /\\sqrt/g, () => '');
  change('function', 'times for plus', /\+/g, () => ' \\cdot ');
  change('function', 'fraction upside down', /\\frac\{[^{}]*\}\{[^{}]*\}/g, (text) =>
    text.replace(/\{([^{}]*)\}\{([^{}]*)\}/, '{$2}{$1}'),
  );
  change('letter', 'case', /(?<![A-Za-z\\{_])[m-z](?![A-Za-z_])/g, (letter) => letter.toUpperCase());
  change('letter', 'pi lost', /\\pi/g, () => '1');
  const letters = [...new Set(g.match(/(?<![A-Za-z\\])[a-z](?![A-Za-z_])/g) ?? [])].filter(
    (name) => !/[eid]/.test(name),
  );
  if (letters.length > 1) {
    const [a, b] = m.some(letters, 2) as [string, string];
    const names = new RegExp(`(?<![A-Za-z\\\\])[${a}${b}](?![A-Za-z])`, 'g');
    wrong.push(['A10', 'swapped names', g.replace(names, (name) => (name === a ? b : a))]);
  }
  if (letters.length > 0) {
    const name = m.pick(letters);
    wrong.push([
      'letter',
      'other name',
      g.replace(new RegExp(`(?<![A-Za-z\\\\])${name}(?![A-Za-z])`, 'g'), 'w'),
    ]);
  }
  const isDecimal = g.includes('.');
  for (const [kind, rule, content] of m.some(wrong, 12)) {
    if (content !== g && surelyDiffer(g, content)) add(false, kind, rule, box(content));
  }
  add(false, 'A5', 'large term', box(`10^{30} + (${g})`));
  if (!isDecimal) add(false, 'A5', 'small term', box(`(${g}) + 10^{-9}`));
  if (surelyDiffer(g, `-(${g})`)) add(false, 'sign', 'both signs', box(`\\pm (${g})`));
  for (const [kind, content] of [
    ['set', `${g}, 987654`],
    ['A1', `x \\ne ${g}`],
    ['A11', `(${g}, ${g})`],
    ['A11', `[${g}, 987654]`],
    ['A6', `${g} \\text{ or so, or not}`],
  ] as const)
    add(false, kind, content.replace(g, '_'), box(content));
}
