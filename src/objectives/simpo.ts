/** @file Defines SimPO. */

import { defineObjective, numberFrom, scaleNumber } from './definition.js';
import { meanLogp } from './linear.js';
import { marginObjective, negativeLogSigmoid } from './margin.js';
import { weightOf } from './objective.js';

/**
 * SimPO (arXiv 2405.14734) is taken as arXiv 2505.24850 writes it (Eq. 3): γ is a margin of its own, not a multiple of
 * β, and nothing is added to the loss (TRL's `cpo_alpha` = 0). TRL's `simpo_gamma` is this γ.
 */
export const simpo = defineObjective(
  'simpo',
  {
    beta: scaleNumber().default(2).describe('scale of the reward'),
    gamma: numberFrom(0, 1e6).default(1).describe('the margin that is aimed at'),
  },
  ({ beta, gamma }) =>
    marginObjective({
      name: 'simpo',
      formula: `−log σ(${beta}·(mean logp(y_w) − mean logp(y_l)) − ${gamma}), mean over pairs`,
      needs: {},
      reward: (sequence, logpSum) => beta * meanLogp(sequence, logpSum),
      rewardSlope: (sequence) => beta / weightOf(sequence),
      lossOf: (margin) => negativeLogSigmoid(margin - gamma),
    }),
  {
    gradient: '∓β·σ(γ − m)/N',
    source:
      'arXiv 2405.14734, Eq. 6, with γ as in arXiv 2505.24850, Eq. 3; with a term sft it is CPO-SimPO, whose weight is TRL’s cpo_alpha',
    use: 'on pairs without a reference.',
    fails:
      'γ is a margin of the scaled rewards, as TRL’s simpo_gamma, not the authors’ gamma_beta_ratio γ/β: a wrong one turns the loss off. Both sides may fall.',
  },
);
