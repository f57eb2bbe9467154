/** @file Rewards right samples more that the sampler was unlikely to draw. */
import type { Sample } from './sample.js';

/**
 * Multiplies the reward of a right sample by 1 − β·rank/G; wrong ones stay as they are. The rank is that of its mean log-prob
 * a token among the G samples of the group, 0 for the least likely; equal ones share the mean of their ranks ("Rewarding the
 * Unlikely", arXiv 2506.02355, ranked by length-normalised log-probs as its code has it, with β 0.25 there).
 * @throws RangeError where a sample has no log-prob
 */
export function rewardUnlikely(rewards: readonly number[], group: readonly Sample[], beta: number): number[] {
  const logps = group.map(({ meanLogp }, i) => {
    if (meanLogp === undefined) throw new RangeError(`sample ${i} has no log-prob`);
    return meanLogp;
  });
  return rewards.map((reward, i) =>
    group[i]!.right ? reward * (1 - (beta * rankAmong(logps, logps[i]!)) / group.length) : reward,
  );
}

/** How many numbers are less, and half of the others that are equal. */
function rankAmong(numbers: readonly number[], own: number): number {
  const less = numbers.filter((number) => number < own).length;
  const equal = numbers.filter((number) => number === own).length;
  return less + (equal - 1) / 2;
}
