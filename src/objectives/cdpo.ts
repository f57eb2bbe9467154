/** @file Defines cDPO. */

import { defineObjective, scaleNumber } from './definition.js';
import { dpo } from './dpo.js';
import { columnOf, tokenWeight, withReference, type SequenceInfo } from './objective.js';

/**
 * cDPO (arXiv 2411.19943): DPO in which each token of the rejected side counts by 1 − s_t. `contrast` is s_t, the probability
 * that the contrast of a model of right traces with one of wrong traces gives the token.
 */
export const cdpo = defineObjective(
  'cdpo',
  { beta: scaleNumber().default(0.1).describe('scale of the reward') },
  ({ beta }) => {
    const plain = dpo.create({ beta });
    return {
      name: 'cdpo',
      formula: `−log σ(${beta}·(log π(y_w)/π_ref(y_w) − Σ (1 − s_t)·log π(y_l,t)/π_ref(y_l,t))), mean over pairs`,
      data: 'pairs',
      needs: { reference: 'token', contrast: 'token' },
      couples: 'group',
      evaluate: (batch) => plain.evaluate({ ...batch, sequences: batch.sequences.map(reweighed) }),
    };
  },
  {
    gradient: '∓β·σ(−m), on the rejected side times 1 − s_t',
    source:
      'arXiv 2411.19943, with sums over each side; the released code pairs token t of one side with token t of the other',
    use: 'on pairs whose rejected side has been scored by two contrast models: the tokens that decide are lowered.',
    fails:
      'The contrast belongs to two models; where they agree everywhere it is DPO with a weak rejected side.',
  },
);

/** A rejected side with its tokens' weights times 1 − s_t, and its reference by these. */
function reweighed(sequence: SequenceInfo): SequenceInfo {
  const contrast = columnOf(sequence, 'contrast');
  const tokenWeights = contrast.map(
    (value, t) => tokenWeight(sequence, t) * (sequence.role === 'rejected' ? 1 - value : 1),
  );
  return withReference({ ...sequence, tokenWeights }, columnOf(sequence, 'reference'));
}
