import type { Maker } from './pair.js';

const boxed = (texts: readonly string[]) => texts.map((text) => `\\boxed{${text}}`);

/** Relations with their mirror images. */
const DIRECTED: readonly (readonly [string, string])[] = [
  ['\\subset', '\\supset'],
  ['\\subseteq', '\\supseteq'],
  ['\\subsetneq', '\\supsetneq'],
  ['\\prec', '\\succ'],
  ['\\ll', '\\gg'],
  ['\\to', '\\leftarrow'],
  ['\\implies', '\\impliedby'],
  ['\\Rightarrow', '\\Leftarrow'],
  ['\\vdash', '\\dashv'],
  ['\\in', '\\ni'],
  ['\\lhd', '\\rhd'],
];

/** What has a direction is not the same backwards: A ⊂ B, p → q, a ⋆ b. */
function directions(m: Maker): void {
  const [a, b, c] = m.some(Array.from('ABCGHKLMPQSTUVXYZ'), 3) as [string, string, string];
  const [sign, mirror] = m.pick(DIRECTED);
  const other = m.pick(
    DIRECTED.filter((line) => line[0] !== sign && !/rrow|impl|to/.test(line.join(' '))),
  )[0];
  const gold = `${a} ${sign} ${b}`;
  m.right('direction', gold, ...boxed([gold, `${a}${sign}  ${b}`, `${b} ${mirror} ${a}`]));
  m.wrong(
    'direction',
    gold,
    ...boxed([
      `${b} ${sign} ${a}`,
      `${a} ${mirror} ${b}`,
      `${a} ${sign} ${c}`,
      `${a} ${other} ${b}`,
      `${a}, ${b}`,
      `(${a}, ${b})`,
      `${a}${b}`,
      ...(sign === '\\in' ? [] : [a, b]),
    ]),
  );
  if (!/mpl|Right/.test(sign)) {
    m.wrong(
      'direction',
      `${a} ${sign} ${b} ${sign} ${c}`,
      ...boxed([`${b} ${sign} ${a} ${sign} ${c}`, `${c} ${sign} ${b} ${sign} ${a}`, `${a} ${sign} ${c}`]),
    );
    m.wrong('direction', gold, ...boxed([`${a} \\not${sign} ${b}`]));
  }
  const one = m.pick([
    '\\nmid',
    '\\mapsto',
    '\\models',
    '\\hookrightarrow',
    '\\rightsquigarrow',
    '\\foo',
    '\\mid',
  ]);
  m.right('direction', `${a} ${one} ${b}`, ...boxed([`${a} ${one} ${b}`]));
  m.wrong('direction', `${a} ${one} ${b}`, ...boxed([`${b} ${one} ${a}`, `${a} ${one} ${c}`]));
  const both = m.pick(['\\parallel', '\\perp', '\\cong', '\\leftrightarrow', '\\iff', '\\oplus']);
  m.right('direction', `${a} ${both} ${b}`, ...boxed([`${b} ${both} ${a}`]));
  m.wrong('direction', `${a} ${both} ${b}`, ...boxed([`${a} ${both} ${c}`, `${a} ${sign} ${b}`, `${a}${b}`]));
  const operator = m.pick([
    '\\star',
    '\\otimes',
    '\\ltimes',
    '\\circ',
    '\\bowtie \\star',
    '\\wr',
    '\\diamond',
  ]);
  m.wrong('direction', `${a} ${operator} ${b}`, ...boxed([`${b} ${operator} ${a}`, `${a}${b}`]));
  m.wrong(
    'direction',
    `\\forall x \\exists y ${a}(x, y)`,
    ...boxed([
      `\\exists x \\forall y ${a}(x, y)`,
      `\\forall y \\exists x ${a}(x, y)`,
      `\\exists y ${a}(x, y)`,
    ]),
  );
  m.wrong('direction', `\\neg ${a} \\to ${b}`, ...boxed([`${a} \\to \\neg ${b}`, `${a} \\to ${b}`]));
  const degrees = m.int(20, 160);
  m.right(
    'direction',
    `\\angle ${a}${b}${c} = ${degrees}`,
    ...boxed([`\\angle ${c}${b}${a} = ${degrees}^\\circ`]),
  );
  m.wrong('direction', `\\angle ${a}${b}${c} = ${degrees}`, ...boxed([`\\angle ${b}${a}${c} = ${degrees}`]));
}

/** A set within a set is no member of it. */
function nestedSets(m: Maker): void {
  const [a, b, c] = m.some([-7, -3, 0, 1, 2, 4, 5, 8, 12], 3).map(String) as [string, string, string];
  const set = (...items: string[]) => `\\{${items.join(', ')}\\}`;
  const golds: [string, string[], string[]][] = [
    [set(a, set(b)), [set(set(b), a)], [set(a, b), set(set(a), b), set(a, set(set(b))), `${a}, ${b}`]],
    [set(set(a), set(b)), [set(set(b), set(a))], [set(a, b), set(set(a, b)), `${a}, ${b}`, set(set(a), b)]],
    [
      set(set(a, b), c),
      [set(c, set(b, a))],
      [set(a, b, c), set(`(${a}, ${b})`, c), set(set(a), set(b), c), set(set(a, c), b), `${a}, ${b}, ${c}`],
    ],
    [set(set(a)), [], [a, set(a), set(set(set(a)))]],
    [set('\\emptyset'), [set(set())], ['\\emptyset', '0', set('0')]],
    [`(${a}, ${set(b)})`, [], [`(${a}, ${b})`, `(${set(a)}, ${b})`, set(a, b)]],
    [`${set(a, b)}, ${set(c)}`, [`${set(c)}, ${set(b, a)}`], [`${set(a, b)}, ${c}`, `${a}, ${b}, ${c}`]],
  ];
  for (const [gold, right, wrong] of m.some(golds, 4)) {
    m.right('nested', gold, ...boxed(right));
    m.wrong('nested', gold, ...boxed(wrong));
  }
}

/** An equation that is true by itself says what its sides say. */
function trueEquations(m: Maker): void {
  const [p, q, k] = [m.int(2, 9), m.int(2, 9), m.int(1, 5)];
  const [product, sum] = [p * q, p + q];
  m.right(
    'true equation',
    `${product} = ${p} \\cdot ${q}`,
    ...boxed([`${q} \\times ${p} = ${product}`, `${product} = ${q} \\cdot ${p}`, `${p} \\cdot ${q}`]),
  );
  m.wrong(
    'true equation',
    `${product} = ${p} \\cdot ${q}`,
    ...boxed([
      `${product} = ${product - k} + ${k}`,
      `${product} = ${product}`,
      `${product}`,
      `${2 * product} = 2 \\cdot ${p} \\cdot ${q}`,
      `${product} = \\sqrt{${product * product}}`,
      `${sum} = ${p} + ${q}`,
    ]),
  );
  m.right('true equation', `${p} + ${q} = ${sum}`, ...boxed([`${q} + ${p} = ${sum}`, `${sum}`]));
  m.wrong(
    'true equation',
    `${p} + ${q} = ${sum}`,
    ...boxed([
      `${sum - 1} + 1 = ${sum}`,
      `${sum + k} - ${k} = ${sum}`,
      `${sum} = ${sum}`,
      `${p} + ${q} = ${sum - k} + ${k}`,
    ]),
  );
  m.right('true equation', `${p} < ${p + q}`, ...boxed([`${p + q} > ${p}`]));
  m.wrong(
    'true equation',
    `${p} < ${p + q}`,
    ...boxed([`${p + k} < ${p + k + q}`, `${p + q} < ${p}`, `${p} \\le ${p + q}`, `0 < ${q}`]),
  );
  m.wrong('true equation', `${p} \\ne ${p + q}`, ...boxed([`${p + k} \\ne ${p + k + q}`]));
  const identities = [
    '\\sin^2 x + \\cos^2 x = 1',
    '(a+b)^2 = a^2 + 2ab + b^2',
    '(a-b)^2 = a^2 - 2ab + b^2',
    'a^2 - b^2 = (a-b)(a+b)',
    '\\tan^2 x + 1 = \\frac{1}{\\cos^2 x}',
    'x = x',
    'e^{2x} = (e^x)^2',
  ];
  const [gold, ...others] = m.some(identities, 3) as [string, ...string[]];
  m.right('true equation', gold, ...boxed([gold.split(' = ').reverse().join(' = ')]));
  m.wrong('true equation', gold, ...boxed([...others, '0 = 0', '1 = 1']));
}

/** x ≈ 2 is not x = 2; a decimal says how near it is. */
function approximations(m: Maker): void {
  const [n, x] = [m.int(2, 99), m.pick(['x', 'y', 't'])];
  m.right('near', `${x} \\approx ${n}`, ...boxed([`${x} = ${n}`, `${x} \\approx ${n}`, String(n)]));
  m.right('near', `${x} = ${n}.25`, ...boxed([`${x} \\approx ${n}.25`]));
  m.wrong(
    'near',
    `${x} = ${n}`,
    ...boxed([
      `${x} \\approx ${n}`,
      `${x} \\approx ${n + 1}`,
      `${x} \\sim ${n}`,
      `${n} \\approx ${x}`,
      `${x} \\approx ${n}.1`,
    ]),
  );
  m.wrong('near', `${x} = ${n}, z = 3`, ...boxed([`${x} \\approx ${n}, z = 3`, `${x} = ${n}, z \\approx 3`]));
}

/** A ratio is no count. */
function ratioCounts(m: Maker): void {
  const [n, k] = [m.int(2, 60), m.int(2, 6)];
  m.wrong('ratio', String(n), ...boxed([`${n}:1`, `${n * k}:${k}`, `1:${n}`, `${n}:00`]));
  m.right('ratio', `${n}:1`, ...boxed([`${n * k}:${k}`, `\\frac{${n}}{1}`]));
  m.wrong('ratio', `${n}:1`, ...boxed([String(n), `1:${n}`, `${n + 1}:1`]));
  m.wrong('ratio', `x = ${n}`, ...boxed([`x = ${n}:1`, `${n}:1`]));
  m.wrong('ratio', `${n}, ${n + 1}`, ...boxed([`${n}:1, ${n + 1}`]));
  m.right('ratio', `${n}:${n + 1}`, ...boxed([`\\frac{${n}}{${n + 1}}`]));
}

const MULTIPLE: readonly (readonly [string, number])[] = [
  ['pairs', 2],
  ['couples', 2],
  ['dozen', 12],
  ['dozens', 12],
  ['score', 20],
  ['gross', 144],
  ['hundred', 100],
  ['thousands', 1000],
  ['million', 1_000_000],
  ['lakh', 100_000],
];

/** Words that multiply a value or qualify it are no nouns. */
function wordsBehind(m: Maker): void {
  const n = m.int(3, 90);
  const behind = (words: string) => `${n} \\text{ ${words}}`;
  const [word, size] = m.pick(MULTIPLE);
  const fraction = m.pick(['halves', 'thirds', 'quarters', 'eighths', 'tenths', 'sixteenths', 'hundredths']);
  m.right('multiple', String(n * size), ...boxed([behind(word)]));
  m.right('multiple', behind(word), ...boxed([String(n * size), `${n} ${word}`]));
  m.wrong('multiple', behind(word), ...boxed([String(n), `${n + 1} \\text{ ${word}}`]));
  m.right('multiple', `${10 * n} \\text{ years}`, ...boxed([behind('decades')]));
  m.wrong('multiple', `${n} \\text{ years}`, ...boxed([behind('decades'), behind('centuries')]));
  m.right('multiple', String(n), ...boxed([behind('apples'), behind('different ways'), `${n}^\\circ`]));
  const qualified = m.some(
    (
      'too much|too many|too few|short|extra|apart|left over|leftover|missing|away|ahead|behind|too little|off|spare|' +
      'basis points|per mille'
    ).split('|'),
    4,
  );
  m.wrong(
    'multiple',
    String(n),
    ...boxed([
      ...[word, fraction, m.pick(['decades', 'centuries', 'fortnights', 'millennia', 'arcminutes'])].map(
        behind,
      ),
      ...[`full ${word}`, `${word} of them`, 'half-dozens', 'whole centuries'].map(behind),
      ...qualified.map(behind),
      `${n}'`,
      `${n}''`,
    ]),
  );
  m.wrong('multiple', `${n} \\text{ cm}`, ...boxed(qualified.map((words) => `${n} \\text{ cm ${words}}`)));
  const [modulus, turns] = [n + m.int(1, 9), m.int(1, 4)];
  m.right(
    'residue',
    String(n),
    ...boxed([`${n} \\pmod{${modulus}}`, `${n + turns * modulus} \\pmod{${modulus}}`]),
  );
  m.wrong(
    'residue',
    String(n + turns * modulus),
    ...boxed([`${n + turns * modulus} \\pmod{${modulus}}`, `${n} \\pmod{${modulus}}`]),
  );
}

/** Makes golds that say more than a value: statements, sets in sets, ratios, words behind numbers. */
export const STATEMENT_KINDS: readonly ((maker: Maker) => void)[] = [
  directions,
  nestedSets,
  trueEquations,
  approximations,
  ratioCounts,
  wordsBehind,
];
