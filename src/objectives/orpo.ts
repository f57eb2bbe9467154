/** @file Defines ORPO. */

import { defineObjective, numberFrom } from './definition.js';
import { meanLogp } from './linear.js';
import { marginObjective, negativeLogSigmoid } from './margin.js';
import { weightOf } from './objective.js';
import { lengthNormalisedPairs } from './redi.js';

/** 1 − P counts as no less, so that the odds of a certain response stay finite. */
const REST = 1e-9;
const restOf = (mean: number): number => Math.max(-Math.expm1(mean), REST);

/** ORPO (arXiv 2403.07691, Eq. 6): length-normalised SFT on the chosen side, and the log-sigmoid of the log odds ratio. */
export const orpo = defineObjective(
  'orpo',
  { lambda: numberFrom(0, 1e6).default(0.1).describe('weight of the odds ratio') },
  ({ lambda }) => {
    const likelihood = lengthNormalisedPairs('orpo', 0);
    const odds = marginObjective({
      name: 'orpo',
      formula: `−mean logp(y_w) − ${lambda}·log σ(log odds(y_w)/odds(y_l)), odds = P/(1 − P), P = exp(mean logp), mean over pairs`,
      needs: {},
      reward: (sequence, logpSum) => {
        const mean = meanLogp(sequence, logpSum);
        return mean - Math.log(restOf(mean));
      },
      rewardSlope: (sequence, logpSum) => 1 / restOf(meanLogp(sequence, logpSum)) / weightOf(sequence),
      lossOf: (margin) => {
        const { loss, slope } = negativeLogSigmoid(margin);
        return { loss: lambda * loss, slope: lambda * slope };
      },
    });
    return {
      ...odds,
      evaluate: (batch) => {
        const [learned, compared] = [likelihood.evaluate(batch), odds.evaluate(batch)];
        return {
          loss: learned.loss + compared.loss,
          gradient: compared.gradient.map((row, i) =>
            row.map((value, t) => value + learned.gradient[i]![t]!),
          ),
          metrics: compared.metrics,
        };
      },
    };
  },
  {
    gradient: '−1/N − λσ(−m)/(N(1 − P)) on the chosen side, +λσ(−m)/(N(1 − P)) on the rejected side',
    source: 'arXiv 2403.07691, Eqs. 3 to 7; TRL’s likelihood has the prompt’s tokens too',
    use: 'on pairs, in one stage from a base model, without a reference.',
    fails: 'The odds of long traces are near those of their worst tokens; λ much over 0.1 unlearns.',
  },
);
