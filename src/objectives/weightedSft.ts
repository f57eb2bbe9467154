/** @file Defines signed weighted fine-tuning, of which every objective with fixed weights is a case. */

import { defineObjective, meanOver } from './definition.js';
import { linearObjective } from './linear.js';
import { weightOf } from './objective.js';

/**
 * Signed weighted fine-tuning trains every response of every row by the weights that the rows give: −Σ w·logp over Σ|w|.
 * A row of weight −0.1 is pushed away gently.
 */
export const weightedSft = defineObjective(
  'weighted-sft',
  { mean: meanOver().default('token') },
  ({ mean }) =>
    linearObjective(
      {
        name: 'weighted-sft',
        formula:
          mean === 'token'
            ? '−Σ w·logp(y) / Σ|w| over all responses'
            : '−(Σ w·logp(y) / Σ|w|) of a response, mean over responses',
        data: 'groups',
      },
      (sequence, { tokens }, { sequences }) =>
        -1 / (mean === 'token' ? tokens : weightOf(sequence) * sequences.length),
    ),
  {
    gradient: '−w',
    source: 'maximum likelihood with the weights of the rows',
    use: 'where the data say how much each row, part or token counts, with a sign: the base operation of all fixed weightings.',
    fails:
      'A negative weight has no bound below: many of them, or a large rate, end in collapse. Rejected sides of weight 1 are learned.',
  },
);
