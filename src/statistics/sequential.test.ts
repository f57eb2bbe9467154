import { describe, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { normalInterval } from './intervals.js';
import { estimate } from './estimators.js';
import { alwaysValid } from './sequential.js';

/** The evidence as its definition has it: a product for each bet, and their mean. */
function slowEvidence(differences: readonly number[], m: number): number {
  let sum = 0;
  for (let i = 0; i < 18; i++)
    for (const sign of [1, -1]) {
      let product = 1;
      for (const d of differences) product *= 1 + sign * 0.5 * 2 ** (-i / 2) * (d - m);
      sum += product;
    }
  return sum / 36;
}

describe('alwaysValid', () => {
  const random = new Random(17);

  it('equals the mean of the bets, and ends where it reaches the limit', () => {
    for (const n of [5, 40, 200]) {
      const differences = Array.from({ length: n }, () => random.nextInt(5) / 2 - 1);
      for (const alpha of [0.05, 0.2]) {
        const { eValue, pValue, interval } = alwaysValid(differences, alpha);
        expect(eValue / slowEvidence(differences, 0)).toBeCloseTo(1, 10);
        expect(pValue).toBeCloseTo(Math.min(1, 1 / eValue), 12);
        for (const end of interval)
          if (Math.abs(end) < 1) expect(slowEvidence(differences, end) * alpha).toBeCloseTo(1, 8);
          else expect(slowEvidence(differences, end)).toBeLessThan(1 / alpha);
        const inside = interval[0] + (interval[1] - interval[0]) * random.nextFloat();
        expect(slowEvidence(differences, inside)).toBeLessThan(1 / alpha);
      }
    }
  });

  it('knows nothing before the first problem, and something of hundreds that agree', () => {
    expect(alwaysValid([])).toEqual({ eValue: 1, pValue: 1, interval: [-1, 1] });
    const agreed = alwaysValid(Array.from({ length: 200 }, () => 1));
    expect(agreed.interval[0]).toBeGreaterThan(0.9);
    expect(agreed.interval[1]).toBe(1);
    expect(agreed.pValue).toBeLessThan(1e-12);
    const mirrored = alwaysValid(Array.from({ length: 200 }, () => -1));
    expect(mirrored.interval[0]).toBe(-1);
    expect(mirrored.interval[1]).toBeCloseTo(-agreed.interval[0], 12);
  });

  it('holds the truth at all looks together as often as it says, where the usual interval does not', () => {
    // Each problem is gained with a chance of 0.2 and lost with 0.2: no difference. Looked at every 10 of 300 problems.
    const rounds = 400;
    let [valid, usual] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const differences: number[] = [];
      let [missed, usualMissed] = [false, false];
      while (differences.length < 300) {
        for (let i = 0; i < 10; i++) {
          const u = random.nextFloat();
          differences.push(u < 0.2 ? 1 : u < 0.4 ? -1 : 0);
        }
        if (slowEvidence(differences, 0) >= 20) missed = true;
        const { mean, standardError } = estimate(differences);
        const [low, high] = normalInterval(mean, standardError);
        if (low > 0 || high < 0) usualMissed = true;
      }
      if (missed) valid++;
      if (usualMissed) usual++;
    }
    expect(valid / rounds).toBeLessThanOrEqual(0.05);
    expect(usual / rounds).toBeGreaterThan(0.2);
  });
});
