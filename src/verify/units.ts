import { rational, type Rational } from '../util/rational.js';

/** What a unit measures and how many of the dimension's first unit it is. */
interface Unit {
  dimension: string;
  factor: Rational;
}

// One line a dimension: names of one unit are joined by "=", the factor stands behind ":".
const TABLE: Readonly<Record<string, string>> = {
  length:
    'm=meter=metre:1 km=kilometer=kilometre:1000 cm=centimeter=centimetre:1/100 mm=millimeter=millimetre:1/1000 ' +
    'in=inch=inches:127/5000 ft=foot=feet:381/1250 yd=yard:1143/1250 mi=mile:201168/125',
  time: 's=sec=second:1 min=minute:60 h=hr=hour:3600 day:86400 week:604800',
  mass: 'g=gram:1 kg=kilogram:1000 mg=milligram:1/1000 lb=lbs=pound:45359237/100000 oz=ounce:45359237/1600000',
  volume: 'l=liter=litre:1 ml=milliliter=millilitre:1/1000',
  money: 'dollar=usd=buck:1 cent:1/100',
  euro: 'euro=eur:1',
  poundSterling: 'gbp:1',
  yen: 'yen:1',
  yuan: 'yuan:1',
  rupee: 'rupee:1',
  angle: 'degree=deg:1 arcminute:1/60 arcsecond:1/3600',
  radian: 'radian=rad:1',
  frequency: 'hz=hertz:1 khz=kilohertz:1000 mhz=megahertz:1000000',
  energy: 'j=joule:1 kj=kilojoule:1000',
  calorie: 'cal=calorie:1 kcal=kilocalorie:1000',
  electronvolt: 'ev:1 kev:1000 mev:1000000',
  force: 'n=newton:1 kn=kilonewton:1000',
  power: 'w=watt:1 kw=kilowatt:1000',
  temperature: 'k=kelvin:1',
  celsius: 'celsius:1',
  fahrenheit: 'fahrenheit:1',
  amount: 'mol=mole:1',
  charge: 'coulomb:1',
  potential: 'v=volt:1',
  pressure: 'pa=pascal:1 kpa=kilopascal:1000 atm:101325',
};

// Words that are dropped behind a number as units are, though two of them are no contradiction.
const COUNTED = (
  'unit people person student point way number more apple coin ball card mph kmh kph time item piece page game ' +
  'child children men women year month book ticket square angstrom'
).split(' ');

const UNITS = new Map<string, Unit>();
for (const [dimension, line] of Object.entries(TABLE)) {
  for (const entry of line.split(' ')) {
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

/** Whether a bare word of at least two letters behind a number is a unit rather than a product of letters. */
export function isUnitWord(word: string): boolean {
  if (word.length < 2) return false;
  return lookUp(word) !== undefined || COUNTED.includes(singular(word.toLowerCase()));
}

/** Whether a letter in upright font is a unit where it stands behind a number; `\mathrm{e}` is not. */
export const isUnitLetter = (letter: string): boolean => lookUp(letter) !== undefined;

/**
 * How many `to` one `from` is (`cm`, `m` → 1/100), 'unlike' where the two measure different things, or undefined
 * where one of them is not known well enough to say. Powers (`cm^2`, `square feet`) are understood, products and
 * quotients of units are not.
 */
export function conversion(from: string, to: string): Rational | 'unlike' | undefined {
  const [a, b] = [resolve(from), resolve(to)];
  if (!a || !b) return undefined;
  if (a.dimension !== b.dimension || a.exponent !== b.exponent) return 'unlike';
  const e = BigInt(a.exponent);
  const [x, y] = [a.factor, b.factor];
  return rational((x.n * y.d) ** e, (x.d * y.n) ** e);
}

function resolve(unit: string): (Unit & { exponent: number }) | undefined {
  const match = /^(?:(square|sq\.?|cubic|cu\.?) )?([A-Za-z]+)\.?(?:\^([1-4]))?$/.exec(unit.trim());
  if (!match) return undefined;
  const found = lookUp(match[2]!);
  const named = match[1]?.startsWith('s') ? 2 : match[1] ? 3 : 1;
  return found && { ...found, exponent: match[3] === undefined ? named : Number(match[3]) };
}
