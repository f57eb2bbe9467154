import { describe, expect, it } from 'vitest';
import { deriveSeed, Random, splitMix64 } from './random.js';

const take = <T>(count: number, next: () => T): T[] => Array.from({ length: count }, next);

describe('Random', () => {
  it('gives the published outputs of xoshiro128** (rand_xoshiro, state 1 2 3 4)', () => {
    const random = Random.fromState([1, 2, 3, 4]);
    expect(take(10, () => random.nextUint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('fills the state with the published outputs of SplitMix64 (rand_xoshiro)', () => {
    expect(take(5, splitMix64(1477776061723855037n))).toEqual([
      1985237415132408290n,
      2979275885539914483n,
      13511426838097143398n,
      8488337342461049707n,
      15141737807933549159n,
    ]);
    const next = splitMix64(42n);
    const halves = take(2, next).flatMap((x) => [Number(x % 2n ** 32n), Number(x / 2n ** 32n)]);
    const state = halves as [number, number, number, number];
    const random = new Random(42);
    const same = Random.fromState(state);
    expect(take(5, () => random.nextUint32())).toEqual(take(5, () => same.nextUint32()));
  });

  it('draws floats from 53 bits, in [0, 1), with the mean and variance of the uniform distribution', () => {
    const random = new Random(7);
    const draws = take(100_000, () => random.nextFloat());
    expect(draws.every((x) => x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53))).toBe(true);
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((a, x) => a + (x - 0.5) ** 2, 0) / draws.length;
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / draws.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / draws.length));
  });

  it('draws integers without bias, also where 2^32 is far from a multiple of n', () => {
    const random = new Random(8);
    const n = 3 * 2 ** 30; // draw % n alone would put half of all results into the first third
    const draws = take(30_000, () => random.nextInt(n));
    const first = draws.filter((x) => x < 2 ** 30).length;
    expect(draws.every((x) => x < n)).toBe(true);
    expect(Math.abs(first - 10_000)).toBeLessThan(5 * Math.sqrt(30_000 * (2 / 9)));
    expect(random.nextInt(1)).toBe(0);
    expect(random.nextInt(2 ** 32)).toBeLessThan(2 ** 32);
    expect(() => random.nextInt(0)).toThrow(RangeError);
    expect(() => random.nextInt(1.5)).toThrow(RangeError);
  });

  it('shuffles into every order equally often (chi-squared)', () => {
    const random = new Random(9);
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let i = 0; i < draws; i++) {
      const order = random.shuffle([0, 1, 2, 3]).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = draws / 24;
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chiSquared).toBeLessThan(49.7); // 99.9 % quantile at 23 degrees of freedom
  });

  it('refuses what is not a seed', () => {
    for (const seed of [-1, 0.5, NaN, 2 ** 53]) expect(() => new Random(seed)).toThrow(RangeError);
  });
});

describe('deriveSeed', () => {
  it('is the start of a SHA-256', () => {
    // python3 -c 'import hashlib; print(int(hashlib.sha256(b"[42,\"order\",3]").hexdigest()[:12], 16))'
    expect(deriveSeed(42, 'order', 3)).toBe(153636105134269);
    expect(deriveSeed(42, 'order', 4)).not.toBe(deriveSeed(42, 'order', 3));
    expect(deriveSeed(42, 'order', '3')).not.toBe(deriveSeed(42, 'order', 3));
  });
});
