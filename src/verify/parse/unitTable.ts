/** @file Holds the units of measurement with their dimensions and sizes, and the SI's prefixes. Splits no phrases. */

import { rational, type Rational } from '../../util/rational.js';

/** Exponents of the base dimensions: `{ m: 1, s: -1 }` for a speed. */
export type Dimension = Readonly<Record<string, number>>;

/** One unit: its dimension and its size in the base units, `factor · π^pi`; `zero` is where a scale of temperature begins. */
export interface Unit {
  readonly dimension: Dimension;
  readonly factor: Rational;
  readonly pi: number;
  readonly zero?: Rational;
}

// One line per dimension. "=" joins the names of one unit, its size follows ":" and may end in "π" or "/π". Names that
// are capitalized or a single sign are symbols, which are case-sensitive. "*" stands before units that take prefixes.
const TABLE: readonly [dimension: string, units: string][] = [
  [
    'm',
    '*m=meter=metre=mètre=metro:1 米=м:1 厘米=см:1/100 毫米=мм:1/1000 公里=千米=км:1000 in=inch=inches:127/5000 ft=foot=feet:381/1250 yd=yard:1143/1250 mi=mile:201168/125 ' +
      'nmi=nautical_mile:1852 Å=angstrom=ångström:1/10000000000 micron:1/1000000 fathom:1143/625 furlong:25146/125 ' +
      'ly=light_year=lightyear=light-year:9460730472580800 AU=astronomical_unit:149597870700',
  ],
  ['parsec', '*pc=parsec:1'],
  [
    's',
    '*s=sec=second:1 秒=sekunde=segundo=seconde:1 分钟=мин=minuto=minuten:60 小时=stunde=stunden=heure=hora:3600 天=день:86400 min=minute:60 h=hr=hrs=hour:3600 d=day:86400 wk=week:604800 fortnight:1209600',
  ],
  // A month has no fixed number of days.
  [
    'month',
    'mo=month=月:1 年=jahr=jahre=año:12 yr=yrs=year:12 decade:120 century=centuries:1200 millennium=millennia:12000',
  ],
  [
    'g',
    '*g=gram=gramme:1 克=г:1 千克=公斤=кг:1000 毫克=мг:1/1000 t=tonne=ton=metric_ton:1000000 lb=lbs=pound:45359237/100000 oz=ounce:45359237/1600000 ' +
      'stone:317514659/50000',
  ],
  ['u', '*u=Da=amu=dalton:1'],
  [
    'm3',
    '*l=L=liter=litre=litro:1/1000 升=л:1/1000 毫升=мл:1/1000000 立方米:1 立方厘米:1/1000000 cc:1/1000000 gal=gallon:473176473/125000000000 qt=quart:473176473/500000000000 ' +
      'pt=pint:473176473/1000000000000 cup:473176473/2000000000000 fl_oz=fluid_ounce:473176473/16000000000000',
  ],
  ['m2', '平方米:1 平方厘米:1/10000 平方公里=平方千米:1000000 ha=hectare:10000 acre:316160658/78125'],
  ['m s-1', 'mph:1397/3125 kmh=kph=kmph:5/18 knot:463/900'],
  ['s-1', '*Hz=hertz:1 *Bq=becquerel:1 rpm:1/60'],
  ['g m s-2', '*N=newton:1000 dyne=dyn:1/100 lbf:8896443230521/2000000000'],
  [
    'g m2 s-2',
    '*J=joule:1000 erg:1/10000 *cal=calorie:4184 Cal:4184000 *eV=ev=electron_volt=electronvolt:1602176634/10000000000000000000000000 ' +
      '*Wh=watt_hour=watt-hour:3600000 BTU=btu:52752792631/50000',
  ],
  ['g m2 s-3', '*W=watt:1000 hp=horsepower:37284993579113511/50000000000'],
  [
    'g m-1 s-2',
    '*Pa=pascal:1000 *bar:100000000 atm=atmosphere:101325000 mmHg=torr=Torr:20265000/152 psi:8896443230521/1290320',
  ],
  ['angle', '*rad=radian:1 degree=deg=°:1/180π arcminute=arcmin:1/10800π arcsecond=arcsec:1/648000π'],
  ['angle', 'rev=revolution=turn:2π *sr=steradian:1'],
  ['K', '*K=kelvin:1'],
  ['mol', '*mol=mole:1'],
  ['mol m-3', '*M=molar:1000'],
  ['A', '*A=amp=ampere:1'],
  ['A s', '*C=coulomb:1 *Ah=amp_hour:3600'],
  ['g m2 s-3 A-1', '*V=volt:1000'],
  ['g m2 s-3 A-2', '*Ω=ohm:1000'],
  ['g-1 m-2 s3 A2', '*S=siemens:1/1000'],
  ['g-1 m-2 s4 A2', '*F=farad:1/1000'],
  ['g m2 s-2 A-2', '*H=henry=henrie:1000'],
  ['g s-2 A-1', '*T=tesla:1000 *G=gauss:1/10'],
  ['g m2 s-2 A-1', '*Wb=weber:1000'],
  ['cd', '*cd=candela:1 *lm=lumen:1'],
  ['cd m-2', '*lx=lux:1'],
  ['m2 s-2', '*Gy=gray:1 *Sv=sievert:1'],
  ['bit', '*bit:1 *B=byte:8'],
  ['am', 'am=AM:1'],
  ['pm', 'pm=PM:1'],
  ['dB', 'dB=db=decibel:1'],
  ['$', '$=dollar=usd=USD=buck:1 cent=¢:1/100'],
  ['€', '€=euro=eur=EUR:1'],
  ['£', '£=gbp=GBP:1'],
  ['¥', '¥=yen=jpy=JPY:1'],
  ['yuan', 'yuan=rmb=RMB=cny=CNY=元:1'],
  ['₹', '₹=rupee=inr=INR=Rs:1'],
  ['₩', '₩=won=krw=KRW:1'],
];

/** Symbols of the SI's prefixes, their words, and the powers of ten. */
const PREFIXES: readonly [symbol: string, word: string, power: number][] = [
  ['f', 'femto', -15],
  ['p', 'pico', -12],
  ['n', 'nano', -9],
  ['µ', 'micro', -6],
  ['m', 'milli', -3],
  ['c', 'centi', -2],
  ['d', 'deci', -1],
  ['da', 'deka', 1],
  ['h', 'hecto', 2],
  ['k', 'kilo', 3],
  ['M', 'mega', 6],
  ['G', 'giga', 9],
  ['T', 'tera', 12],
  ['P', 'peta', 15],
];

const powerOfTen = (power: number): Rational =>
  power < 0 ? rational(1n, 10n ** BigInt(-power)) : rational(10n ** BigInt(power));

/** Reads `1/180π` as a fraction and a power of π. */
function sizeOf(written: string): { factor: Rational; pi: number } {
  const [n, d] = written.replace('π', '').split('/') as [string, string?];
  return { factor: rational(BigInt(n), BigInt(d ?? '1')), pi: written.endsWith('π') ? 1 : 0 };
}

function dimensionOf(written: string): Dimension {
  return Object.fromEntries(
    written.split(' ').map((part): [string, number] => {
      const [, name, power] = /^(\D+?)(-?\d+)?$/.exec(part)!;
      return [name!, Number(power ?? 1)];
    }),
  );
}

/** Units by symbol, case-sensitive, and by word in lower case. */
const SYMBOLS = new Map<string, Unit>();
const WORDS = new Map<string, Unit>();

const isSymbol = (name: string) =>
  name.length <= 2 || /[A-Z°]/.test(name) || name === 'rad' || name === 'bar';

function add(name: string, unit: Unit): void {
  const [table, key] = isSymbol(name) ? [SYMBOLS, name] : [WORDS, name.replaceAll('_', ' ')];
  // What stands in the table goes before what a prefix makes: `min` is a minute.
  if (!table.has(key)) table.set(key, unit);
}

const prefixed: (() => void)[] = [];
for (const [dimensions, units] of TABLE) {
  const dimension = dimensionOf(dimensions);
  for (const entry of units.split(' ')) {
    const [names, size] = entry.replace(/^\*/, '').split(':') as [string, string];
    const { factor, pi } = sizeOf(size);
    for (const name of names.split('=')) {
      add(name, { dimension, factor, pi });
      if (!entry.startsWith('*')) continue;
      prefixed.push(() => {
        for (const [symbol, word, power] of PREFIXES) {
          const ten = powerOfTen(power);
          const unit = { dimension, factor: rational(factor.n * ten.n, factor.d * ten.d), pi };
          if (isSymbol(name) || /^(?:cal|eV|mol|sec|bit|amp)$/.test(name)) {
            SYMBOLS.set(symbol + name, SYMBOLS.get(symbol + name) ?? unit);
            if (symbol === 'µ') SYMBOLS.set(`u${name}`, SYMBOLS.get(`u${name}`) ?? unit);
          }
          if (!isSymbol(name)) add(word + name, unit);
        }
      });
    }
  }
}
for (const make of prefixed) make();

const CELSIUS: Unit = { dimension: { K: 1 }, factor: rational(1n), pi: 0, zero: rational(27315n, 100n) };
const FAHRENHEIT: Unit = {
  dimension: { K: 1 },
  factor: rational(5n, 9n),
  pi: 0,
  zero: rational(45967n, 180n),
};
for (const name of ['celsius', 'centigrade', 'degree celsius', 'degrees celsius']) WORDS.set(name, CELSIUS);
for (const name of ['fahrenheit', 'degree fahrenheit', 'degrees fahrenheit']) WORDS.set(name, FAHRENHEIT);
SYMBOLS.set('°C', CELSIUS).set('°F', FAHRENHEIT);

/** Symbols in lower case, where only one unit has them: `hz`, but not `pa`, which may be a pascal or a picoampere. */
const LOOSE = new Map<string, Unit | undefined>();
for (const [symbol, unit] of SYMBOLS) {
  const key = symbol.toLowerCase();
  LOOSE.set(key, LOOSE.has(key) && LOOSE.get(key) !== unit ? undefined : unit);
}

const singular = (word: string) => (word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : word);

/** Finds a unit by its symbol or by its word, in the plural as well; undefined for other words. */
export function unitNamed(name: string): Unit | undefined {
  const lower = name.toLowerCase();
  return (
    SYMBOLS.get(name) ??
    WORDS.get(lower) ??
    WORDS.get(singular(lower)) ??
    // KG and hz are written as well.
    (name.length > 1 ? (SYMBOLS.get(lower) ?? LOOSE.get(lower)) : undefined)
  );
}
