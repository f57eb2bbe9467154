/** @file Defines KTO. */

import { defineObjective, numberFrom, scaleNumber } from './definition.js';
import { scalarOf, spread, weightedSum } from './objective.js';
import { isRight, sideMetrics } from './responses.js';

/**
 * KTO (arXiv 2402.01306, Eq. 8) compares each response with a baseline z that the whole step shares: the mean log-ratio
 * of responses to other prompts, at least 0, which has no gradient.
 */
export const kto = defineObjective(
  'kto',
  {
    beta: scaleNumber().default(0.1).describe('scale of the reward'),
    desirable: numberFrom(0, 1e6).default(1).describe('weight of right responses'),
    undesirable: numberFrom(0, 1e6).default(1).describe('weight of wrong responses'),
  },
  ({ beta, desirable, undesirable }) => ({
    name: 'kto',
    formula: `${desirable}·(1 − σ(${beta}·(log π/π_ref(y) − z))) of right responses, ${undesirable}·(1 − σ(${beta}·(z − log π/π_ref(y)))) of wrong ones, z = max(0, sg mean log π/π_ref of other rows’ responses), mean over responses`,
    data: 'groups',
    needs: { reward: 'sequence', reference: 'sequence' },
    couples: 'step',
    mismatched: true,
    evaluate: (batch) => {
      const { sequences, logps, mismatched = [] } = batch;
      const total = mismatched.reduce(
        (sum, { sequence, logps: row }) => sum + weightedSum(sequence, row) - scalarOf(sequence, 'reference'),
        0,
      );
      const baseline = Math.max(0, mismatched.length === 0 ? 0 : total / mismatched.length);
      let loss = 0;
      const gradient = sequences.map((sequence, i) => {
        const ratio = weightedSum(sequence, logps[i]!) - scalarOf(sequence, 'reference');
        const [sign, weight] = isRight(sequence) ? [1, desirable] : [-1, undesirable];
        const kept = 1 / (1 + Math.exp(sign * beta * (ratio - baseline))); // 1 − σ
        loss += (weight * kept) / sequences.length;
        return spread(sequence, (-sign * weight * beta * kept * (1 - kept)) / sequences.length);
      });
      return { loss, gradient, metrics: { ...sideMetrics(batch), kl: baseline } };
    },
  }),
  {
    gradient: '∓λβσ(1 − σ)',
    source:
      'arXiv 2402.01306, Eq. 8; for z, each prompt has the answer of the next row, and all of a step’s count, where paper and TRL rotate those of a micro-batch',
    use: 'on single responses with labels, where there are no pairs.',
    fails:
      'A few wrong ones among many right ones count for nothing unless undesirable is raised; small steps make z noise.',
  },
);
