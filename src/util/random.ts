/** @file Draws seeded random numbers, the same on every machine. */

import { createHash } from 'node:crypto';

/**
 * Draws seeded pseudo-random numbers by xoshiro128** 1.1 (Blackman and Vigna,
 * https://prng.di.unimi.it/xoshiro128starstar.c), which needs only 32-bit arithmetic. SplitMix64 fills its state from
 * the seed, as its authors advise. The same seed gives the same numbers on every machine and in every version. Not for
 * secrets.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed an integer from 0 to 2⁵³ − 1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new RangeError(`a seed is an integer from 0 to 2^53 - 1, not ${seed}`);
    const next = splitMix64(BigInt(seed));
    // The low half of each output comes first, as in the little-endian reading of rand_xoshiro.
    this.#state = Uint32Array.from(
      [next(), next()].flatMap((x) => [Number(x & 0xffffffffn), Number(x >> 32n)]),
    );
  }

  /** Starts from a state of four words, not all zero. */
  static fromState(words: readonly [number, number, number, number]): Random {
    const random = new Random(0);
    random.#state.set(words);
    return random;
  }

  /** Draws an integer from 0 to 2³² − 1. */
  nextUint32(): number {
    const s = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotateLeft(s[3]!, 11);
    return result;
  }

  /** Draws uniformly from [0, 1), a multiple of 2⁻⁵³. */
  nextFloat(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Draws an integer from 0 to n − 1, each equally likely. @param n from 1 to 2³² */
  nextInt(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new RangeError(`nextInt takes an integer from 1 to 2^32, not ${n}`);
    // Draws beyond the last whole multiple of n are discarded: they would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const draw = this.nextUint32();
      if (draw < limit) return draw % n;
    }
  }

  /** Shuffles in place (Fisher–Yates), every order equally likely, and returns the array. */
  shuffle<T>(array: T[]): T[] {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.nextInt(i + 1);
      [array[i], array[j]] = [array[j]!, array[i]!];
    }
    return array;
  }
}

/**
 * Derives a seed for one use of a run's seed, as in `deriveSeed(seed, 'order', epoch)`: the first 48 bits of the
 * SHA-256 of the JSON array `[seed, ...labels]`.
 */
export function deriveSeed(seed: number, ...labels: readonly (string | number)[]): number {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest()
    .readUIntBE(0, 6);
}

/** Makes the SplitMix64 generator of 64-bit numbers (https://prng.di.unimi.it/splitmix64.c). */
export function splitMix64(seed: bigint): () => bigint {
  const word = (x: bigint) => BigInt.asUintN(64, x);
  let state = word(seed);
  return () => {
    state = word(state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = word((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = word((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}
