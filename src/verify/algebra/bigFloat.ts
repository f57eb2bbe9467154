/** @file Computes with binary floating-point numbers of any precision: arithmetic and elementary functions. */

import { bitLength, rational, type Rational } from '../../util/rational.js';

/** A binary floating-point number `m · 2^e` of as many bits as its arithmetic keeps. */
export interface BigFloat {
  readonly m: bigint;
  readonly e: number;
}

/** Numbers with larger exponents do not occur in answers and would make shifts unsafe. */
const MAX_EXPONENT = 2 ** 40;

const shift = (n: bigint, by: number): bigint => (by >= 0 ? n << BigInt(by) : n >> BigInt(-by));

export const ZERO: BigFloat = { m: 0n, e: 0 };
export const isZero = (a: BigFloat): boolean => a.m === 0n;
export const negate = (a: BigFloat): BigFloat => ({ m: -a.m, e: a.e });
export const absolute = (a: BigFloat): BigFloat => (a.m < 0n ? negate(a) : a);
/** Gives the position k of the leading bit: |a| is in [2^(k-1), 2^k). -Infinity for zero. */
export const order = (a: BigFloat): number => (a.m === 0n ? -Infinity : bitLength(a.m) + a.e);

export function toDouble(a: BigFloat): number {
  const excess = bitLength(a.m) - 64;
  return Number(shift(a.m, -excess)) * 2 ** Math.max(-1100, Math.min(1100, a.e + excess));
}

/** Converts to a fraction exactly; undefined where the exponent is beyond ±20,000. */
export function toRational(a: BigFloat): Rational | undefined {
  if (Math.abs(a.e) > 20_000) return undefined;
  return a.e >= 0 ? rational(a.m << BigInt(a.e)) : rational(a.m, 1n << BigInt(-a.e));
}

/**
 * Computes with BigFloats of `precision` bits, of which the last few may be wrong. Logarithms, sines, cosines and
 * angles near zero are right to as many bits after the point, not to as many significant bits.
 */
export class BigFloats {
  #piValue: BigFloat | undefined;
  #ln2Value: BigFloat | undefined;

  constructor(readonly precision: number) {}

  #round(m: bigint, e: number): BigFloat | undefined {
    const excess = bitLength(m) - this.precision;
    const rounded = excess > 0 ? { m: m >> BigInt(excess), e: e + excess } : { m, e };
    return Math.abs(rounded.e) > MAX_EXPONENT ? undefined : rounded;
  }

  from({ n, d }: Rational): BigFloat {
    const by = Math.max(0, this.precision + bitLength(d) - bitLength(n));
    return this.#round((n << BigInt(by)) / d, -by)!;
  }

  add(a: BigFloat, b: BigFloat): BigFloat {
    if (isZero(a)) return b;
    if (isZero(b)) return a;
    const gap = order(a) - order(b);
    if (gap > this.precision + 2) return a;
    if (gap < -this.precision - 2) return b;
    const e = Math.min(a.e, b.e);
    return this.#round(shift(a.m, a.e - e) + shift(b.m, b.e - e), e)!;
  }

  subtract(a: BigFloat, b: BigFloat): BigFloat {
    return this.add(a, negate(b));
  }

  multiply(a: BigFloat, b: BigFloat): BigFloat | undefined {
    return this.#round(a.m * b.m, a.e + b.e);
  }

  divide(a: BigFloat, b: BigFloat): BigFloat | undefined {
    if (isZero(b)) return undefined;
    const by = Math.max(0, this.precision + 2 + bitLength(b.m) - bitLength(a.m));
    return this.#round((a.m << BigInt(by)) / b.m, a.e - by - b.e);
  }

  sqrt(a: BigFloat): BigFloat | undefined {
    if (a.m < 0n) return undefined;
    if (isZero(a)) return a;
    let by = Math.max(0, 2 * this.precision - bitLength(a.m));
    if ((a.e - by) % 2 !== 0) by++;
    const n = a.m << BigInt(by);
    let root = 1n << BigInt((bitLength(n) >> 1) + 1);
    for (;;) {
      const next = (root + n / root) >> 1n;
      if (next >= root) return this.#round(root, (a.e - by) / 2);
      root = next;
    }
  }

  /** Computes π by Machin's formula. */
  pi(): BigFloat {
    const p = this.precision + 16;
    this.#piValue ??= this.#round(
      16n * arctanOfInverse(5n, p, -1n) - 4n * arctanOfInverse(239n, p, -1n),
      -p,
    )!;
    return this.#piValue;
  }

  /** Computes ln 2 = 18 artanh(1/26) - 2 artanh(1/4801) + 8 artanh(1/8749). */
  #ln2(): BigFloat {
    const p = this.precision + 16;
    const sum =
      18n * arctanOfInverse(26n, p, 1n) -
      2n * arctanOfInverse(4801n, p, 1n) +
      8n * arctanOfInverse(8749n, p, 1n);
    this.#ln2Value ??= this.#round(sum, -p)!;
    return this.#ln2Value;
  }

  exp(a: BigFloat): BigFloat | undefined {
    if (order(a) > 40) return undefined;
    // a = k ln 2 + r, and e^r = (e^(r / 2^8))^(2^8)
    const k = Math.round(toDouble(a) / Math.LN2);
    const guarded = new Fixed(this.precision + 24 + Math.max(0, order(a)));
    const wide = new BigFloats(guarded.bits);
    const r = wide.subtract(a, wide.multiply({ m: BigInt(k), e: 0 }, k === 0 ? ZERO : wide.#ln2())!);
    let value = guarded.exp(guarded.from(r) >> 8n);
    for (let doubling = 0; doubling < 8; doubling++) value = guarded.multiply(value, value);
    return this.#round(value, k - guarded.bits);
  }

  /** Computes the natural logarithm of a positive number: from a double by Halley's method, which triples the digits. */
  ln(a: BigFloat): BigFloat | undefined {
    if (a.m <= 0n) return undefined;
    const k = order(a);
    const mantissa = { m: a.m, e: a.e - k };
    let y = this.from(doubleToRational(Math.log(toDouble(mantissa))));
    for (let correct = 50; correct < this.precision + 8; correct *= 3) {
      const e = this.exp(y)!;
      const ratio = this.divide(this.subtract(mantissa, e), this.add(mantissa, e))!;
      y = this.add(y, { m: ratio.m, e: ratio.e + 1 });
    }
    return this.add(y, this.multiply({ m: BigInt(k), e: 0 }, this.#ln2())!);
  }

  /** Computes sine and cosine; undefined for arguments beyond 2^40. */
  sinCos(a: BigFloat): readonly [BigFloat, BigFloat] | undefined {
    if (order(a) > 40) return undefined;
    const guarded = new Fixed(this.precision + 24 + Math.max(0, order(a)));
    const wide = new BigFloats(guarded.bits);
    const quarter = { m: wide.pi().m, e: wide.pi().e - 1 };
    const k = Math.round(toDouble(a) / (Math.PI / 2));
    const r = guarded.from(wide.subtract(a, wide.multiply({ m: BigInt(k), e: 0 }, quarter)!));
    const [sin, cos] = guarded.sinCos(r).map((value) => this.#round(value, -guarded.bits)!) as [
      BigFloat,
      BigFloat,
    ];
    switch (((k % 4) + 4) % 4) {
      case 0:
        return [sin, cos];
      case 1:
        return [cos, negate(sin)];
      case 2:
        return [negate(sin), negate(cos)];
      default:
        return [negate(cos), sin];
    }
  }

  /** Computes the angle of the point (x, y), in (-π, π]; undefined for the origin. */
  atan2(y: BigFloat, x: BigFloat): BigFloat | undefined {
    if (isZero(x) && isZero(y)) return undefined;
    const scale = Math.max(order(x), order(y));
    const [u, v] = [x, y].map((a) => ({ m: a.m, e: a.e - scale })) as [BigFloat, BigFloat];
    let angle = this.from(doubleToRational(Math.atan2(toDouble(v), toDouble(u))));
    for (let correct = 48; correct < this.precision + 8; correct *= 3) {
      // The rest of the angle has the tangent t and is therefore t - t³/3 + ….
      const [sin, cos] = this.sinCos(angle)!;
      const across = this.subtract(this.multiply(v, cos)!, this.multiply(u, sin)!);
      const t = this.divide(across, this.add(this.multiply(u, cos)!, this.multiply(v, sin)!))!;
      const cube = this.multiply(this.multiply(t, t)!, t)!;
      angle = this.add(angle, this.subtract(t, this.divide(cube, { m: 3n, e: 0 })!));
    }
    return angle;
  }
}

/** Sums sign^k / ((2k + 1) q^(2k + 1)) over k, scaled by 2^p. */
function arctanOfInverse(q: bigint, p: number, sign: 1n | -1n): bigint {
  let power = (1n << BigInt(p)) / q;
  let result = power;
  for (let k = 1n; power !== 0n; k++) {
    power = (sign * power) / (q * q);
    result += power / (2n * k + 1n);
  }
  return result;
}

function doubleToRational(value: number): Rational {
  return rational(BigInt(Math.round(value * 2 ** 60)), 1n << 60n);
}

/** Computes with fixed-point numbers of `bits` bits after the point, for Taylor series of small arguments. */
class Fixed {
  constructor(readonly bits: number) {}

  from(a: BigFloat): bigint {
    return shift(a.m, a.e + this.bits);
  }

  multiply(a: bigint, b: bigint): bigint {
    return (a * b) >> BigInt(this.bits);
  }

  exp(a: bigint): bigint {
    let term = 1n << BigInt(this.bits);
    let result = term;
    for (let k = 1n; term !== 0n && term !== -1n; k++) {
      term = this.multiply(term, a) / k;
      result += term;
    }
    return result;
  }

  /** Computes sine and cosine for |a| ≤ π/4: divides the argument by 2^6, then doubles the angle six times. */
  sinCos(a: bigint): readonly [bigint, bigint] {
    const one = 1n << BigInt(this.bits);
    const small = a >> 6n;
    const square = this.multiply(small, small);
    let [sin, cos, sinTerm, cosTerm] = [small, one, small, one];
    for (let k = 1n; cosTerm !== 0n && k < 1000n; k++) {
      cosTerm = -this.multiply(cosTerm, square) / ((2n * k - 1n) * 2n * k);
      sinTerm = -this.multiply(sinTerm, square) / (2n * k * (2n * k + 1n));
      cos += cosTerm;
      sin += sinTerm;
    }
    for (let doubling = 0; doubling < 6; doubling++) {
      [sin, cos] = [2n * this.multiply(sin, cos), 2n * this.multiply(cos, cos) - one];
    }
    return [sin, cos];
  }
}
