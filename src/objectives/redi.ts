/** @file Defines REDI, and the pair loss that it shares with `symmetric`. */

import { defineObjective, numberFrom } from './definition.js';
import { z } from 'zod';
import { linearObjective, meanLogp } from './linear.js';
import { spread, weightedSum, weightOf, type Objective } from './objective.js';
import { responseObjective } from './responses.js';

/** REDI (arXiv 2505.24850, Eq. 5) at α = 0 is length-normalised SFT on the chosen sides; at α < 0 it learns both sides. */
export const redi = defineObjective(
  'redi',
  {
    alpha: numberFrom(-1, 1).default(0.8).describe('weight of the rejected side; below 0 it is learned'),
    chosen: numberFrom(0, 1).default(1).describe('weight of the chosen side'),
    gamma: numberFrom(0, 1e3)
      .default(0)
      .describe(
        'γ of a factor exp(γ·mean logp(y_l)) of the rejected side, which fades as the side becomes unlikely; 0 for none',
      ),
    attached: z
      .boolean('true or false')
      .default(false)
      .describe('whether that factor has a gradient too, as in the code: the push ends at mean logp = −1/γ'),
  },
  ({ alpha, chosen, gamma, attached }) =>
    gamma === 0
      ? lengthNormalisedPairs('redi', alpha, chosen)
      : fadingPairs({ alpha, chosen, gamma, attached }),
  {
    gradient:
      '−c/N on the chosen side, +α/N on the rejected side; with γ times exp(γM), attached also times 1 + γM',
    source: 'arXiv 2505.24850, Eq. 5; γ is an option of its code that no run used',
    use: 'to learn from pairs of a right and a wrong trace; α 0.8 and a small rate are the paper’s.',
    fails:
      'The rejected term has no bound below: with α near 1 or a large rate both sides collapse. Shorter answers come first where wrong traces are longer.',
  },
);

/**
 * Makes −mean logp(y_w) + α·mean logp(y_l), mean over pairs: each response is divided by its own length, and every pair
 * weighs the same. The loss is unbounded below; only α limits the push on the rejected side.
 */
export function lengthNormalisedPairs(name: string, alpha: number, chosen = 1): Objective {
  return linearObjective(
    { name, formula: formulaOf(alpha, chosen), data: 'pairs' },
    (sequence, { pairs }) => {
      return (sequence.role === 'rejected' ? alpha : -chosen) / (weightOf(sequence) * pairs);
    },
  );
}

const formulaOf = (alpha: number, chosen: number, factor = ''): string => {
  const times = (weight: number) => (weight === 1 ? '' : `${weight}·`);
  const sign = alpha < 0 ? '−' : '+';
  return `−${times(chosen)}mean logp(y_w) ${sign} ${times(Math.abs(alpha))}${factor}mean logp(y_l), mean over pairs`;
};

function fadingPairs({
  alpha,
  chosen,
  gamma,
  attached,
}: Record<'alpha' | 'chosen' | 'gamma', number> & { attached: boolean }): Objective {
  const factor = `${attached ? '' : 'sg '}exp(${gamma}·mean logp(y_l))·`;
  return responseObjective(
    {
      ...{ name: 'redi', formula: formulaOf(alpha, chosen, factor), data: 'pairs' },
      ...{ needs: {}, couples: 'sequence' },
    },
    ({ counts: { pairs } }) =>
      (sequence, logps) => {
        const mean = meanLogp(sequence, weightedSum(sequence, logps));
        const isRejected = sequence.role === 'rejected';
        const weight = isRejected ? alpha * Math.exp(gamma * mean) : -chosen;
        const slope = isRejected && attached ? weight * (1 + gamma * mean) : weight;
        return {
          loss: (weight * mean) / pairs,
          gradient: spread(sequence, slope / (weightOf(sequence) * pairs)),
        };
      },
  );
}
