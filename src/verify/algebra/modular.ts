/** @file Evaluates trees at random points of a prime field, which decides identities of rational functions. */

import type { Rational } from '../../util/rational.js';
import type { Arithmetic } from './evaluateNode.js';
import { exactValue } from './exact.js';

/** P is a prime below 2^61 in whose field -1 has a square root. */
const P = 2305843009213693921n;
const SQRT_MINUS_ONE = 583529827753931384n;

const reduce = (n: bigint): bigint => ((n % P) + P) % P;

function powerOf(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let square = base; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

const inverse = (a: bigint): bigint => powerOf(a, P - 2n);

/** Mixes 64 bits (splitmix64): as good as a random function for telling arguments apart. */
function mix(state: bigint): bigint {
  let z = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** Hashes a name and `parts` to a residue that depends on every one of them. */
function hash(seed: bigint, name: string, parts: readonly bigint[]): bigint {
  let state = seed;
  for (let index = 0; index < name.length; index++) state = mix(state ^ BigInt(name.charCodeAt(index)));
  for (const part of parts) state = mix(state ^ part);
  return state % P;
}

/**
 * Evaluates at one random point of a prime field (Schwartz–Zippel): symbols, π and e stand for random residues.
 * Anything that is not a rational function (a root, a sine, a symbolic power) stands for a random function of its
 * arguments' residues, so equal values still prove equality, but unequal ones prove a difference only while
 * `isRational` is true.
 */
export class ModularPoint implements Arithmetic<bigint> {
  /** Whether only rational functions of the symbols have been met. */
  isRational = true;
  readonly exactValue = exactValue;
  readonly #seed: bigint;
  readonly #symbols = new Map<string, bigint>();

  constructor(seed: bigint) {
    this.#seed = seed;
  }

  number({ n, d }: Rational): bigint | undefined {
    if (d === 1n) return reduce(n);
    const below = reduce(d);
    return below === 0n ? undefined : (reduce(n) * inverse(below)) % P;
  }

  constant(name: string): bigint {
    return name === 'i' ? SQRT_MINUS_ONE : hash(this.#seed, `constant ${name}`, []);
  }

  symbol(name: string): bigint {
    const known = this.#symbols.get(name);
    if (known !== undefined) return known;
    const value = hash(this.#seed, `symbol ${name}`, []);
    this.#symbols.set(name, value);
    return value;
  }

  add(a: bigint, b: bigint): bigint {
    return (a + b) % P;
  }

  multiply(a: bigint, b: bigint): bigint {
    return (a * b) % P;
  }

  power(base: bigint, exponent: bigint | undefined, exact: Rational | undefined): bigint | undefined {
    if (exact?.d === 1n) {
      if (exact.n >= 0n) return powerOf(base, exact.n);
      // The denominator is zero, at this point or everywhere.
      return base === 0n ? undefined : powerOf(inverse(base), -exact.n);
    }
    return this.apply('power', exact ? [base, reduce(exact.n), exact.d] : [base, exponent!]);
  }

  call(name: string, args: readonly bigint[]): bigint {
    return this.apply(`call ${name}`, args);
  }

  apply(name: string, args: readonly bigint[]): bigint {
    this.isRational = false;
    return hash(this.#seed, name, args);
  }
}
