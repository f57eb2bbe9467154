/** @file Defines DPO (arXiv 2305.18290): a logistic loss on the margin of log-probs against a reference model. */

import { defineObjective, scaleNumber } from './definition.js';
import { marginObjective, negativeLogSigmoid } from './margin.js';
import { scalarOf } from './objective.js';

/** DPO (arXiv 2305.18290, Eq. 7) takes sums over the response, relative to a frozen reference model. */
export const dpo = defineObjective(
  'dpo',
  { beta: scaleNumber().default(0.1).describe('scale of the reward') },
  ({ beta }) =>
    marginObjective({
      name: 'dpo',
      formula: `−log σ(${beta}·(log π(y_w)/π_ref(y_w) − log π(y_l)/π_ref(y_l))), mean over pairs`,
      needs: { reference: 'sequence' },
      reward: (sequence, logpSum) => beta * (logpSum - scalarOf(sequence, 'reference')),
      rewardSlope: () => beta,
      lossOf: negativeLogSigmoid,
    }),
);
