/** @file Defines tapered off-policy REINFORCE. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { columnOf, scalarOf, weightedSum } from './objective.js';
import { overTokens, responseObjective } from './responses.js';

/** TOPR (arXiv 2503.14286, Eq. 8): right ones in full, wrong ones times min(1, π/μ), which has no gradient. */
export const topr = defineObjective(
  'topr',
  {
    ratio: oneOf(['sequence', 'token'])
      .default('sequence')
      .describe('that of a whole response, as the paper has it, or of each token, as public codes have it'),
    alpha: numberFrom(0, 100).default(1).describe('factor of negative rewards'),
  },
  ({ ratio, alpha }) =>
    responseObjective(
      {
        name: 'topr',
        formula: `−r·logp(y) where r ≥ 0, −${alpha === 1 ? '' : `${alpha}·`}sg min(1, π/μ of ${ratio === 'sequence' ? 'the response' : 'the token'})·r·logp(y) else, mean over responses`,
        data: 'groups',
        needs: { reward: 'sequence', behaviour: 'token' },
        couples: ratio,
      },
      ({ sequences }) =>
        (sequence, logps) => {
          const behaviour = columnOf(sequence, 'behaviour');
          const reward = scalarOf(sequence, 'reward');
          const gap = weightedSum(sequence, logps) - weightedSum(sequence, behaviour);
          const taper = (logp: number, t: number) =>
            // Stryker disable next-line EqualityOperator: a response of reward 0 adds nothing, whatever its taper.
            reward >= 0
              ? 1
              : alpha * Math.exp(Math.min(0, ratio === 'sequence' ? gap : logp - behaviour[t]!));
          return overTokens(sequence, logps, reward / sequences.length, (logp, t) => {
            const weight = taper(logp, t);
            return { loss: -weight * logp, slope: -weight };
          });
        },
    ),
  {
    gradient: '−r where r ≥ 0, −r·min(1, π/μ) else',
    source: 'arXiv 2503.14286, Eq. 8; token ratios as in ROLL and Trinity-RFT',
    use: 'on own samples with their log-probs, offline: wrong ones stop counting as they become unlikely.',
    fails: 'With teacher traces π/μ is near 0 and wrong ones count for nothing; sums favour long responses.',
  },
);
