/** @file Defines direct reward optimisation. */

import { defineObjective, meanOver, numberFrom } from './definition.js';
import { columnOf, scalarOf } from './objective.js';
import { overTokens, responseObjective, shareIn } from './responses.js';

/** DRO (arXiv 2405.19107) in the form of verl: A·logp − β/2·(log π/μ)² of each token, to be maximised. */
export const dro = defineObjective(
  'dro',
  {
    beta: numberFrom(0, 1e6).default(0.1).describe('weight of the squared log-ratio'),
    mean: meanOver().default('token'),
  },
  ({ beta, mean }) =>
    responseObjective(
      {
        name: 'dro',
        formula: `−A·logp(y) + ${beta}/2·(log π/μ)², mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
        data: 'groups',
        needs: { advantage: 'sequence', behaviour: 'token' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, mean);
        return (sequence, logps) => {
          const behaviour = columnOf(sequence, 'behaviour');
          const advantage = scalarOf(sequence, 'advantage');
          return overTokens(sequence, logps, share(sequence), (logp, t) => {
            const gap = logp - behaviour[t]!;
            return { loss: -advantage * logp + (beta / 2) * gap ** 2, slope: -advantage + beta * gap };
          });
        };
      },
    ),
  {
    gradient: '−A + β·log π/μ',
    source: 'arXiv 2405.19107; verl’s page on DRO',
    use: 'offline, on single responses with advantages, where a quadratic is to hold the policy near its sampler.',
    fails: 'β too small and it is plain REINFORCE without a bound, too large and nothing moves.',
  },
);
