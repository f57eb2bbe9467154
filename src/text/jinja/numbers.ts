/** @file Computes with Python's numbers: ints without bound, floats, and rounding towards minus infinity. */

import { TemplateError } from './budget.js';

export type Numeric = bigint | number;

/** Bounds ints, which a template could square again and again. */
const MAX_BITS = 1 << 15;
const LIMIT = 1n << BigInt(MAX_BITS);

function bounded(value: bigint): bigint {
  if (value > LIMIT || value < -LIMIT) throw new TemplateError('it makes a number of too many digits');
  return value;
}

const bothInts = (a: Numeric, b: Numeric): [bigint, bigint] | undefined =>
  typeof a === 'bigint' && typeof b === 'bigint' ? [a, b] : undefined;

function nonzero(b: Numeric): void {
  if (b === 0n || b === 0) throw new TemplateError('division by zero');
}

export function add(a: Numeric, b: Numeric): Numeric {
  const ints = bothInts(a, b);
  return ints ? bounded(ints[0] + ints[1]) : Number(a) + Number(b);
}

export function subtract(a: Numeric, b: Numeric): Numeric {
  const ints = bothInts(a, b);
  return ints ? bounded(ints[0] - ints[1]) : Number(a) - Number(b);
}

export function multiply(a: Numeric, b: Numeric): Numeric {
  const ints = bothInts(a, b);
  return ints ? bounded(ints[0] * ints[1]) : Number(a) * Number(b);
}

export function divide(a: Numeric, b: Numeric): Numeric {
  nonzero(b);
  return Number(a) / Number(b);
}

/** The remainder has the sign of the divisor. */
export function modulo(a: Numeric, b: Numeric): Numeric {
  nonzero(b);
  const ints = bothInts(a, b);
  if (ints) {
    const rest = ints[0] % ints[1];
    return rest !== 0n && rest < 0n !== ints[1] < 0n ? rest + ints[1] : rest;
  }
  const divisor = Number(b);
  const rest = Number(a) % divisor;
  if (rest === 0) return divisor < 0 ? -0 : 0;
  return rest < 0 !== divisor < 0 ? rest + divisor : rest;
}

export function floorDivide(a: Numeric, b: Numeric): Numeric {
  nonzero(b);
  const ints = bothInts(a, b);
  if (ints) return (ints[0] - (modulo(...ints) as bigint)) / ints[1];
  // As CPython does: the remainder is exact, the quotient of what is left nearly whole.
  const quotient = (Number(a) - (modulo(a, b) as number)) / Number(b);
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

export function power(a: Numeric, b: Numeric): Numeric {
  const ints = bothInts(a, b);
  if (ints && ints[1] >= 0n) {
    const [base, exponent] = ints;
    const magnitude = base < 0n ? -base : base;
    const bits = magnitude <= 1n ? 0 : magnitude.toString(2).length;
    if (Number(exponent) * bits > MAX_BITS) throw new TemplateError('it makes a number of too many digits');
    return base ** exponent;
  }
  const [base, exponent] = [Number(a), Number(b)];
  if (base === 0 && exponent < 0) throw new TemplateError('0.0 cannot be raised to a negative power');
  if (base < 0 && !Number.isInteger(exponent)) throw new TemplateError('it makes a complex number');
  return base ** exponent;
}

/** Rounds to a whole number, halves to the even one. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
