/** @file Defines REDI, and the pair loss that it shares with `symmetric`. */

import { defineObjective, numberFrom } from './definition.js';
import { linearObjective } from './linear.js';
import { weightOf, type Objective } from './objective.js';

/** REDI (arXiv 2505.24850, Eq. 5) at α = 0 is length-normalised SFT on the chosen sides. */
export const redi = defineObjective(
  'redi',
  { alpha: numberFrom(0, 1).default(0.8).describe('weight of the rejected side') },
  ({ alpha }) => lengthNormalisedPairs('redi', alpha),
);

/**
 * Makes −mean logp(y_w) + α·mean logp(y_l), mean over pairs: each response is divided by its own length, and every pair
 * weighs the same. The loss is unbounded below; only α limits the push on the rejected side.
 */
export function lengthNormalisedPairs(name: string, alpha: number): Objective {
  const factor = alpha === 1 ? '' : `${alpha}·`;
  return linearObjective(
    { name, formula: `−mean logp(y_w) + ${factor}mean logp(y_l), mean over pairs`, data: 'pairs' },
    (sequence, { pairs }) => (sequence.role === 'rejected' ? alpha : -1) / (weightOf(sequence) * pairs),
  );
}
