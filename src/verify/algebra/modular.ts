import type { Rational } from '../../util/rational.js';
import type { Arithmetic } from './evaluate.js';

/** A prime below 2^61 in whose field -1 has a square root. */
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

/** A fixed mixing of 64 bits (splitmix64): as good as a random function for telling arguments apart. */
function mix(state: bigint): bigint {
  let z = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** A residue that depends on every one of `parts`. */
function hash(seed: bigint, name: string, parts: readonly bigint[]): bigint {
  let state = seed;
  for (let index = 0; index < name.length; index++) state = mix(state ^ BigInt(name.charCodeAt(index)));
  for (const part of parts) state = mix(state ^ part);
  return state % P;
}

/**
 * Evaluation at one random point of a prime field (Schwartz–Zippel): symbols, π and e stand for random residues.
 * What is no rational function (roots, sines, symbolic powers) stands for a random function of its arguments'
 * residues, so equal values prove equality all the same, but unequal ones only where `isRational` is still true.
 */
export class ModularPoint implements Arithmetic<bigint> {
  /** Whether nothing but rational functions of the symbols was met. */
  isRational = true;
  private readonly symbols = new Map<string, bigint>();

  constructor(private readonly seed: bigint) {}

  number({ n, d }: Rational): bigint | undefined {
    if (d === 1n) return reduce(n);
    const below = reduce(d);
    return below === 0n ? undefined : (reduce(n) * inverse(below)) % P;
  }

  constant(name: string): bigint {
    return name === 'i' ? SQRT_MINUS_ONE : hash(this.seed, `constant ${name}`, []);
  }

  symbol(name: string): bigint {
    const known = this.symbols.get(name);
    if (known !== undefined) return known;
    const value = hash(this.seed, `symbol ${name}`, []);
    this.symbols.set(name, value);
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
      // A zero denominator, be it of the point or of the expression.
      return base === 0n ? undefined : powerOf(inverse(base), -exact.n);
    }
    return this.apply('power', exact ? [base, reduce(exact.n), exact.d] : [base, exponent!]);
  }

  call(name: string, args: readonly bigint[]): bigint {
    return this.apply(`call ${name}`, args);
  }

  apply(name: string, args: readonly bigint[]): bigint {
    this.isRational = false;
    return hash(this.seed, name, args);
  }
}
