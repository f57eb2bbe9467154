/** @file Defines unlikelihood training. */

import { defineObjective, numberFrom } from './definition.js';
import { isRight, overTokens, responseObjective, shareIn } from './responses.js';
import { negativeLog, negativeLogRest } from './shapes.js';

/** Unlikelihood (arXiv 1908.04319) learns right responses and lowers each token of wrong ones by −log(1 − p). */
export const unlikelihood = defineObjective(
  'unlikelihood',
  { alpha: numberFrom(0, 100).default(1).describe('weight of wrong responses') },
  ({ alpha }) =>
    responseObjective(
      {
        name: 'unlikelihood',
        formula: `−mean logp(y) of right responses, −${alpha === 1 ? '' : `${alpha}·`}mean log(1 − p(y)) of wrong ones, mean over responses`,
        data: 'groups',
        needs: { reward: 'sequence' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, 'sequence');
        return (sequence, logps) =>
          isRight(sequence)
            ? overTokens(sequence, logps, share(sequence), negativeLog)
            : overTokens(sequence, logps, alpha * share(sequence), negativeLogRest);
      },
    ),
  {
    gradient: '−1 for right responses; α·p/(1 − p) for wrong ones, 0 where 1 − p < 1e-5',
    source: 'arXiv 1908.04319, on whole wrong responses, with the floor of fairseq',
    use: 'where wrong responses are to be lowered with a loss that is bounded below.',
    fails:
      'The push is largest on tokens that the model is sure of: the fluent parts of a mostly valid trace break.',
  },
);
