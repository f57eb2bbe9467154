/** @file Holds the filters of single values: defaults, attributes, lengths and numbers. */

import { getAttribute, hasAttribute } from './attributes.js';
import { defined, orElse, type Bound } from './arguments.js';
import { TemplateError } from './budget.js';
import type { Filter } from './filter.js';
import { fixed } from './numberFormat.js';
import { roundHalfEven } from './numbers.js';
import { strip, toText } from './text.js';
import { integerOf, lengthOf, numberOf, textOf, truthy, typeName, Undefined, type Value } from './values.js';

const otherwise: Filter = {
  signature: 'default_value? boolean?',
  run: (value, [replacement, boolean]) =>
    value instanceof Undefined || (truthy(boolean ?? false) && !truthy(value))
      ? orElse(replacement, '')
      : value,
};

const length: Filter = {
  signature: '',
  run: (value) => {
    const count = lengthOf(value);
    if (count === undefined) throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
    return BigInt(count);
  },
};

const trimmed = (text: string) => strip(text, undefined, { left: true, right: true });

/** Reads a whole number as Python's `int(text, base)` does. */
function parseInteger(text: string, base: number): bigint | undefined {
  const prefixes: Readonly<Record<number, string>> = { 2: '0b', 8: '0o', 16: '0x' };
  const prefix = prefixes[base];
  const [, sign = '', digits = ''] = /^([-+]?)(.*)$/s.exec(trimmed(text).toLowerCase()) ?? [];
  const bare = prefix && digits.startsWith(prefix) ? digits.slice(2).replace(/^_/, '') : digits;
  if (!/^[\da-z]+(_[\da-z]+)*$/.test(bare) || bare.length > 4000) return undefined;
  let value = 0n;
  for (const character of bare.replaceAll('_', '')) {
    const digit = parseInt(character, 36);
    if (digit >= base) return undefined;
    value = value * BigInt(base) + BigInt(digit);
  }
  return sign === '-' ? -value : value;
}

/** Reads a float as Python's `float(text)` does. */
function parseFloating(text: string): number | undefined {
  const plain = trimmed(text).toLowerCase();
  const special = /^([-+]?)(?:inf(?:inity)?|(nan))$/.exec(plain);
  if (special) return special[2] ? NaN : special[1] === '-' ? -Infinity : Infinity;
  const isNumber = /^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/.test(
    plain,
  );
  return isNumber ? Number(plain.replaceAll('_', '')) : undefined;
}

const floatOf = (value: Value): number | undefined => {
  const [text, number] = [textOf(value), numberOf(value)];
  return text === undefined ? (number === undefined ? undefined : Number(number)) : parseFloating(text);
};

function toInt(value: Value, [replacement, base]: Bound): Value {
  const text = textOf(defined(value));
  const radix = base === undefined ? 10 : (integerOf(base) ?? 10);
  if (radix < 2 || radix > 36) throw new TemplateError('int() base must be >= 2 and <= 36');
  const whole = text === undefined ? undefined : parseInteger(text, radix);
  if (whole !== undefined) return whole;
  if (typeof value === 'bigint') return value;
  const float = floatOf(value);
  return float === undefined || !Number.isFinite(float) ? orElse(replacement, 0n) : BigInt(Math.trunc(float));
}

function round(value: Value, [precision, method]: Bound): Value {
  const number = numberOf(defined(value));
  const places = precision === undefined ? 0 : integerOf(precision);
  const way = method === undefined ? 'common' : textOf(method);
  if (number === undefined || places === undefined) throw new TemplateError('round() takes numbers');
  if (!['common', 'ceil', 'floor'].includes(way ?? ''))
    throw new TemplateError('method must be common, ceil or floor');
  if (Math.abs(places) > 300) throw new TemplateError('round() takes a precision of up to 300 places');
  if (way === 'common') {
    // Python rounds an int to an int.
    if (typeof number === 'bigint') return roundInt(number, places);
    if (!Number.isFinite(number)) return number;
    return places === 0 ? roundHalfEven(number) : Number(fixed(number, places));
  }
  const scale = 10 ** places;
  const scaled = Number(number) * scale;
  return (way === 'ceil' ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
}

function roundInt(number: bigint, places: number): bigint {
  if (places >= 0) return number;
  const unit = 10n ** BigInt(-places);
  const magnitude = number < 0n ? -number : number;
  let count = magnitude / unit;
  const rest = 2n * (magnitude % unit);
  if (rest > unit || (rest === unit && count % 2n === 1n)) count++;
  return number < 0n ? -count * unit : count * unit;
}

export const valueFilters: Readonly<Record<string, Filter>> = {
  abs: {
    signature: '',
    run: (value) => {
      const number = numberOf(defined(value));
      if (number === undefined) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
      return number < 0 || Object.is(number, -0) ? -number : number;
    },
  },
  attr: {
    signature: 'name',
    run: (value, [name]) => {
      const key = toText(name!);
      defined(value);
      return hasAttribute(value, key)
        ? getAttribute(value, key)
        : new Undefined(`there is no attribute '${key}'`);
    },
  },
  count: length,
  d: otherwise,
  default: otherwise,
  float: {
    signature: 'default?',
    run: (value, [replacement]) => floatOf(defined(value)) ?? orElse(replacement, 0),
  },
  int: { signature: 'default? base?', run: toInt },
  length,
  round: { signature: 'precision? method?', run: round },
};
