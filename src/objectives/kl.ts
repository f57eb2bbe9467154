/** @file Defines the distance to a reference, as a term beside others. */

import { defineObjective, meanOver } from './definition.js';
import { columnOf } from './objective.js';
import { overTokens, responseObjective, shareIn } from './responses.js';
import { thirdEstimator } from './shapes.js';

/** The k3 estimate of KL(π ‖ π_ref) on the tokens of the rows (arXiv 2402.03300, Eq. 4). */
export const kl = defineObjective(
  'kl',
  { mean: meanOver().default('token') },
  ({ mean }) =>
    responseObjective(
      {
        name: 'kl',
        formula: `π_ref/π − log π_ref/π − 1, mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
        data: 'groups',
        needs: { reference: 'token' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, mean);
        return (sequence, logps) => {
          const reference = columnOf(sequence, 'reference');
          return overTokens(sequence, logps, share(sequence), (logp, t) =>
            thirdEstimator(logp, reference[t]!),
          );
        };
      },
    ),
  {
    gradient: '1 − π_ref/π',
    source: 'arXiv 2402.03300, Eq. 4; k3 of joschu.net/blog/kl-approx',
    use: 'as a term beside another objective, of some roles or segments.',
    fails:
      'It is a KL on the policy’s own samples alone; on others it only pulls their log-probs to the reference’s.',
  },
);
