/** @file Writes numbers as Python's format specifications say. */

import { TemplateError } from './budget.js';
import { floatText } from './text.js';
import type { Numeric } from './numbers.js';

/** The parts of a format specification that concern a number. */
export interface NumberFormat {
  /** d, x, X, o, b, c, e, E, f, F, g, G, % or n; '' stands for what suits the value. */
  type: string;
  sign: '+' | '-' | ' ';
  /** Writes `0x`, `0o` and `0b`, and keeps the zeros of `g`. */
  alternate: boolean;
  precision: number | undefined;
  grouping: '' | ',' | '_';
}

const MOST_DIGITS = 1000;

/** Writes a number's magnitude and what stands before it. */
export function writeNumber(value: Numeric, format: NumberFormat): { prefix: string; digits: string } {
  if ((format.precision ?? 0) > MOST_DIGITS) throw new TemplateError('it writes a number of too many digits');
  const isNegative = value < 0 || Object.is(value, -0);
  const sign = isNegative ? '-' : format.sign === '-' ? '' : format.sign;
  const isWhole = typeof value === 'bigint' && !'eEfFgG%'.includes(format.type || 'd');
  if (isWhole) {
    const { prefix, digits } = writeInt(value < 0n ? -value : value, format);
    return { prefix: sign + prefix, digits: group(digits, format) };
  }
  if (typeof value === 'number' && !'eEfFgG%n'.includes(format.type)) {
    throw new TemplateError(`Unknown format code '${format.type}' for object of type 'float'`);
  }
  return { prefix: sign, digits: group(writeFloat(Math.abs(Number(value)), format), format) };
}

function writeInt(
  value: bigint,
  { type, alternate, precision }: NumberFormat,
): { prefix: string; digits: string } {
  if (precision !== undefined) throw new TemplateError('Precision not allowed in integer format specifier');
  const bases: Readonly<Record<string, number>> = { x: 16, X: 16, o: 8, b: 2 };
  const base = bases[type] ?? 10;
  if (base === 10 && !['', 'd', 'n'].includes(type)) {
    throw new TemplateError(`Unknown format code '${type}' for object of type 'int'`);
  }
  const digits = value.toString(base);
  return {
    prefix: alternate && base !== 10 ? `0${type}` : '',
    digits: type === 'X' ? digits.toUpperCase() : digits,
  };
}

function writeFloat(value: number, { type, alternate, precision }: NumberFormat): string {
  if (!Number.isFinite(value)) {
    const text = Number.isNaN(value) ? 'nan' : 'inf';
    return 'EFG'.includes(type || 'g') ? text.toUpperCase() : text + (type === '%' ? '%' : '');
  }
  switch (type) {
    case 'f':
    case 'F':
      return fixed(value, precision ?? 6);
    case '%':
      return `${fixed(value * 100, precision ?? 6)}%`;
    case 'e':
    case 'E':
      return exponential(value, precision ?? 6, type);
  }
  if (type === '' && precision === undefined) return floatText(value);
  const digits = Math.max(1, precision ?? 6);
  const exponent = value === 0 ? 0 : Number(value.toExponential(Math.min(100, digits - 1)).split('e')[1]);
  const isLarge = exponent < -4 || exponent >= (type === '' ? digits - 1 : digits);
  const text = isLarge
    ? exponential(value, digits - 1, type === 'G' ? 'E' : 'e')
    : fixed(value, digits - 1 - exponent);
  if (alternate) return text;
  const trimmed = text.replace(/(\.\d*?)0+(?=$|[eE])/, '$1').replace(/\.(?=$|[eE])/, '');
  return type === '' && /^\d+$/.test(trimmed) ? `${trimmed}.0` : trimmed;
}

function exponential(value: number, digits: number, letter: string): string {
  const [mantissa, exponent] = value.toExponential(Math.min(100, digits)).split('e') as [string, string];
  return `${mantissa}${letter}${exponent[0]!}${exponent.slice(1).padStart(2, '0')}`;
}

/** Writes `places` digits after the point, exactly, halves to the even digit. @param places below 0: rounds to tens … */
export function fixed(value: number, places: number): string {
  const { mantissa, exponent } = parts(Math.abs(value));
  const scale = 10n ** BigInt(Math.abs(places));
  const numerator = mantissa * (exponent > 0 ? 1n << BigInt(exponent) : 1n) * (places > 0 ? scale : 1n);
  const denominator = (exponent < 0 ? 1n << BigInt(-exponent) : 1n) * (places < 0 ? scale : 1n);
  let quotient = numerator / denominator;
  const rest = 2n * (numerator % denominator);
  if (rest > denominator || (rest === denominator && quotient % 2n === 1n)) quotient++;
  const sign = value < 0 ? '-' : '';
  if (places <= 0) return `${sign}${quotient * (places < 0 ? scale : 1n)}`;
  const digits = quotient.toString().padStart(places + 1, '0');
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** Takes a float ≥ 0 apart: mantissa · 2^exponent. */
function parts(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const power = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return power === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: power - 1075 };
}

function group(digits: string, { grouping, type }: NumberFormat): string {
  if (grouping === '') return digits;
  const size = 'xXob'.includes(type || 'd') ? 4 : 3;
  const [, whole = '', rest = ''] = /^([\da-fA-F]*)(.*)$/s.exec(digits) ?? [];
  const groups: string[] = [];
  for (let end = whole.length; end > 0; end -= size)
    groups.unshift(whole.slice(Math.max(0, end - size), end));
  return groups.join(grouping) + rest;
}
