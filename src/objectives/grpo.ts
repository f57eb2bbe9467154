/** @file Defines the clipped policy gradient of GRPO, DAPO and GSPO on advantages that are in the rows. */

import { defineObjective, meanOver, numberFrom, oneOf } from './definition.js';
import { columnOf, scalarOf, spread, weightedSum, weightOf } from './objective.js';
import { overTokens, responseObjective, shareIn } from './responses.js';
import { clippedRatio } from './shapes.js';

/** GRPO (arXiv 2402.03300, Eq. 3) without its KL, which is a term `kl`; advantages are made before training. */
export const grpo = defineObjective(
  'grpo',
  {
    low: numberFrom(0, 1).default(0.2).describe('how far the ratio π/μ may be below 1'),
    high: numberFrom(0, 100).default(0.2).describe('how far it may be above 1; DAPO takes 0.28'),
    ratio: oneOf(['token', 'sequence'])
      .default('token')
      .describe('that of each token, or the exponential of a response’s mean log-ratio, as GSPO has it'),
    mean: meanOver().default('token'),
  },
  ({ low, high, ratio, mean }) =>
    responseObjective(
      {
        name: 'grpo',
        formula: `−min(ρA, clip(ρ, ${1 - low}, ${1 + high})·A), ρ = ${ratio === 'token' ? 'π/μ of a token' : 'exp(mean log π/μ) of a response'}, mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
        data: 'groups',
        needs: { advantage: 'sequence', behaviour: 'token' },
        couples: ratio,
      },
      ({ sequences }) => {
        const share = shareIn(sequences, mean);
        return (sequence, logps) => {
          const behaviour = columnOf(sequence, 'behaviour');
          const advantage = scalarOf(sequence, 'advantage');
          if (ratio === 'token')
            return overTokens(sequence, logps, share(sequence), (logp, t) =>
              clippedRatio(logp - behaviour[t]!, advantage, low, high),
            );
          const gap = (weightedSum(sequence, logps) - weightedSum(sequence, behaviour)) / weightOf(sequence);
          const { loss, slope } = clippedRatio(gap, advantage, low, high);
          return {
            loss: loss * weightOf(sequence) * share(sequence),
            gradient: spread(sequence, slope * share(sequence)),
          };
        };
      },
    ),
  {
    gradient: '−ρA while ρ is within the clip or moves back to it, else 0',
    source: 'arXiv 2402.03300, Eq. 3; DAPO 2503.14476, Eq. 8; GSPO 2507.18071',
    use: 'on own samples with log-probs and advantages; mean token is DAPO’s, sequence is GRPO’s and GSPO’s.',
    fails: 'Groups whose rewards are all equal have no gradient; stale samples are clipped away.',
  },
);
