/** @file Reads the phrases behind values: which words are units, what they convert to, and which words are none. */

import { rational, type Rational } from '../../util/rational.js';
import { constant, number, power, product, sum, symbol, type Node } from '../algebra/tree.js';
import { unitNamed, type Unit } from './unitTable.js';

/** Nouns that stand for what is counted, whatever it is: two different ones do not contradict each other. */
const COUNTED = new Set(
  (
    'unit people person student point way number more apple coin ball card time item piece page game child children ' +
    'men women book ticket square'
  ).split(' '),
);

/**
 * Words that change what a value says: denials, alternatives, comparisons, directions, verbs. A value with one of
 * them is the same only as a value with the same words.
 */
const QUALIFIERS = new Set(
  (
    'doubled halved tripled quadrupled permil permille ppm not no never nor neither either or but except unless if wrong incorrect false true right correct possibly perhaps ' +
    'maybe probably likely about approximately roughly almost nearly exactly only is are was were be been being has have had ' +
    'do does can could may might must should will would more less fewer greater larger smaller bigger higher lower least ' +
    'most best worst than over under above below beyond between within up down upward upwards downward downwards left ' +
    'rightward leftward rightwards leftwards inward outward inwards outwards forward backward forwards backwards north ' +
    'south east west northeast northwest southeast southwest clockwise counterclockwise anticlockwise increase increased ' +
    'decrease decreased increasing decreasing rise fall drop growth decline reduction gain gained loss lost profit debt ' +
    'owed deficit surplus discount markup positive negative plus minus even odd half third quarter double triple twice ' +
    'remainder before after ago earlier later early late bc bce ad ce first last too much many few little short extra ' +
    'apart leftover remaining missing away off ahead behind shy lacking overdue past until till since spare excess otherwise instead basis per mille fold ' +
    'fails failed extraneous spurious rejected inadmissible discarded bound estimate guess nothing none unknown undefined impossible invalid prozent procent millionen millones milliarden milioni miljoen tausend falsch fausse falsa falso'
  ).split(' '),
);

/** Units that count others of their kind, and parts of one: 7 decades are no 7, and 7' no 7°. */
const COUNTING =
  /^(?:decades?|century|centuries|millennium|millennia|fortnights?|arcmin(?:ute)?s?|arcsec(?:ond)?s?)$/i;

/** Limits the words of a phrase: a longer one is a sentence. */
const MAX_WORDS = 12;
/** Limits the words of a noun phrase that is no unit. */
const MAX_NOUN = 4;

/** Numbers that words multiply the value before them with. */
const MULTIPLES: ReadonlyMap<string, Rational> = new Map([
  ...Object.entries({
    hundred: 2n,
    thousand: 3n,
    million: 6n,
    billion: 9n,
    trillion: 12n,
    hundreds: 2n,
    thousands: 3n,
  }).map(([word, ten]): [string, Rational] => [word, rational(10n ** ten)]),
  ['millions', rational(1_000_000n)],
  ['billions', rational(1_000_000_000n)],
  ...Object.entries({
    'pair pairs couple couples brace': 2n,
    'trio trios triplet triplets': 3n,
    'quartet quartets quadruplet quadruplets': 4n,
    'dozen dozens doz dz': 12n,
    'score scores': 20n,
    gross: 144n,
    ones: 1n,
    tens: 10n,
    'lakh lakhs': 100_000n,
    'crore crores': 10_000_000n,
    'myriad myriads': 10_000n,
    googol: 10n ** 100n,
  }).flatMap(([words, size]) => words.split(' ').map((word): [string, Rational] => [word, rational(size)])),
  ...'quadrillion quintillion sextillion septillion octillion nonillion decillion'
    .split(' ')
    .flatMap((word, index) =>
      [word, `${word}s`].map((name): [string, Rational] => [name, rational(10n ** BigInt(15 + 3 * index))]),
    ),
  ['trillions', rational(10n ** 12n)],
  ['half', rational(1n, 2n)],
  ['halves', rational(1n, 2n)],
  ['quarters', rational(1n, 4n)],
  ...(
    'third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth ' +
    'seventeenth eighteenth nineteenth twentieth'
  )
    .split(' ')
    .flatMap((word, index) =>
      [word, `${word}s`].map((name): [string, Rational] => [name, rational(1n, BigInt(index + 3))]),
    ),
  ...Object.entries({ 百: 2n, 千: 3n, 万: 4n, 萬: 4n, 亿: 8n, 億: 8n }).map(
    ([word, ten]): [string, Rational] => [word, rational(10n ** ten)],
  ),
  ['hundredths', rational(1n, 100n)],
  ['thousandths', rational(1n, 1000n)],
]);

/** Splits the `million dollars` of `2.5 million dollars` into 1,000,000 and `dollars`; undefined without such a word. */
export function multipleOf(phrase: string): { factor: Rational; unit: string } | undefined {
  const [word, ...rest] = phrase.split(' ') as [string, ...string[]];
  const factor = MULTIPLES.get(word.toLowerCase());
  return factor && { factor, unit: rest.join(' ').replace(/^of (?:an? )?/, '') };
}

const singular = (word: string) => (word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : word);

/** Symbols that are units without an upright font as well; others, such as kT, are products of letters there. */
const BARE =
  /^(?:[cmk]m|k?g|m[lL]|in|ft|yd|mi|hr|hrs|sec|secs|min|mins|lbs?|oz|gal|mph|kmh|kph|k?hz|M?k?Hz|kj|k?J|k?cal|[kM]?e[vV]|k[wW]|kWh|k?[pP]a|atm|mol|deg|rad|usd|am|pm|AM|PM)$/;

/** Tells whether a bare word of at least two letters after a number is a unit rather than a product of letters. */
export function isUnitWord(word: string, hasFont: boolean): boolean {
  if (word.length < 2) return false;
  if (word.length <= 3 && !hasFont && !BARE.test(word)) return COUNTED.has(singular(word.toLowerCase()));
  return unitNamed(word) !== undefined || COUNTED.has(singular(word.toLowerCase()));
}

/** Tells whether a letter in upright font is a unit after a number; `\mathrm{e}` is not. */
export const isUnitLetter = (letter: string): boolean => unitNamed(letter) !== undefined;

/** What stands behind a value: a unit, and words that are none (`kg` and `of rice`). */
interface Phrase {
  readonly unit: Unit | undefined;
  readonly rest: readonly string[];
}

/**
 * Gives `value`, which is in the unit `from`, in the unit `to`. Undefined where the two measure different things or
 * say different things: `5 apples` is not 5 oranges, `10 N upward` not 10 N downward. Powers, products and quotients
 * are understood: `cm^2`, `square feet`, `meters squared`, `km/h`, `miles per hour`, `kg m s^-2`.
 */
export function inUnit(value: Node, from: string, to: string): Node | undefined {
  if (from === to) return value;
  const [a, b] = [phraseOf(from), phraseOf(to)];
  if (!agree(a.rest, b.rest)) return undefined;
  if (!a.unit || !b.unit) {
    // A unit and a noun measure different things: 5 m is not 5 apples, but 5 units² may be 5 m².
    const other = a.unit ? b.rest : a.rest;
    return !(a.unit ?? b.unit) || isGeneric(other) ? value : undefined;
  }
  return convert(value, a.unit, b.unit);
}

/** Writes a quantity as a number times its base units, as symbols; words that say more are an unknown function of it. */
export function inBaseUnits(value: Node, phrase: string): Node {
  const { unit, rest } = phraseOf(phrase);
  const said: Node = isNoun(rest) ? value : { kind: 'apply', name: `words ${rest.join(' ')}`, args: [value] };
  const factors = [said];
  if (!unit) return product(...factors);
  factors.push(number(unit.factor), power(constant('pi'), number(BigInt(unit.pi))));
  const name = (dimension: string) => symbol(`unit ${dimension}${unit.zero ? ' of a scale' : ''}`);
  for (const [dimension, exponent] of Object.entries(unit.dimension))
    factors.push(power(name(dimension), number(BigInt(exponent))));
  return product(...factors);
}

/** Tells whether a unit is one of angles: `180° - 2x°` has it at each term. */
export const isAngle = (phrase: string): boolean => phraseOf(phrase).unit?.dimension['angle'] !== undefined;

/** Tells whether a value with this phrase is the value alone: not behind `or more`, `upward`, `is wrong`. */
export const isPlainUnit = (phrase: string): boolean => isNoun(phraseOf(phrase).rest);

/** Tells whether a unit counts others or is a part of one, so that it does not go without saying. */
export const isCountingUnit = (phrase: string): boolean => COUNTING.test(phrase.split(' ', 1)[0]!);

/** Gives the number of `to` in one `from`, as an expression; undefined where there is none. */
function convert(value: Node, from: Unit, to: Unit): Node | undefined {
  const names = new Set([...Object.keys(from.dimension), ...Object.keys(to.dimension)]);
  for (const name of names) {
    // The radian is a bare number: rad/s is 1/s.
    if (name === 'angle' && from.pi === 0 && to.pi === 0) continue;
    if ((from.dimension[name] ?? 0) !== (to.dimension[name] ?? 0)) return undefined;
  }
  const factor = rational(from.factor.n * to.factor.d, from.factor.d * to.factor.n);
  const scaled = product(number(factor), value);
  const turned =
    from.pi === to.pi ? scaled : product(scaled, power(constant('pi'), number(BigInt(from.pi - to.pi))));
  if (!from.zero && !to.zero) return turned;
  // 25 °C is 298.15 K.
  const [zero, other] = [from.zero ?? rational(0n), to.zero ?? rational(0n)];
  const shift = rational((zero.n * other.d - other.n * zero.d) * to.factor.d, zero.d * other.d * to.factor.n);
  return sum(turned, number(shift));
}

const GENERIC = /^(?:sq|square|squared|cubic|cubed|units?)(?:\^[1-4])?$/;
const isGeneric = (words: readonly string[]): boolean => words.every((word) => GENERIC.test(word));

/** Tells whether the noun of a phrase multiplies: `full pairs`, `half-dozens`. */
function isMultiple(words: readonly string[]): boolean {
  const head = words[words.includes('of') ? words.indexOf('of') - 1 : words.length - 1] ?? '';
  return MULTIPLES.has(head.split('-').at(-1)!) || COUNTING.test(head);
}

/** Tells whether words behind a value are a short noun phrase, or none at all. */
const isNoun = (words: readonly string[]): boolean =>
  words.length <= MAX_NOUN &&
  words.at(-1) !== '/' &&
  !/^(?:squared|cubed|factorial)$/.test(words[0] ?? '') &&
  !(words[0] === 'times' && words.length > 1) &&
  !isMultiple(words) &&
  !words.some((word) => QUALIFIERS.has(word) || /^\d|\?/.test(word));

/** Tells whether the words behind two values do not contradict each other. */
function agree(a: readonly string[], b: readonly string[]): boolean {
  if (a.join(' ') === b.join(' ')) return true;
  if (!isNoun(a) || !isNoun(b)) return false;
  if (a.length === 0 || b.length === 0) return true;
  const [head, other] = [headOf(a), headOf(b)];
  return head === other || (COUNTED.has(head) && COUNTED.has(other)) || isGeneric(a) || isGeneric(b);
}

/** Gives the noun of a phrase: `apples` of `red apples` and of `apples of the farmer`. */
function headOf(words: readonly string[]): string {
  const of = words.indexOf('of');
  return singular(words[of > 0 ? of - 1 : words.length - 1]!);
}

const POWERS = new Map(Object.entries({ square: 2, sq: 2, squared: 2, cubic: 3, cu: 3, cubed: 3 }));

/** Splits a phrase into the unit that it begins with and the words after it. */
function phraseOf(phrase: string): Phrase {
  const words = wordsOf(phrase);
  const { factors, end } = factorsOf(words);
  const rest = words.slice(end).map((word) => word.toLowerCase());
  return {
    unit: factors.length === 0 ? undefined : unitOf(factors),
    rest: rest.filter((word) => word !== 'the' && word !== 'each'),
  };
}

/** Splits `kcal/m^2` into words and slashes; `per` is a slash, and each factor of `/(m·K)` has its own. */
function wordsOf(phrase: string): string[] {
  const plain = phrase
    .replace(/\/\s?\(([^()]{1,40})\)/g, (_, below: string) =>
      below
        .split(/[\s·*]+/)
        .map((word) => ` / ${word}`)
        .join(''),
    )
    .replace(/(?<=[A-Za-z²³])\/|\//g, ' / ')
    .replace(/²/g, '^2')
    .replace(/³/g, '^3')
    .replace(/[()"]/g, ' ');
  return (plain.match(/[^\s·*×,;]+/g) ?? [])
    .slice(0, 3 * MAX_WORDS)
    .map((word) => (word === 'per' ? '/' : word));
}

/** One factor of a unit: `s^-2` is the second with the exponent -2. */
interface Factor {
  unit: Unit;
  exponent: number;
}

/** Reads the product or quotient of units at the beginning of `words`, and where it ends. */
function factorsOf(words: readonly string[]): { factors: Factor[]; end: number } {
  const factors: Factor[] = [];
  let at = 0;
  let isBelow = false;
  while (at < words.length && at < MAX_WORDS) {
    const start = at;
    if (words[at] === '/') {
      if (factors.length === 0) return { factors: [], end: 0 };
      at++;
    } else if (isBelow) return { factors: [], end: 0 }; // a/b c may mean a/(bc)
    const isUnder = words[start] === '/';
    const prefix = POWERS.get((words[at] ?? '').replace('.', ''));
    if (prefix !== undefined) at++;
    const found = factorAt(words, at);
    if (!found) return { factors, end: start };
    at += found.length;
    const suffix = POWERS.get(words[at] ?? '');
    if (suffix !== undefined) at++;
    const exponent = found.exponent * (prefix ?? 1) * (suffix ?? 1);
    factors.push({ unit: found.unit, exponent: isUnder ? -exponent : exponent });
    isBelow ||= isUnder;
  }
  return { factors, end: at };
}

/** Reads one unit of one or two words with its exponent: `cm^2`, `m2`, `light years`. */
function factorAt(words: readonly string[], at: number): (Factor & { length: number }) | undefined {
  const [word, next] = [words[at], words[at + 1]];
  if (word === undefined) return undefined;
  const pair = next === undefined || word.length < 2 ? undefined : unitNamed(`${word} ${next}`);
  if (pair) return { unit: pair, exponent: 1, length: 2 };
  // k Ω is kΩ.
  const joined = word.length === 1 && next === 'Ω' ? unitNamed(word + next) : undefined;
  if (joined) return { unit: joined, exponent: 1, length: 2 };
  const match = /^([^\d^]+?)(?:\^?([-−]?[1-4]))?$/.exec(word.replaceAll('.', ''));
  const unit = match ? unitNamed(match[1]!) : undefined;
  return unit && { unit, exponent: Number((match![2] ?? '1').replace('−', '-')), length: 1 };
}

/** Multiplies the factors of a unit. */
function unitOf(factors: readonly Factor[]): Unit {
  if (factors.length === 1 && factors[0]!.exponent === 1) return factors[0]!.unit;
  const dimension: Record<string, number> = {};
  let factor = rational(1n);
  let pi = 0;
  for (const { unit, exponent } of factors) {
    const e = BigInt(Math.abs(exponent));
    const { n, d } = exponent < 0 ? rational(unit.factor.d, unit.factor.n) : unit.factor;
    factor = rational(factor.n * n ** e, factor.d * d ** e);
    pi += unit.pi * exponent;
    for (const [name, size] of Object.entries(unit.dimension))
      dimension[name] = (dimension[name] ?? 0) + size * exponent;
  }
  return { dimension, factor, pi };
}

/** Reads a unit as the product of letters that it would be in italics: `km/h` as k·m/h. */
export function lettersOf(phrase: string): Node | undefined {
  const factors: Node[] = [];
  let isBelow = false;
  for (const word of wordsOf(phrase)) {
    const match = /^([A-Za-z]+)(?:\^?(-?[1-4]))?$/.exec(word);
    if (word === '/') isBelow = true;
    else if (!match) return undefined;
    else {
      const exponent = Number(match[2] ?? 1) * (isBelow ? -1 : 1);
      factors.push(
        ...match[1]!.split(/(?=[^])/).map((letter) => power(symbol(letter), number(BigInt(exponent)))),
      );
      isBelow = false;
    }
  }
  return factors.length === 0 ? undefined : product(...factors);
}
