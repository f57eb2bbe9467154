import { describe, expect, it } from 'vitest';
import { rational } from '../../util/rational.js';
import { conversion, multipleOf } from './units.js';

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
];

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
  ])('of %s to %s there is none', (from, to) => {
    expect(conversion(from, to)).toBe('unlike');
  });

  it.each(['apples', 'm/', '/s', '', 'm/s kg', 'constructor', '__proto__', 'm^9', 'a '.repeat(100)])(
    'is not known of "%s"',
    (unit) => {
      expect(conversion(unit, 'm')).toBeUndefined();
    },
  );
});

it('words that multiply are parted from the unit', () => {
  expect(multipleOf('million dollars')).toEqual({ factor: 1_000_000n, unit: 'dollars' });
  expect(multipleOf('Thousand')).toEqual({ factor: 1000n, unit: '' });
  expect(multipleOf('dollars')).toBeUndefined();
});
