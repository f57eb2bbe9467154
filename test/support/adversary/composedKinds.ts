import type { Maker } from './pair.js';
import { STATEMENT_KINDS } from './statementKinds.js';

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));
/** A fraction of whole numbers in lowest terms, as it is written. */
export function fraction(n: number, d: number): string {
  const [by, sign] = [gcd(n, d), n < 0 !== d < 0 && n !== 0 ? '-' : ''];
  const [above, below] = [Math.abs(n / by), Math.abs(d / by)];
  return below === 1 ? `${sign}${above}` : `${sign}\\frac{${above}}{${below}}`;
}
/** ` + 3` or ` - 3`. */
const plus = (n: number) => (n < 0 ? ` - ${-n}` : ` + ${n}`);
/** A coefficient: 1 is not written. */
const times = (n: number, rest: string) => (n === 1 ? rest : n === -1 ? `-${rest}` : `${n}${rest}`);

/** A polynomial in x from its coefficients, the constant one first. */
function polynomial(coefficients: readonly number[], x = 'x'): string {
  const terms = coefficients.flatMap((c, power) => {
    if (c === 0) return [];
    const letters = power === 0 ? '' : power === 1 ? x : `${x}^{${power}}`;
    return [power === 0 ? String(c) : times(c, letters)];
  });
  if (terms.length === 0) return '0';
  return terms.reverse().join(' + ').replaceAll('+ -', '- ');
}

function multiplied(a: readonly number[], b: readonly number[]): number[] {
  const c = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      c[i + j]! += x * y;
    });
  });
  return c;
}

const LETTERS = ['x', 'y', 'z', 't', 'n', 'a', 'b', 'p'] as const;

function functionValues(m: Maker): void {
  const [at, p, q] = [m.int(0, 9), m.int(2, 40), m.int(2, 9)];
  const f = m.pick(['f', 'g', 'P', 'T', 'h']);
  const value = fraction(p, q);
  const wrong = fraction(p + m.int(1, 5), q);
  m.right(
    'A1',
    `${f}(${at}) = ${value}`,
    `$${f}(${at})=\\frac{${2 * p}}{${2 * q}}$`,
    value,
    `$${value} = ${f}(${at})$`,
  );
  m.wrong(
    'A1',
    `${f}(${at}) = ${value}`,
    `$${f}(${at}) = ${wrong}$`,
    `$${f}(${at + 1}) = ${value}$`,
    `$${f}(${at}) > ${value}$`,
    wrong,
  );
  m.right(
    'A1',
    `${f}(${at}) > ${value}`,
    `$${f}(${at})>\\frac{${3 * p}}{${3 * q}}$`,
    `$${value} < ${f}(${at})$`,
  );
  m.wrong(
    'A1',
    `${f}(${at}) > ${value}`,
    `$${f}(${at}) > ${wrong}$`,
    `$${f}(${at}) < ${value}$`,
    `$${f}(${at}) \\ge ${value}$`,
  );
}

function absoluteEquations(m: Maker): void {
  const [a, b, c] = [m.int(1, 6), m.other(-8, 8, 0), m.int(1, 9)];
  const line = `${times(a, 'x')}${plus(b)}`;
  m.right(
    'A2',
    `y = |${line}|`,
    `$y = |${times(-a, 'x')}${plus(-b)}|$`,
    `$|${line}| = y$`,
    `$2y = 2|${line}|$`,
  );
  m.wrong('A2', `y = |${line}|`, `$y = ${line}$`, `$y = |${times(a, 'x')}${plus(-b)}|$`, `$y = -|${line}|$`);
  m.right('A2', `|x| + |y| = ${c}`, `$|y| + |x| = ${c}$`, `$${c} = |x| + |y|$`, `$|x|+|-y| = ${c}$`);
  m.wrong(
    'A2',
    `|x| + |y| = ${c}`,
    `$x + y = ${c}$`,
    `$|x + y| = ${c}$`,
    `$|x| - |y| = ${c}$`,
    `$|x|+|y| = ${c + 1}$`,
  );
}

function kinks(m: Maker): void {
  const x = m.pick(LETTERS);
  const a = m.pick([m.int(2, 12), m.int(50, 900), -m.int(2, 30)]);
  const sum = `${x}${plus(a)}`;
  m.right(
    'A3',
    `|${sum}|`,
    `$|${times(-1, x)}${plus(-a)}|$`,
    `$\\sqrt{(${sum})^2}$`,
    `$\\max(${sum}, ${-a}-${x})$`,
  );
  m.wrong('A3', `|${sum}|`, `$${sum}$`, `$-(${sum})$`, `$|${x}${plus(-a)}|$`, `$|${x}|${plus(a)}$`);
  m.right(
    'A3',
    `\\max(${x}, ${a})`,
    `$\\max(${a}, ${x})$`,
    `$\\frac{${sum} + |${x}${plus(-a)}|}{2}$`,
    `$-\\min(-${x}, ${-a})$`,
  );
  m.wrong(
    'A3',
    `\\max(${x}, ${a})`,
    `$${x}$`,
    String(a),
    `$\\min(${x}, ${a})$`,
    `$\\max(${x}, ${a + 1})$`,
    `$\\max(${x}, |${a}|+1)$`,
  );
  m.right('A3', `\\sqrt{(${sum})^2} + 1`, `$1 + |${sum}|$`);
  m.wrong('A3', `\\sqrt{(${sum})^2} + 1`, `$${sum} + 1$`, `$1 - (${sum})$`);
}

function floors(m: Maker): void {
  const k = m.pick([m.int(2, 12), m.int(13, 45)]);
  const [s, j] = [m.int(0, k - 2), m.int(1, 5)];
  const n = m.pick(['n', 'k', 'm', 'N']);
  const gold = `\\lfloor \\frac{${n}${plus(s)}}{${k}} \\rfloor`;
  m.right(
    'A4',
    gold,
    `$\\left\\lfloor \\frac{${n}${plus(s + k * j)}}{${k}} \\right\\rfloor - ${j}$`,
    `$\\lceil \\frac{${n}${plus(s - k + 1)}}{${k}} \\rceil$`,
    `$\\lfloor \\frac{2${n}${plus(2 * s)}}{${2 * k}} \\rfloor$`,
  );
  m.wrong(
    'A4',
    gold,
    `$\\lfloor \\frac{${n}${plus(s + 1)}}{${k}} \\rfloor$`,
    `$\\lfloor \\frac{${n}${plus(s - 1)}}{${k}} \\rfloor$`,
    `$\\lceil \\frac{${n}${plus(s)}}{${k}} \\rceil$`,
    `$\\frac{${n}${plus(s)}}{${k}}$`,
    `$\\lfloor \\frac{${n}${plus(s)}}{${k + 1}} \\rfloor$`,
    `$\\lfloor \\frac{${n}${plus(s)}}{${k}} \\rfloor + 1$`,
  );
  const c = m.int(2, 9);
  m.right(
    'A4',
    `\\lfloor ${c}x \\rfloor`,
    `$\\lfloor ${c}x + ${j} \\rfloor - ${j}$`,
    `$-\\lceil -${c}x \\rceil$`,
  );
  m.wrong(
    'A4',
    `\\lfloor ${c}x \\rfloor`,
    `$${c}x$`,
    `$${c}\\lfloor x \\rfloor$`,
    `$\\lceil ${c}x \\rceil$`,
    `$\\lfloor ${c}x \\rfloor + ${j}$`,
  );
}

function largeTerms(m: Maker): void {
  const [c, k] = [m.int(1, 9), m.int(20, 90)];
  const big = m.pick([`e^{${k}x}`, `x^{${k}}`, `10^{${k}}`, `2^{${3 * k}}`, `${k}!`, `n^{${k}} + n`]);
  m.right(
    'A5',
    `${big} + ${c}`,
    `$${c} + ${big}$`,
    `$${big} + ${c + 2} - 2$`,
    `$\\frac{2 \\cdot ${big.replace('+ n', '')} ${big.includes('+ n') ? '+ 2n ' : ''}+ ${2 * c}}{2}$`,
  );
  m.wrong('A5', `${big} + ${c}`, `$${big}$`, `$${big} + ${c + 1}$`, `$${big} - ${c}$`, `$${big} + ${c}x$`);
}

/** Units with their size in the first of the line, as n/d. */
const UNITS: readonly (readonly [name: string, n: bigint, d: bigint][])[] = [
  [
    ['m', 1n, 1n],
    ['km', 1000n, 1n],
    ['cm', 1n, 100n],
    ['mm', 1n, 1000n],
    ['nm', 1n, 10n ** 9n],
    ['μm', 1n, 10n ** 6n],
    ['ft', 381n, 1250n],
    ['miles', 201168n, 125n],
  ],
  [
    ['s', 1n, 1n],
    ['ms', 1n, 1000n],
    ['ns', 1n, 10n ** 9n],
    ['minutes', 60n, 1n],
    ['hours', 3600n, 1n],
    ['days', 86400n, 1n],
  ],
  [
    ['Pa', 1n, 1n],
    ['kPa', 1000n, 1n],
    ['MPa', 10n ** 6n, 1n],
    ['GPa', 10n ** 9n, 1n],
    ['bar', 10n ** 5n, 1n],
  ],
  [
    ['g', 1n, 1n],
    ['kg', 1000n, 1n],
    ['mg', 1n, 1000n],
    ['tonnes', 10n ** 6n, 1n],
  ],
  [
    ['J', 1n, 1n],
    ['kJ', 1000n, 1n],
    ['MJ', 10n ** 6n, 1n],
    ['mJ', 1n, 1000n],
    ['kWh', 3600000n, 1n],
  ],
  [
    ['V', 1n, 1n],
    ['kV', 1000n, 1n],
    ['mV', 1n, 1000n],
  ],
  [
    ['A', 1n, 1n],
    ['mA', 1n, 1000n],
    ['kA', 1000n, 1n],
  ],
  [
    ['Hz', 1n, 1n],
    ['kHz', 1000n, 1n],
    ['MHz', 10n ** 6n, 1n],
    ['GHz', 10n ** 9n, 1n],
  ],
  [
    ['W', 1n, 1n],
    ['kW', 1000n, 1n],
    ['MW', 10n ** 6n, 1n],
    ['mW', 1n, 1000n],
  ],
  [
    ['N', 1n, 1n],
    ['kN', 1000n, 1n],
    ['mN', 1n, 1000n],
  ],
  [
    ['L', 1n, 1n],
    ['mL', 1n, 1000n],
  ],
  [
    ['months', 1n, 1n],
    ['years', 12n, 1n],
    ['decades', 120n, 1n],
  ],
  [
    ['m/s', 1n, 1n],
    ['km/h', 5n, 18n],
    ['cm/s', 1n, 100n],
    ['km/s', 1000n, 1n],
  ],
  [
    ['m^2', 1n, 1n],
    ['cm^2', 1n, 10000n],
    ['km^2', 10n ** 6n, 1n],
    ['hectares', 10000n, 1n],
  ],
  [
    ['cents', 1n, 1n],
    ['dollars', 100n, 1n],
  ],
  [
    ['mol', 1n, 1n],
    ['mmol', 1n, 1000n],
  ],
  [
    ['C', 1n, 1n],
    ['mC', 1n, 1000n],
  ],
  [
    ['K', 1n, 1n],
    ['mK', 1n, 1000n],
  ],
  [
    ['T', 1n, 1n],
    ['mT', 1n, 1000n],
  ],
  [
    ['B', 1n, 1n],
    ['kB', 1000n, 1n],
    ['GB', 10n ** 9n, 1n],
  ],
];

function ratioText(n: bigint, d: bigint): string {
  let [a, b] = [n, d];
  while (b !== 0n) [a, b] = [b, a % b];
  return d === a ? String(n / a) : `\\frac{${n / a}}{${d / a}}`;
}

function units(m: Maker): void {
  const group = m.pick(UNITS);
  const [from, to] = m.some(group, 2) as [(typeof group)[number], (typeof group)[number]];
  const other = m.pick(m.pick(UNITS.filter((line) => line !== group)))[0];
  const value = m.int(2, 900);
  const written = (unit: string) => m.pick([`\\text{ ${unit}}`, `\\ \\mathrm{${unit}}`, `~\\text{${unit}}`]);
  const gold = `${value}${written(from[0])}`;
  const converted = ratioText(BigInt(value) * from[1] * to[2], from[2] * to[1]);
  m.right(
    'A7',
    gold,
    `$${converted}${written(to[0])}$`,
    `$${value}${written(from[0])}$`,
    String(value),
    `${value} ${from[0]}`,
  );
  m.wrong(
    'A7',
    gold,
    `$${value}${written(to[0])}$`,
    `${value} ${to[0]}`,
    `$${value}${written(other)}$`,
    `$${value + 1}${written(from[0])}$`,
    `$${converted}${written(from[0])}$`,
  );
  const degrees = m.int(1, 359);
  const pi = fraction(degrees, 180)
    .replace(/(\d+)(?=\}\{)/, '$1\\pi')
    .replace(/^(\d+)$/, '$1\\pi');
  m.right('A8', `${degrees}^\\circ`, `$${pi}$`, `$${degrees}$ degrees`, `$${pi} \\text{ rad}$`);
  m.wrong(
    'A8',
    `${degrees}^\\circ`,
    `$${degrees} \\text{ rad}$`,
    `$${degrees} \\text{ radians}$`,
    `$${degrees + 1}^\\circ$`,
    `$${degrees}'$`,
  );
}

function inequalities(m: Maker): void {
  const x = m.pick(['x', 't', 'a', 'y']);
  const a = m.int(-30, 20);
  const b = a + m.int(2, 30);
  const kind = 'A9';
  m.right(
    kind,
    `${x} > ${a} \\text{ and } ${x} < ${b}`,
    `$${a} < ${x} < ${b}$`,
    `$${b} > ${x} > ${a}$`,
    `$(${a}, ${b})$`,
    `$${x} \\in (${a}, ${b})$`,
    `$${x} < ${b} \\text{ and } ${x} > ${a}$`,
  );
  m.wrong(
    kind,
    `${x} > ${a} \\text{ and } ${x} < ${b}`,
    `$${x} > ${a} \\text{ or } ${x} < ${b}$`,
    `$${x} > ${a}$ or $${x} < ${b}$`,
    `$${a} \\le ${x} < ${b}$`,
    `$[${a}, ${b}]$`,
    `$${x} < ${a} \\text{ and } ${x} > ${b}$`,
    `$${a} < ${x} < ${b + 1}$`,
    `$(-\\infty, ${a}) \\cup (${b}, \\infty)$`,
  );
  m.right(
    kind,
    `${x} < ${a} \\text{ or } ${x} > ${b}`,
    `$(-\\infty, ${a}) \\cup (${b}, \\infty)$`,
    `$${x} > ${b} \\text{ or } ${x} < ${a}$`,
    `$${a} > ${x}$ or $${b} < ${x}$`,
  );
  m.wrong(
    kind,
    `${x} < ${a} \\text{ or } ${x} > ${b}`,
    `$${x} < ${b} \\text{ or } ${x} > ${a}$`,
    `$${a} < ${x} < ${b}$`,
    `$(-\\infty, ${a}] \\cup [${b}, \\infty)$`,
    `$(-\\infty, ${a}) \\cap (${b}, \\infty)$`,
  );
  const y = m.pick(['b', 'u', 'w']);
  m.right(
    'A10',
    `${x} \\ge ${a}, ${y} \\le ${b}`,
    `$${y} \\le ${b}, ${x} \\ge ${a}$`,
    `$${x} \\ge ${a}$ and $${b} \\ge ${y}$`,
  );
  m.wrong(
    'A10',
    `${x} \\ge ${a}, ${y} \\le ${b}`,
    `$${y} \\ge ${a}, ${x} \\le ${b}$`,
    `$${x} \\ge ${b}, ${y} \\le ${a}$`,
    `$${x} \\ge ${a}, ${x} \\le ${b}$`,
    `$${x} \\ge ${a}$`,
  );
  const [c, d] = [m.int(1, 7), m.other(-20, 20, 0)];
  const root = fraction(-d, c);
  m.right(
    'A17',
    `(${times(c, 'x')}${plus(d)})^2 > 0`,
    `$x \\ne ${root}$`,
    `$(-\\infty, ${root}) \\cup (${root}, \\infty)$`,
    `$\\mathbb{R} \\setminus \\{${root}\\}$`,
  );
  m.wrong(
    'A17',
    `(${times(c, 'x')}${plus(d)})^2 > 0`,
    `$\\mathbb{R}$`,
    `$(-\\infty, \\infty)$`,
    `$x > ${root}$`,
    `all real numbers`,
  );
  m.right('A17', `x \\ne ${root}`, `$\\mathbb{R} \\setminus \\{${root}\\}$`);
  m.wrong('A17', `x \\ne ${root}`, `$\\mathbb{R}$`, `$${root}$`, `$x = ${root}$`);
}

function brackets(m: Maker): void {
  const a = m.int(-20, 20);
  const b = a + m.int(1, 20);
  const kind = 'A11';
  m.right(
    kind,
    `[${a}, ${b}]`,
    `$\\left[${a},${b}\\right]$`,
    `$[${a}, ${2 * b}/2]$`,
    `$${a} \\text{ to } ${b}$`.replace(/.*/, `$[${a}, ${b}]$`),
  );
  m.wrong(
    kind,
    `[${a}, ${b}]`,
    `$(${a}, ${b})$`,
    `$[${a}, ${b})$`,
    `$(${a}, ${b}]$`,
    `$\\{${a}, ${b}\\}$`,
    `$${a}, ${b}$`,
    `$[${b}, ${a}]$`,
    `$[${a}, ${b + 1}]$`,
  );
  m.right(kind, `[${a}, ${b})`, `$\\left[ ${a}, ${b} \\right)$`, `$[${a}, \\frac{${3 * b}}{3})$`);
  m.wrong(kind, `[${a}, ${b})`, `$(${a}, ${b}]$`, `$[${a}, ${b}]$`, `$(${a}, ${b})$`, `$\\{${a}, ${b}\\}$`);
  const list = m.some([-9, -7, -4, -2, 0, 1, 3, 5, 6, 8, 11, 13], m.int(3, 5));
  const [first, ...rest] = list;
  m.right(
    'set',
    `\\{${list.join(', ')}\\}`,
    `$\\{${m.shuffled(list).join(', ')}\\}$`,
    `$${m.shuffled(list).join(', ')}$`,
    `$\\{${[...list, first].join(', ')}\\}$`,
  );
  m.wrong(
    'set',
    `\\{${list.join(', ')}\\}`,
    `$[${list.join(', ')}]$`.replace(/[[\]]/g, '') + ', $17$',
    `$\\{${rest.join(', ')}\\}$`,
    `$\\{${[...rest, first! + 100].join(', ')}\\}$`,
    `$\\{${[...list, 99].join(', ')}\\}$`,
  );
  m.right(
    'tuple',
    `(${list.join(', ')})`,
    `$\\left(${list.map((n) => `\\frac{${2 * n}}{2}`).join(', ')}\\right)$`,
    `$\\langle ${list.join(', ')} \\rangle$`,
  );
  m.wrong(
    'tuple',
    `(${list.join(', ')})`,
    `$(${m.disordered(list).join(', ')})$`,
    `$(${rest.join(', ')})$`,
    `$(${[first! + 1, ...rest].join(', ')})$`,
  );
}

function assignments(m: Maker): void {
  const [x, y, z] = m.some(LETTERS, 3) as [string, string, string];
  const p = m.int(-20, 20);
  const q = m.other(-20, 20, p);
  m.right(
    'A12',
    `(${x}, ${y}) = (${p}, ${q})`,
    `$${y} = ${q}, ${x} = ${p}$`,
    `$${x} = ${p}$ and $${y} = ${q}$`,
    `$(${y}, ${x}) = (${q}, ${p})$`,
    `$(${p}, ${q})$`,
  );
  m.wrong(
    'A12',
    `(${x}, ${y}) = (${p}, ${q})`,
    `$${y} = ${p}, ${x} = ${q}$`,
    `$(${y}, ${x}) = (${p}, ${q})$`,
    `$${x} = ${p}$`,
    `$(${q}, ${p})$`,
    `$(${x}, ${z}) = (${p}, ${q})$`,
  );
  m.right('A12', `${x} = ${p}, ${y} = ${q}`, `$${y} = ${q}, ${x} = ${p}$`, `$(${x}, ${y}) = (${p}, ${q})$`);
  m.wrong(
    'A12',
    `${x} = ${p}, ${y} = ${q}`,
    `$${x} = ${q}, ${y} = ${p}$`,
    `$${x} = ${p}, ${z} = ${q}$`,
    `$${x} = ${p}, ${y} = ${q}, ${z} = 0$`,
  );
  m.right(
    'A12',
    `${x} = ${y} = ${z} = ${p}`,
    `$${z} = ${y} = ${x} = ${p}$`,
    `$${x} = ${p}, ${y} = ${p}, ${z} = ${p}$`,
  );
  m.wrong('A12', `${x} = ${y} = ${z} = ${p}`, `$${x} = ${y} = ${p}$`, `$${x} = ${y} = ${z} = ${q}$`);
}

function residues(m: Maker): void {
  const [modulus, a, turns] = [m.int(3, 19), m.int(20, 400), m.int(1, 5)];
  const r = a % modulus;
  const wrong = m.other(0, modulus - 1, r);
  m.right('A13', String(r), `$${a} \\bmod ${modulus}$`, `$${a} \\mod ${modulus}$`);
  m.wrong('A13', String(a), `$${a} \\bmod ${modulus}$`);
  m.wrong('A13', String(wrong), `$${a} \\bmod ${modulus}$`);
  m.right(
    'A13',
    `x \\equiv ${r} \\pmod{${modulus}}`,
    `$x \\equiv ${r + turns * modulus} \\pmod{${modulus}}$`,
    `$x \\equiv ${r - modulus} \\pmod{${modulus}}$`,
    `$x \\equiv ${r} \\bmod ${modulus}$`,
    `$x \\equiv ${r} \\ (\\text{mod } ${modulus})$`,
  );
  m.wrong(
    'A13',
    `x \\equiv ${r} \\pmod{${modulus}}`,
    `$x \\equiv ${wrong} \\pmod{${modulus}}$`,
    `$x \\equiv ${r} \\pmod{${modulus + 1}}$`,
    `$y \\equiv ${r} \\pmod{${modulus}}$`,
    `$x \\equiv ${r + turns * modulus + 1} \\pmod{${modulus}}$`,
  );
}

function words(m: Maker): void {
  const letters = m.some(Array.from('ABCDEFGHKLMPQRSTUVWXYZ'), m.int(3, 5));
  const word = letters.join('');
  const wrapped = m.pick([word, `\\text{${word}}`]);
  m.right('A14', wrapped, `$\\text{${word}}$`, `The answer is ${word}.`, `\\boxed{${word}}`);
  m.wrong(
    'A14',
    wrapped,
    `$\\text{${m.disordered(letters).join('')}}$`,
    `The answer is \\boxed{${m.disordered(letters).join('')}}.`,
    `\\boxed{${word.slice(1)}}`,
    `\\boxed{${word}${word[0]}}`,
  );
  const coins = Array.from({ length: m.int(3, 6) }, (_, index) =>
    index === 0 ? 'H' : index === 1 ? 'T' : m.pick(['H', 'T']),
  );
  m.wrong(
    'A14',
    coins.join(''),
    `\\boxed{${m.disordered(coins).join('')}}`.replace(coins.join(''), `${coins.join('')}H`),
  );
  const names = m.some(['Alice', 'Bob', 'Carol', 'Dave', 'Eve', 'Frank'], 3);
  m.right(
    'words',
    `\\text{${names.join(', ')}}`,
    `$\\text{${m.shuffled(names).join(', ')}}$`,
    `\\boxed{\\text{${names.join(', ')}}}`,
  );
  m.wrong(
    'words',
    `\\text{${names.join(', ')}}`,
    `$\\text{${names.slice(1).join(', ')}}$`,
    `\\boxed{\\text{${names.slice(0, 2).join(', ')}, Grace}}`,
  );
  const direction = m.some(
    ['increasing', 'decreasing', 'even', 'odd', 'east', 'west', 'north', 'rational', 'irrational'],
    2,
  );
  m.right(
    'words',
    `\\text{${direction[0]}}`,
    `The answer is \\text{${direction[0]}}.`,
    `\\boxed{${direction[0]}}`,
  );
  m.wrong(
    'words',
    `\\text{${direction[0]}}`,
    `\\boxed{\\text{${direction[1]}}}`,
    `\\boxed{\\text{not ${direction[0]}}}`,
    `\\boxed{\\text{${direction[0]} or ${direction[1]}}}`,
  );
}

function repeating(m: Maker): void {
  const length = m.int(1, 3);
  const digits = String(m.int(1, 10 ** length - 2)).padStart(length, '0');
  const nines = 10 ** length - 1;
  const value = fraction(Number(digits), nines);
  const dotted =
    length === 1
      ? `0.\\dot{${digits}}`
      : `0.\\dot{${digits[0]}}${digits.slice(1, -1)}\\dot{${digits.at(-1)}}`;
  const forms = [`0.\\overline{${digits}}`, `0.(${digits})`, dotted];
  m.right('A15', value, ...forms.map((form) => `\\boxed{${form}}`));
  for (const form of forms) {
    m.right('A15', form, `$${value}$`, `$0.${digits}\\overline{${digits}}$`);
    m.wrong(
      'A15',
      form,
      '$0$',
      `$0.${digits}$`,
      `$${fraction(Number(digits) + 1, nines)}$`,
      `$0.0\\overline{${digits}}$`,
    );
  }
}

function crossProducts(m: Maker): void {
  const [a, b] = m.some(['a', 'b', 'u', 'v', 'p', 'q', 'r', 'E', 'B', 'F'], 2) as [string, string];
  const mark = m.pick(['vec', 'mathbf', 'boldsymbol']);
  const [u, v] = [`\\${mark}{${a}}`, `\\${mark}{${b}}`];
  const k = m.int(2, 9);
  m.right('A16', `${u} \\times ${v}`, `$${u}\\times ${v}$`, `$-${v} \\times ${u}$`);
  m.wrong(
    'A16',
    `${u} \\times ${v}`,
    `$${v} \\times ${u}$`,
    `$-${u} \\times ${v}$`,
    `$${k} ${u} \\times ${v}$`,
    `$${u} \\cdot ${v}$`,
  );
}

function dates(m: Maker): void {
  const [y, mo, d] = [m.int(1950, 2030), m.int(10, 12), m.int(10, 28)];
  m.right('A18', `${y}-${mo}-${d}`, `\\boxed{${y}-${mo}-${d}}`, `The answer is ${y}-${mo}-${d}.`);
  m.wrong(
    'A18',
    `${y}-${mo}-${d}`,
    `\\boxed{${y - mo - d}}`,
    `\\boxed{${y}-${mo}-${d + 1}}`,
    `\\boxed{${y}-${d}-${mo}}`.replace(`-${d}-${mo}`, d === mo ? `-${mo}-29` : `-${d}-${mo}`),
    `\\boxed{${y}}`,
  );
}

function matrices(m: Maker): void {
  const [rows, columns] = [m.int(1, 3), m.int(2, 3)];
  const cells = Array.from({ length: rows }, () => Array.from({ length: columns }, () => m.int(-9, 9)));
  const written = (matrix: readonly (readonly (number | string)[])[], name = 'pmatrix') =>
    `\\begin{${name}} ${matrix.map((row) => row.join(' & ')).join(' \\\\ ')} \\end{${name}}`;
  const [i, j] = [m.int(0, rows - 1), m.int(0, columns - 1)];
  const changed = cells.map((row, r) => row.map((cell, c) => (r === i && c === j ? cell + 1 : cell)));
  const negated = cells.map((row, r) => row.map((cell, c) => (r === i && c === j ? -cell : cell)));
  const transposed = cells[0]!.map((_, c) => cells.map((row) => row[c]!));
  const gold = written(cells);
  m.right(
    'matrix',
    gold,
    `$${written(cells, 'bmatrix')}$`,
    `$${written(cells.map((row) => row.map((cell) => `\\frac{${2 * cell}}{2}`)))}$`,
  );
  if (rows > 1) m.right('matrix', gold, `$[${cells.map((row) => `[${row.join(', ')}]`).join(', ')}]$`);
  m.wrong(
    'matrix',
    gold,
    `$${written(changed)}$`,
    `$${written(cells.map((row) => row.slice(1)))}$`,
    `$${cells.flat().join(', ')}$`,
    `$${written(cells)} + ${written(cells.map((row) => row.map((_, c) => (c === 0 ? 1 : 0))))}$`,
  );
  if (cells[i]![j] !== 0) m.wrong('matrix', gold, `$${written(negated)}$`);
  if (JSON.stringify(transposed) !== JSON.stringify(cells))
    m.wrong('matrix', gold, `$${written(transposed)}$`);
}

function families(m: Maker): void {
  const [n, d, turns] = [m.int(1, 5), m.int(2, 6), m.int(1, 4)];
  const start = fraction(n, d * 6).replace(/(\d+)\}\{/, '$1\\pi}{');
  const shifted = fraction(n + 6 * d * turns, d * 6).replace(/(\d+)\}\{/, '$1\\pi}{');
  const gold = `${start} + k\\pi, k \\in \\mathbb{Z}`;
  m.right(
    'family',
    gold,
    `$${start} + n\\pi, n \\in \\mathbb{Z}$`,
    `$${shifted} + k\\pi, k \\in \\mathbb{Z}$`,
    `$${start} - k\\pi, k \\in \\mathbb{Z}$`,
    `$x = ${start} + \\pi k$`,
  );
  m.wrong(
    'family',
    gold,
    `$${start} + 2k\\pi, k \\in \\mathbb{Z}$`,
    `$${start} + \\frac{k\\pi}{2}, k \\in \\mathbb{Z}$`,
    `$${start}$`,
    `$\\frac{\\pi}{${d * 6 + 1}} + k\\pi, k \\in \\mathbb{Z}$`,
    `$-${start} + k\\pi + \\frac{\\pi}{97}, k \\in \\mathbb{Z}$`,
  );
}

function sums(m: Maker): void {
  const [p, c] = [m.int(1, 3), m.int(1, 9)];
  m.right(
    'bound',
    `\\sum_{k=1}^{n} (k^{${p}} + ${c})`,
    `$\\sum_{j=1}^{n} (j^{${p}} + ${c})$`,
    `$\\sum_{i=1}^{n} (${c} + i^{${p}})$`,
  );
  m.wrong(
    'bound',
    `\\sum_{k=1}^{n} (k^{${p}} + ${c})`,
    `$\\sum_{k=1}^{n} (k^{${p + 1}} + ${c})$`,
    `$\\sum_{k=0}^{n} (k^{${p}} + ${c})$`,
    `$\\sum_{k=1}^{n-1} (k^{${p}} + ${c})$`,
    `$\\sum_{k=1}^{m} (k^{${p}} + ${c})$`,
    `$\\sum_{j=1}^{n} (k^{${p}} + ${c})$`,
  );
  const to = m.int(3, 30);
  const value = Array.from({ length: to }, (_, k) => (k + 1) ** p + c).reduce((a, b) => a + b);
  m.right('bound', String(value), `$\\sum_{k=1}^{${to}} (k^{${p}} + ${c})$`);
  m.wrong(
    'bound',
    String(value),
    `$\\sum_{k=1}^{${to + 1}} (k^{${p}} + ${c})$`,
    `$\\sum_{k=2}^{${to}} (k^{${p}} + ${c})$`,
  );
  m.right(
    'bound',
    `\\int_0^{${c}} t^{${p}} e^{-t} dt`,
    `$\\int_0^{${c}} x^{${p}} e^{-x} dx$`,
    `$\\int_{0}^{${c}} u^{${p}} e^{-u} \\, du$`,
  );
  m.wrong(
    'bound',
    `\\int_0^{${c}} t^{${p}} e^{-t} dt`,
    `$\\int_0^{${c + 1}} t^{${p}} e^{-t} dt$`,
    `$\\int_0^{${c}} t^{${p + 1}} e^{-t} dt$`,
    `$\\int_0^{${c}} x^{${p}} e^{-t} dt$`,
    `$-\\int_0^{${c}} t^{${p}} e^{-t} dt$`,
  );
  m.right(
    'bound',
    `f(x) = x^{${p + 1}} + ${c}`,
    `$f(t) = t^{${p + 1}} + ${c}$`,
    `$f(x) = ${c} + x^{${p + 1}}$`,
  );
  m.wrong(
    'bound',
    `f(x) = x^{${p + 1}} + ${c}`,
    `$f(x) = x^{${p + 1}} - ${c}$`,
    `$f(x) = t^{${p + 1}} + ${c}$`,
    `$f(t) = x^{${p + 1}} + ${c}$`,
  );
}

function polynomials(m: Maker): void {
  const x = m.pick(['x', 't', 'n', 'y', 'z']);
  const factors = Array.from({ length: m.int(2, 3) }, () => [m.other(-9, 9, 0), m.other(-4, 5, 0)]);
  const product = factors.reduce(multiplied);
  const k = m.int(0, product.length - 1);
  const changed = product.map((c, index) => (index === k ? c + m.pick([-1, 1]) : c));
  const gold = polynomial(product, x);
  const written = factors.map((factor) => `(${polynomial(factor, x)})`);
  m.right(
    'expanded',
    gold,
    `$${written.join('')}$`,
    `$${m.shuffled(written).join(' \\cdot ')}$`,
    `$${product
      .map((c, power) => `${c}${x}^{${power}}`)
      .join(' + ')
      .replaceAll('+ -', '- ')}$`,
  );
  m.right('factored', written.join(''), `$${gold}$`);
  m.wrong(
    'expanded',
    gold,
    `$${polynomial(changed, x)}$`,
    `$-${written.join('')}$`,
    `$${written.slice(1).join('')}$`,
    `$${written.join('')} + 1$`,
    `$${polynomial(product, 'w')}$`,
  );
  const [a, b] = [m.other(-9, 9, 0), m.int(1, 9)];
  m.right(
    'rational',
    `\\frac{${gold}}{x^2 + ${b}}`,
    `$\\frac{${a}(${gold})}{${a}x^2${plus(a * b)}}$`,
    `$(${gold})(x^2+${b})^{-1}$`,
  );
  m.wrong(
    'rational',
    `\\frac{${gold}}{x^2 + ${b}}`,
    `$\\frac{${gold}}{x^2 - ${b}}$`,
    `$\\frac{x^2+${b}}{${gold}}$`,
    `$\\frac{${gold}}{x^2 + ${b + 1}}$`,
  );
}

const SMALL = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen ' +
  'seventeen eighteen nineteen'
).split(' ');
const TENS = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
/** A whole number below a million in English. */
function inWords(n: number): string {
  if (n < 20) return SMALL[n]!;
  if (n < 100) return TENS[Math.floor(n / 10) - 2]! + (n % 10 ? `-${SMALL[n % 10]}` : '');
  if (n < 1000) return `${SMALL[Math.floor(n / 100)]} hundred${n % 100 ? ` ${inWords(n % 100)}` : ''}`;
  return `${inWords(Math.floor(n / 1000))} thousand${n % 1000 ? ` ${inWords(n % 1000)}` : ''}`;
}

function numbers(m: Maker): void {
  const n = m.pick([m.int(2, 99), m.int(100, 9999), m.int(10_000, 999_999)]);
  const near = n + m.pick([-1, 1, 10, 100]);
  const grouped = String(n).replace(/(?<=\d)(?=(?:\d{3})+$)/g, '_');
  m.right(
    'number',
    String(n),
    `\\boxed{\\text{${inWords(n)}}}`,
    `\\boxed{${Array.from(String(n), (digit) => String.fromCharCode(0xff10 + Number(digit))).join('')}}`,
    `\\boxed{${n}.00}`,
  );
  if (n >= 1000)
    m.right(
      'number',
      String(n),
      ...[',', '{,}', '\\,', ' ', '\\ '].map((mark) => `\\boxed{${grouped.replaceAll('_', mark)}}`),
      `The answer is ${grouped.replaceAll('_', ',')}.`,
    );
  m.wrong(
    'number',
    String(n),
    `\\boxed{\\text{${inWords(near)}}}`,
    `\\boxed{${n}.01}`,
    `\\boxed{${grouped.replaceAll('_', ',')}0}`,
  );
  const [whole, d] = [m.int(1, 12), m.int(2, 9)];
  const a = m.int(1, d - 1);
  m.right(
    'number',
    fraction(whole * d + a, d),
    `$${whole}\\frac{${a}}{${d}}$`,
    `$${whole} \\frac{${a}}{${d}}$`,
    `${whole * d + a}/${d}`,
    `$\\dfrac{${whole * d + a}}{${d}}$`,
    `$${whole} + ${a}/${d}$`,
    `$\\tfrac${whole * d + a > 9 ? `{${whole * d + a}}{${d}}` : `${whole * d + a}${d}`}$`,
  );
  m.wrong(
    'number',
    fraction(whole * d + a, d),
    `$\\frac{${d}}{${whole * d + a}}$`,
    `$${whole + 1}\\frac{${a}}{${d}}$`,
    `$-${whole}\\frac{${a}}{${d}}$`,
    `$${whole} \\cdot \\frac{${a + d}}{${d}}$`.replace(/.*/, `$\\frac{${whole * d + a + 1}}{${d}}$`),
  );
  const [mantissa, power] = [m.int(11, 99), m.int(3, 20)];
  m.right(
    'number',
    `${mantissa / 10} \\times 10^{${power}}`,
    `$${mantissa} \\times 10^{${power - 1}}$`,
    `${mantissa / 10}e${power}`,
    `$${mantissa}${'0'.repeat(power - 1)}$`,
    `${mantissa / 10} x 10^${power}`,
  );
  m.wrong(
    'number',
    `${mantissa / 10} \\times 10^{${power}}`,
    `$${mantissa} \\times 10^{${power}}$`,
    `$${mantissa / 10} \\times 10^{-${power}}$`,
    `${(mantissa + 1) / 10}e${power}`,
    `$${mantissa / 10} \\cdot 10^{${power + 1}}$`,
  );
  const percent = m.int(1, 99);
  m.right(
    'percent',
    `${percent}\\%`,
    `$${fraction(percent, 100)}$`,
    `${percent / 100}`,
    `${percent} percent`,
    `${percent}%`,
  );
  m.wrong(
    'percent',
    `${percent}\\%`,
    `${percent}`,
    `${percent + 1}%`,
    `$-${percent}\\%$`,
    `$${percent}\\%$ increase`.replace(/.*/, `\\boxed{${percent / 10}\\%}`),
  );
  m.wrong(
    'A6',
    `${percent}\\% \\text{ increase}`,
    `\\boxed{${percent}\\% \\text{ decrease}}`,
    `\\boxed{${percent + 1}\\% \\text{ increase}}`,
  );
}

function ratios(m: Maker): void {
  const parts = m.some([2, 3, 5, 7, 11, 13], m.int(2, 3));
  const k = m.int(2, 6);
  m.right('ratio', parts.join(':'), `$${parts.map((part) => part * k).join(':')}$`, `$${parts.join(' : ')}$`);
  m.wrong(
    'ratio',
    parts.join(':'),
    `$${m.disordered(parts).join(':')}$`,
    `$${[parts[0]! + 1, ...parts.slice(1)].join(':')}$`,
  );
}

function signs(m: Maker): void {
  const [a, b] = [m.other(-20, 20, 0), m.int(2, 30)];
  m.right(
    'sign',
    `${a} \\pm ${b}`,
    `$${a + b}, ${a - b}$`,
    `$\\{${a - b}, ${a + b}\\}$`,
    `$${a} + ${b}$ and $${a} - ${b}$`,
    `$x = ${a + b}$ or $x = ${a - b}$`,
  );
  m.wrong(
    'sign',
    `${a} \\pm ${b}`,
    `$${a + b}$`,
    `$${a} \\pm ${b + 1}$`,
    `$${-a} \\pm ${b}$`,
    `$${a + b}, ${a - b}, 0.5$`,
    `$${a} + ${b}$`,
  );
  const s = m.pick([2, 3, 5, 6, 7, 10, 11]);
  m.right(
    'sign',
    `\\pm\\sqrt{${s}}`,
    `$\\sqrt{${s}}, -\\sqrt{${s}}$`,
    `$x = \\pm \\sqrt{${s}}$`,
    `$-\\sqrt{${s}}$ and $\\sqrt{${s}}$`,
  );
  m.wrong('sign', `\\pm\\sqrt{${s}}`, `$\\sqrt{${s}}$`, `$\\pm ${s}$`, `$\\pm\\sqrt{${s + 1}}$`);
}

function equations(m: Maker): void {
  const [a, b, c, k] = [m.other(-9, 9, 0), m.other(-9, 9, 0), m.other(-20, 20, 0), m.int(2, 7)];
  const gold = `${times(a, 'x')} + ${times(b, 'y')} = ${c}`.replace('+ -', '- ');
  m.right(
    'equation',
    gold,
    `$${times(a * k, 'x')} + ${times(b * k, 'y')} = ${c * k}$`.replace('+ -', '- '),
    `$${times(b, 'y')} = ${c} + ${times(-a, 'x')}$`.replace('+ -', '- '),
    `$${times(-a, 'x')} + ${times(-b, 'y')} + ${c} = 0$`.replaceAll('+ -', '- '),
  );
  m.wrong(
    'equation',
    gold,
    `$${times(a, 'x')} + ${times(b, 'y')} = ${-c}$`,
    `$${times(a + k, 'x')} + ${times(b, 'y')} = ${c}$`,
    `$${times(a, 'x')} + ${times(b, 'y')} < ${c}$`,
    String(c),
  );
  if (a !== b) m.wrong('equation', gold, `$${times(b, 'x')} + ${times(a, 'y')} = ${c}$`);
  m.right(
    'equation',
    `y = ${times(a, 'x')}${plus(b)}`,
    `$y = ${b} + ${times(a, 'x')}$`,
    `$${times(a, 'x')}${plus(b)} = y$`,
    `$y${plus(-b)} = ${times(a, 'x')}$`,
  );
  m.wrong(
    'equation',
    `y = ${times(a, 'x')}${plus(b)}`,
    `$y = ${times(a, 'x')}${plus(-b)}$`,
    `$x = ${times(a, 'y')}${plus(b)}$`.replace(
      /^.*$/,
      a === 1 || a === -1 ? '$y = 0$' : `$x = ${times(a, 'y')}${plus(b)}$`,
    ),
    `$y = ${times(-a, 'x')}${plus(b)}$`,
  );
  m.right(
    'equation',
    `x = ${fraction(c, k)}`,
    `$${fraction(c, k)}$`,
    `$${k}x = ${c}$`,
    `So $x = \\frac{${2 * c}}{${2 * k}}$.`,
  );
  m.wrong(
    'equation',
    `x = ${fraction(c, k)}`,
    `$y = ${fraction(c, k)}$`,
    `$x = ${fraction(c + 1, k)}$`,
    `$x > ${fraction(c, k)}$`,
    `$x \\ne ${fraction(c, k)}$`,
  );
}

function radicals(m: Maker): void {
  const [a, s] = [m.int(2, 12), m.pick([2, 3, 5, 6, 7, 10, 11, 13, 14, 15])];
  const b = m.other(-15, 15, 0);
  m.right(
    'radical',
    `${a}\\sqrt{${s}}`,
    `$\\sqrt{${a * a * s}}$`,
    `$\\sqrt{${s}} \\cdot ${a}$`,
    `$${a}\\cdot ${s}^{1/2}$`,
    `$\\frac{${a * s}}{\\sqrt{${s}}}$`,
    `${a}√${s}`,
    `${a}*sqrt(${s})`,
  );
  m.wrong(
    'radical',
    `${a}\\sqrt{${s}}`,
    `$\\sqrt{${a * s}}$`,
    `$${a}\\sqrt{${s + 1}}$`,
    `$${a + 1}\\sqrt{${s}}$`,
    `$-${a}\\sqrt{${s}}$`,
    `$${a}\\sqrt[3]{${s}}$`,
    `$${a * s}$`,
  );
  m.right(
    'radical',
    `\\frac{1}{${a} + \\sqrt{${s}}}`,
    ...(a * a === s ? [] : [`$\\frac{${a} - \\sqrt{${s}}}{${a * a - s}}$`]),
  );
  m.wrong(
    'radical',
    `\\frac{1}{${a} + \\sqrt{${s}}}`,
    `$\\frac{1}{${a} - \\sqrt{${s}}}$`,
    `$\\frac{1}{${a + 1} + \\sqrt{${s}}}$`,
    `$\\frac{${a} + \\sqrt{${s}}}{${a * a - s}}$`,
  );
  m.right('complex', `${b} + ${a}i`, `$${a}i${plus(b)}$`, `$\\frac{${2 * b} + ${2 * a}i}{2}$`);
  m.wrong(
    'complex',
    `${b} + ${a}i`,
    `$${b} - ${a}i$`,
    `$${-b} + ${a}i$`,
    `$${b}i + ${a}$`.replace(/.*/, a === b ? '$0$' : `$${a} + ${b}i$`),
    `$${b + a}$`,
  );
  m.right(
    'trigonometry',
    `${a}\\sin(2x)`,
    `$${2 * a}\\sin x\\cos x$`,
    `$${a}\\sin 2x$`,
    `$${a}\\cos(2x - \\frac{\\pi}{2})$`,
  );
  m.wrong(
    'trigonometry',
    `${a}\\sin(2x)`,
    `$${a}\\cos(2x)$`,
    `$${2 * a}\\sin(x)$`,
    `$${a}\\sin^2(x)$`,
    `$-${a}\\sin(2x)$`,
  );
  m.right(
    'logarithm',
    `${a}\\ln ${s}`,
    `$\\ln(${s}^{${a}})$`,
    `$\\ln ${s} \\cdot ${a}$`,
    `$-${a}\\ln\\frac{1}{${s}}$`,
    `$${a}\\log_e ${s}$`.replace(/.*/, `$\\frac{${a}}{\\log_{${s}} e}$`),
  );
  m.wrong(
    'logarithm',
    `${a}\\ln ${s}`,
    `$\\ln(${a * s})$`.replace(/.*/, s ** a === a * s ? '$0$' : `$\\ln(${a * s})$`),
    `$${a}\\log_{10} ${s}$`,
    `$${a}\\ln ${s + 1}$`,
    `$-${a}\\ln ${s}$`,
  );
}

function counting(m: Maker): void {
  const n = m.int(5, 20);
  const k = m.int(2, Math.floor((n - 1) / 2));
  let value = 1n;
  for (let index = 0n; index < BigInt(k); index++) value = (value * (BigInt(n) - index)) / (index + 1n);
  m.right(
    'counting',
    String(value),
    `$\\binom{${n}}{${k}}$`,
    `$\\binom{${n}}{${n - k}}$`,
    `$\\frac{${n}!}{${k}! \\cdot ${n - k}!}$`,
    `$C_{${n}}^{${k}}$`,
  );
  m.wrong(
    'counting',
    String(value),
    `$\\binom{${n}}{${k - 1}}$`,
    `$\\binom{${n + 1}}{${k}}$`,
    `$\\frac{${n}!}{${n - k}!}$`,
    String(value + 1n),
  );
  const base = m.int(3, 9);
  const digits = n.toString(base);
  m.right(
    'base',
    `${digits}_{${base}}`,
    `\\boxed{${digits}_${base}}`,
    `\\boxed{${n}}`,
    `\\boxed{${digits}_{\\text{${['three', 'four', 'five', 'six', 'seven', 'eight', 'nine'][base - 3]}}}}`,
  );
  m.wrong(
    'base',
    `${digits}_{${base}}`,
    `\\boxed{${digits}_{${base + 1}}}`.replace(
      /^.*$/,
      digits.length === 1 ? '\\boxed{0}' : `\\boxed{${digits}_{${base + 1}}}`,
    ),
    digits.length === 1 ? '\\boxed{10}' : `\\boxed{${digits}}`,
    `\\boxed{${(n + 1).toString(base)}_{${base}}}`,
  );
  const price = m.int(2, 99);
  m.right(
    'money',
    `\\$${price}.50`,
    `$\\$${price}.5$`,
    `${price}.50 dollars`,
    `The answer is \\$${price}.50.`,
    `\\boxed{${price * 100 + 50} \\text{ cents}}`,
    `\\boxed{${price}.5}`,
  );
  m.wrong(
    'money',
    `\\$${price}.50`,
    `${price}.50 cents`,
    `\\boxed{€${price}.50}`,
    `\\boxed{\\$${price}.05}`,
    `\\boxed{-\\$${price}.50}`,
  );
  const [h, min] = [m.int(1, 11), m.int(10, 59)];
  m.right('time', `${h}:${min} \\text{ pm}`, `\\boxed{${h}:${min} p.m.}`, `\\boxed{${h}:${min}\\text{ PM}}`);
  m.wrong(
    'time',
    `${h}:${min} \\text{ pm}`,
    `\\boxed{${h}:${min} \\text{ am}}`,
    `\\boxed{${h}:${min === 59 ? 10 : min + 1} \\text{ pm}}`,
    `\\boxed{${h + 1}:${min} \\text{ pm}}`,
  );
  m.right(
    'time',
    `${h} \\text{ hours } ${min} \\text{ minutes}`,
    `\\boxed{${h * 60 + min} \\text{ minutes}}`,
    `\\boxed{${h} \\text{ h } ${min} \\text{ min}}`,
  );
  m.wrong(
    'time',
    `${h} \\text{ hours } ${min} \\text{ minutes}`,
    `\\boxed{${h * 60 + min} \\text{ hours}}`,
    `\\boxed{${min} \\text{ hours } ${h} \\text{ minutes}}`.replace(
      /.*/,
      h === min ? '\\boxed{0}' : `\\boxed{${min} \\text{ hours } ${h} \\text{ minutes}}`,
    ),
  );
}

/** Makes golds of kinds that benchmarks have few of, each with answers that are right and wrong. */
export const COMPOSED_KINDS: readonly ((maker: Maker) => void)[] = [
  functionValues,
  absoluteEquations,
  kinks,
  floors,
  largeTerms,
  units,
  inequalities,
  brackets,
  assignments,
  residues,
  words,
  repeating,
  crossProducts,
  dates,
  matrices,
  families,
  sums,
  polynomials,
  numbers,
  ratios,
  signs,
  equations,
  radicals,
  counting,
  ...STATEMENT_KINDS,
];
