import { describe, expect, it } from 'vitest';
import { rational } from '../../util/rational.js';
import { exactValue } from '../algebra/exact.js';
import { number } from '../algebra/tree.js';
import { WorkBudget } from '../algebra/workBudget.js';
import { inUnit, isPlainUnit, multipleOf } from './units.js';

// By the units' definitions: international yard and pound, US gallon, thermochemical calorie, SI 2019.
const KNOWN: [string, string, bigint, bigint][] = [
  ['cm', 'm', 1n, 100n],
  ['inches', 'cm', 254n, 100n],
  ['miles', 'feet', 5280n, 1n],
  ['yards', 'feet', 3n, 1n],
  ['weeks', 'days', 7n, 1n],
  ['hr', 'min', 60n, 1n],
  ['pounds', 'oz', 16n, 1n],
  ['lbs', 'kg', 45359237n, 100000000n],
  ['gallons', 'quarts', 4n, 1n],
  ['gallon', 'in^3', 231n, 1n],
  ['liters', 'm^3', 1n, 1000n],
  ['mL', 'cubic centimeters', 1n, 1n],
  ['square feet', 'in^2', 144n, 1n],
  ['meters squared', 'm^2', 1n, 1n],
  ['sq. cm', 'cm^2', 1n, 1n],
  ['km/h', 'm/s', 5n, 18n],
  ['miles per hour', 'mph', 1n, 1n],
  ['mph', 'm/s', 44704n, 100000n],
  ['m/s^2', 'm s^-2', 1n, 1n],
  ['N', 'kg m/s^2', 1n, 1n],
  ['dyne', 'N', 1n, 100000n],
  ['J', 'N m', 1n, 1n],
  ['erg', 'J', 1n, 10000000n],
  ['kcal', 'kJ', 4184n, 1000n],
  ['W', 'J/s', 1n, 1n],
  ['atm', 'Pa', 101325n, 1n],
  ['kPa', 'N/m^2', 1000n, 1n],
  ['MeV', 'eV', 1000000n, 1n],
  ['hertz', 's^-1', 1n, 1n],
  ['rad/s', 's^-1', 1n, 1n],
  ['degrees', 'arcminutes', 60n, 1n],
  ['dollars', 'cents', 100n, 1n],
  ['dollars per hour', 'cents per minute', 5n, 3n],
  ['nm', 'm', 1n, 1_000_000_000n],
  ['MPa', 'kPa', 1000n, 1n],
  ['mA', 'A', 1n, 1000n],
  ['µF', 'F', 1n, 1_000_000n],
  ['kΩ', 'ohms', 1000n, 1n],
  ['years', 'months', 12n, 1n],
  ['tons', 'kg', 1000n, 1n],
  ['mmol/L', 'mol/L', 1n, 1000n],
  ['kWh', 'J', 3_600_000n, 1n],
  ['V', 'J/C', 1n, 1n],
  ['ohm', 'V/A', 1n, 1n],
  ['T', 'Wb/m^2', 1n, 1n],
  ['W/(m·K)', 'W m^-1 K^-1', 1n, 1n],
  ['micrometers', 'µm', 1n, 1n],
  ['KG', 'kg', 1n, 1n],
  ['hz', 's^-1', 1n, 1n],
  ['light years', 'm', 9460730472580800n, 1n],
];

/** The number of `to` in one `from`; undefined where there is none. */
function conversion(from: string, to: string) {
  const value = inUnit(number(1n), from, to);
  return value && exactValue(value, new WorkBudget());
}

describe('conversion', () => {
  it.each(KNOWN)('of %s to %s', (from, to, n, d) => {
    expect(conversion(from, to)).toEqual(rational(n, d));
    expect(conversion(to, from)).toEqual(rational(d, n));
  });

  it.each([
    ['m', 's'],
    ['m/s', 'm/s^2'],
    ['m', 'm^2'],
    ['km/h', 'km'],
    ['am', 'pm'],
    ['dollars', 'euros'],
    ['kg', 'N'],
    ['years', 'days'],
    ['m', 'apples'],
    ['apples', 'oranges'],
    ['N upward', 'N downward'],
    ['dollars profit', 'dollars loss'],
    ['m/', 'm'],
    ['/s', 'm'],
    ['m/s kg', 'm'],
    ['constructor', 'm'],
    ['__proto__', 'm'],
    ['m^9', 'm'],
    ['a '.repeat(100), 'm'],
  ])('of %.20s to %s there is none', (from, to) => {
    expect(conversion(from, to)).toBeUndefined();
  });

  it.each([
    [25n, '°C', 'K', 29815n, 100n],
    [98n, '°F', '°C', 110n, 3n],
    [-40n, 'celsius', 'degrees Fahrenheit', -40n, 1n],
  ])('of %d %s to %s', (value, from, to, n, d) => {
    const converted = inUnit(number(value), from, to);
    expect(converted && exactValue(converted, new WorkBudget())).toEqual(rational(n, d));
  });
});

describe('words behind a value', () => {
  it.each(['apples', 'red apples', 'm', 'apples of the farmer', 'dollars per person', 'square units', 'µm'])(
    '%s are no more than a unit',
    (phrase) => {
      expect(isPlainUnit(phrase)).toBe(true);
    },
  );

  it.each([
    'or more',
    'is wrong',
    'N upward',
    'but not more',
    'increase',
    'possibly',
    'and we are done with it all now',
  ])('%s say more', (phrase) => {
    expect(isPlainUnit(phrase)).toBe(false);
  });

  it.each([
    ['million dollars', 1_000_000n, 1n, 'dollars'],
    ['Thousand', 1000n, 1n, ''],
    ['dozen eggs', 12n, 1n, 'eggs'],
    ['thirds of a cake', 1n, 3n, 'cake'],
  ])('%s multiply it', (phrase, n, d, unit) => {
    expect(multipleOf(phrase)).toEqual({ factor: rational(n, d), unit });
  });

  it('do not multiply it where they are a unit', () => {
    expect(multipleOf('dollars')).toBeUndefined();
  });
});
