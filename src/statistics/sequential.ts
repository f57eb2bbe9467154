/** @file Tests and intervals of paired differences that stay valid however often one looks and whenever one stops. */
import { meanOf } from './estimators.js';
import type { Interval } from './intervals.js';

/** Bets on either side, from ½ downwards by √2. Any λ with |λ| ≤ ½ keeps 1 + λ(d − m) ≥ 0 for d and m in [−1, 1]. */
const BETS = Array.from({ length: 18 }, (_, i) => 0.5 * 2 ** (-i / 2)).flatMap((bet) => [bet, -bet]);

export interface AlwaysValid {
  /** Evidence against a mean difference of 0; its expected value is at most 1 where that holds. */
  eValue: number;
  /** min(1, 1 / eValue). */
  pValue: number;
  interval: Interval;
}

/**
 * Tests a mean of values in [−1, 1] by betting (Waudby-Smith and Ramdas 2023, Estimating means of bounded random variables by
 * betting): E_t(m) = mean over fixed bets λ of Π_i (1 + λ(d_i − m)) is a martingale that starts at 1 if the mean is m, so that by Ville's
 * inequality it ever reaches 1/α with a chance of at most α. The interval is all m with E_t(m) < 1/α, at this look or
 * any other. E_t is convex in m (each factor is linear, and those of one bet all fall or all rise), so it is one interval. The values must be independent draws: problems
 * looked at first must be no easier than others.
 */
export function alwaysValid(differences: readonly number[], alpha = 0.05): AlwaysValid {
  const logEvidence = (m: number): number => {
    const logs = BETS.map((bet) => differences.reduce((sum, d) => sum + Math.log1p(bet * (d - m)), 0));
    const most = Math.max(...logs);
    return most + Math.log(meanOf(logs.map((log) => Math.exp(log - most))));
  };
  const limit = -Math.log(alpha);
  // From the mean of the values, where evidence is at most 1 (AM–GM), outwards to where it reaches the limit.
  const mean = differences.length === 0 ? 0 : meanOf(differences);
  const edge = (end: number): number => {
    let [inside, outside] = [mean, end];
    for (let i = 0; i < 60; i++) {
      const middle = (inside + outside) / 2;
      if (logEvidence(middle) < limit) inside = middle;
      else outside = middle;
    }
    return outside;
  };
  const log = logEvidence(0);
  return { eValue: Math.exp(log), pValue: Math.min(1, Math.exp(-log)), interval: [edge(-1), edge(1)] };
}
