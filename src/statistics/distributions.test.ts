import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  betaCdf,
  betaQuantile,
  complementaryError,
  fairTail,
  hypergeometric,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
  twoSidedNormal,
  twoSidedStudent,
} from './distributions.js';

/** Of mpmath at 40 digits, and SciPy (test/oracles/distributions.py). */
const fixture = JSON.parse(
  readFileSync(new URL('../../test/fixtures/distributions.json', import.meta.url), 'utf8'),
) as {
  beta: { x: number; a: number; b: number; p: number }[];
  betaQuantiles: { p: number; a: number; b: number; x: number }[];
  student: { t: number; degrees: number; p: number }[];
  studentQuantiles: { p: number; degrees: number; t: number }[];
  normal: { z: number; p: number }[];
  normalQuantiles: { p: number; z: number }[];
  logGamma: { x: number; value: number }[];
};

const expectClose = (found: number, wanted: number, name: unknown, relative = 1e-12) => {
  const miss = wanted === 0 ? Math.abs(found) : Math.abs(found / wanted - 1);
  expect(miss, `${JSON.stringify(name)}: ${found} for ${wanted}`).toBeLessThan(relative);
};

describe('distribution functions', () => {
  it('are those of mpmath to twelve digits, in the tails as well', () => {
    for (const { x, value } of fixture.logGamma)
      expect(Math.abs(logGamma(x) - value), String(x)).toBeLessThan(1e-14 * Math.max(30, Math.abs(value)));
    for (const { z, p } of fixture.normal) expectClose(normalCdf(z), p, z);
    for (const { x, a, b, p } of fixture.beta) expectClose(betaCdf(x, a, b), p, [x, a, b], 1e-11);
    for (const { t, degrees, p } of fixture.student)
      expectClose(twoSidedStudent(t, degrees), p, [t, degrees]);
    expect(fixture.beta.length).toBeGreaterThan(50);
  });

  it('have the quantiles of SciPy and mpmath', () => {
    for (const { p, z } of fixture.normalQuantiles)
      if (p === 0.5) expect(Math.abs(normalQuantile(p))).toBeLessThan(1e-16);
      else expectClose(normalQuantile(p), z, p);
    for (const { p, a, b, x } of fixture.betaQuantiles)
      expectClose(betaQuantile(p, a, b), x, [p, a, b], 1e-11);
    for (const { p, degrees, t } of fixture.studentQuantiles)
      expectClose(studentQuantile(p, degrees), t, [p, degrees], 1e-11);
    expect(fixture.betaQuantiles.length).toBeGreaterThan(50);
  });

  it('have ends and mirror images', () => {
    expect([betaCdf(0, 2, 3), betaCdf(1, 2, 3), betaCdf(-1, 2, 3), betaCdf(2, 2, 3)]).toEqual([0, 1, 0, 1]);
    expect([betaQuantile(0, 2, 3), betaQuantile(1, 2, 3)]).toEqual([0, 1]);
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect([normalCdf(-Infinity), normalCdf(0), normalCdf(Infinity)]).toEqual([0, 0.5, 1]);
    expect(twoSidedNormal(-1.3)).toBe(twoSidedNormal(1.3));
    expect(complementaryError(-0.7)).toBeCloseTo(2 - complementaryError(0.7), 15);
    for (const p of [0.01, 0.3, 0.5]) {
      expect(studentQuantile(p, 5)).toBeCloseTo(-studentQuantile(1 - p, 5), 15);
      expect(studentCdf(studentQuantile(p, 5), 5)).toBeCloseTo(p, 12);
      expect(studentCdf(-studentQuantile(p, 5), 5)).toBeCloseTo(1 - p, 12);
    }
    expect(twoSidedStudent(-2.5, 4)).toBe(twoSidedStudent(2.5, 4));
    expect(twoSidedStudent(0, 4)).toBe(1);
  });
});

describe("Student's t", () => {
  it.each([
    // Abramowitz and Stegun, table 26.10: the two-sided 5 % points.
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [9, 2.262],
    [10, 2.228],
    [30, 2.042],
    [120, 1.98],
  ])('with %d degrees of freedom needs %d for 5 %%', (degrees, t) => {
    expect(studentQuantile(0.975, degrees)).toBeCloseTo(t, 3);
    expect(twoSidedStudent(studentQuantile(0.975, degrees), degrees)).toBeCloseTo(0.05, 12);
  });

  it.each([1, 2, 3, 4, 7, 12])('is the integral of its density with %d degrees of freedom', (degrees) => {
    const density = (x: number) => (1 + (x * x) / degrees) ** (-(degrees + 1) / 2);
    const integral = (to: number) => {
      const [n, h] = [200_000, to / 200_000];
      let sum = density(0) + density(to);
      for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h);
      return (sum * h) / 3;
    };
    // The density is symmetric; its constant follows from Γ((ν+1)/2) / (√(νπ) Γ(ν/2)), by Γ(x+1) = xΓ(x).
    const gamma = (x: number): number =>
      x === 1 ? 1 : x === 0.5 ? Math.sqrt(Math.PI) : (x - 1) * gamma(x - 1);
    const constant = gamma((degrees + 1) / 2) / (Math.sqrt(degrees * Math.PI) * gamma(degrees / 2));
    for (const t of [0.3, 1, 2.5, 6])
      expect(twoSidedStudent(t, degrees)).toBeCloseTo(1 - 2 * constant * integral(t), 10);
    expect(twoSidedStudent(-2.5, degrees)).toBe(twoSidedStudent(2.5, degrees));
    expect(twoSidedStudent(0, degrees)).toBe(1);
  });
});

describe('counts', () => {
  const choose = (n: bigint, k: bigint): bigint =>
    k < 0n || k > n ? 0n : k === 0n ? 1n : (choose(n - 1n, k - 1n) * n) / k;
  const share = (part: bigint, whole: bigint) => Number((part * 10n ** 30n) / whole) / 1e30;

  it('fairTail adds up binomial coefficients', () => {
    for (const n of [1, 2, 7, 30, 200])
      for (const k of [-1, 0, 1, Math.ceil(n / 2), n - 1, n, n + 1]) {
        let sum = 0n;
        for (let j = Math.max(0, k); j <= n; j++) sum += choose(BigInt(n), BigInt(j));
        expect(fairTail(k, n)).toBeCloseTo(share(sum, 2n ** BigInt(n)), 13);
      }
  });

  it('hypergeometric is the ratio of binomial coefficients', () => {
    for (const [n, c, k] of [
      [1, 0, 1],
      [1, 1, 1],
      [5, 2, 3],
      [16, 9, 8],
      [48, 24, 16],
      [48, 48, 16],
      [400, 7, 399],
      [3000, 1500, 1000],
    ] as const) {
      const found = hypergeometric(n, c, k);
      expect(found).toHaveLength(k + 1);
      const all = choose(BigInt(n), BigInt(k));
      for (let j = 0; j <= k; j += Math.max(1, Math.floor(k / 50)))
        expect(found[j]).toBeCloseTo(
          share(choose(BigInt(c), BigInt(j)) * choose(BigInt(n - c), BigInt(k - j)), all),
          13,
        );
    }
  });
});

it('betaCdf ends where there is no value', () => {
  expect(() => betaCdf(0.5, NaN, 1)).toThrow(RangeError);
});
