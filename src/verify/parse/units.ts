/** @file Knows the units of measurement: which words are units, and how to convert one into another. */

import { rational, type Rational } from '../../util/rational.js';
import { number, power, product, symbol, type Node } from '../algebra/tree.js';

/** Exponents of the base dimensions: `{ m: 1, s: -1 }` for a speed. */
type Dimension = Readonly<Record<string, number>>;

/** The dimension of a unit and its size in the dimension's first unit. */
interface Unit {
  dimension: Dimension;
  factor: Rational;
}

// One line per dimension: "=" joins the names of one unit, the factor follows ":".
const TABLE: readonly [dimension: string, units: string][] = [
  [
    'm',
    'm=meter=metre:1 km=kilometer=kilometre:1000 cm=centimeter=centimetre:1/100 mm=millimeter=millimetre:1/1000 ' +
      'in=inch=inches:127/5000 ft=foot=feet:381/1250 yd=yard:1143/1250 mi=mile:201168/125',
  ],
  ['s', 's=sec=second:1 min=minute:60 h=hr=hour:3600 day:86400 week:604800'],
  [
    'g',
    'g=gram:1 kg=kilogram:1000 mg=milligram:1/1000 lb=lbs=pound:45359237/100000 oz=ounce:45359237/1600000',
  ],
  [
    'm3',
    'l=liter=litre:1/1000 ml=milliliter=millilitre:1/1000000 gal=gallon:473176473/125000000000 ' +
      'quart:473176473/500000000000 pint:473176473/1000000000000',
  ],
  ['m s-1', 'mph:1397/3125 kmh=kph:5/18'],
  ['s-1', 'hz=hertz:1 khz=kilohertz:1000 mhz=megahertz:1000000'],
  ['g m s-2', 'n=newton:1000 kn=kilonewton:1000000 dyne:1/100'],
  [
    'g m2 s-2',
    'j=joule:1000 kj=kilojoule:1000000 erg:1/10000 cal=calorie:4184 kcal=kilocalorie:4184000 ' +
      'ev:1602176634/10000000000000000000000000 kev:1602176634/10000000000000000000000 ' +
      'mev:1602176634/10000000000000000000',
  ],
  ['g m2 s-3', 'w=watt:1000 kw=kilowatt:1000000'],
  ['g m-1 s-2', 'pa=pascal:1000 kpa=kilopascal:1000000 atm:101325000'],
  ['°', 'degree=deg:1 arcminute:1/60 arcsecond:1/3600'],
  ['', 'radian=rad:1'],
  ['K', 'k=kelvin:1'],
  ['°C', 'celsius:1'],
  ['°F', 'fahrenheit:1'],
  ['mol', 'mol=mole:1'],
  ['C', 'coulomb:1'],
  ['V', 'v=volt:1'],
  ['$', 'dollar=usd=buck:1 cent:1/100'],
  ['€', 'euro=eur:1'],
  ['£', 'gbp:1'],
  ['¥', 'yen:1'],
  ['yuan', 'yuan:1'],
  ['rupee', 'rupee:1'],
  ['am', 'am:1'],
  ['pm', 'pm:1'],
];

// Words after a number that are dropped as units are, although two different ones do not contradict each other.
const COUNTED = (
  'unit people person student point way number more apple coin ball card time item piece page game ' +
  'child children men women year month book ticket square angstrom'
).split(' ');

const UNITS = new Map<string, Unit>();
for (const [dimensions, units] of TABLE) {
  const parts = [...dimensions.matchAll(/([^\d\s-]+)(-?\d)?/g)];
  const dimension = Object.fromEntries(
    parts.map((part): [string, number] => [part[1]!, Number(part[2] ?? 1)]),
  );
  for (const entry of units.split(' ')) {
    const [names, factor] = entry.split(':') as [string, string];
    const [n, d] = factor.split('/');
    const unit = { dimension, factor: rational(BigInt(n!), BigInt(d ?? '1')) };
    for (const name of names.split('=')) UNITS.set(name, unit);
  }
}

const singular = (word: string) => (word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : word);

function lookUp(word: string): Unit | undefined {
  const lower = word.toLowerCase();
  return UNITS.get(lower) ?? UNITS.get(singular(lower));
}

/** Powers of ten of the words that multiply the number before them. */
const MULTIPLES = new Map(
  Object.entries({ hundred: 2n, thousand: 3n, million: 6n, billion: 9n, trillion: 12n }),
);

/** Splits the `million dollars` of `2.5 million dollars` into 1,000,000 and `dollars`; undefined without such a word. */
export function multipleOf(unit: string): { factor: bigint; unit: string } | undefined {
  const [word, ...rest] = unit.split(' ') as [string, ...string[]];
  const power = MULTIPLES.get(word.toLowerCase());
  return power === undefined ? undefined : { factor: 10n ** power, unit: rest.join(' ') };
}

/** Tells whether a bare word of at least two letters after a number is a unit rather than a product of letters. */
export function isUnitWord(word: string): boolean {
  if (word.length < 2) return false;
  return lookUp(word) !== undefined || COUNTED.includes(singular(word.toLowerCase()));
}

/** Tells whether a letter in upright font is a unit after a number; `\mathrm{e}` is not. */
export const isUnitLetter = (letter: string): boolean => lookUp(letter) !== undefined;

/**
 * Gives the number of `to` in one `from` (`cm`, `m` → 1/100), 'unlike' where the two measure different things, or
 * undefined where one of them is not known. Powers, products and quotients are understood: `cm^2`, `square feet`,
 * `meters squared`, `km/h`, `miles per hour`, `kg m s^-2`.
 */
export function conversion(from: string, to: string): Rational | 'unlike' | undefined {
  const [a, b] = [resolve(from), resolve(to)];
  if (!a || !b) return undefined;
  const names = new Set([...Object.keys(a.dimension), ...Object.keys(b.dimension)]);
  for (const name of names) if ((a.dimension[name] ?? 0) !== (b.dimension[name] ?? 0)) return 'unlike';
  return rational(a.factor.n * b.factor.d, a.factor.d * b.factor.n);
}

/** Tells whether the unit is the radian, the one in which an angle is a bare number. */
export const isRadian = (unit: string): boolean => /^rad(?:ian)?s?$/i.test(unit);

/** Limits the words of a unit. */
const MAX_WORDS = 12;
const POWERS = new Map(Object.entries({ square: 2, sq: 2, squared: 2, cubic: 3, cu: 3, cubed: 3 }));

function resolve(unit: string): Unit | undefined {
  const parts = partsOf(unit);
  const dimension: Record<string, number> = {};
  let factor = rational(1n);
  for (const { word, exponent } of parts ?? []) {
    const found = lookUp(word);
    if (!found) return undefined;
    const e = BigInt(Math.abs(exponent));
    const { n, d } = exponent < 0 ? rational(found.factor.d, found.factor.n) : found.factor;
    factor = rational(factor.n * n ** e, factor.d * d ** e);
    for (const [name, power] of Object.entries(found.dimension))
      dimension[name] = (dimension[name] ?? 0) + power * exponent;
  }
  return parts && { dimension, factor };
}

/** Splits `m/s^2` into m and s to the power of -2; undefined for anything but a product or quotient of words. */
function partsOf(unit: string): { word: string; exponent: number }[] | undefined {
  const words = unit.replace(/\bper\b|\//g, ' / ').match(/[^\s·*]+/g) ?? [];
  if (words.length === 0 || words.length > MAX_WORDS) return undefined;
  const parts: { word: string; exponent: number }[] = [];
  let isBelow = false;
  for (let at = 0; at < words.length; at++) {
    if (words[at] === '/') {
      // a/b/c has a meaning, a/ has none.
      if (at === 0 || words[++at] === undefined) return undefined;
      isBelow = true;
    } else if (isBelow) return undefined; // a/b c may mean a/(bc)
    const prefix = POWERS.get(words[at]!.replace('.', ''));
    if (prefix !== undefined) at++;
    const match = /^([A-Za-z]+)(?:\^?(-?[1-4]))?$/.exec((words[at] ?? '').replaceAll('.', ''));
    if (!match) return undefined;
    const suffix = POWERS.get(words[at + 1] ?? '');
    if (suffix !== undefined) at++;
    const exponent = Number(match[2] ?? 1) * (prefix ?? 1) * (suffix ?? 1);
    parts.push({ word: match[1]!, exponent: isBelow ? -exponent : exponent });
  }
  return parts;
}

/** Reads a unit as the product of letters that it would be in italics: `km/h` as k·m/h. */
export function lettersOf(unit: string): Node | undefined {
  const factors = partsOf(unit)?.flatMap(({ word, exponent }) =>
    word.split(/(?=[^])/).map((letter) => power(symbol(letter), number(BigInt(exponent)))),
  );
  return factors && product(...factors);
}
