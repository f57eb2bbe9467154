/** @file Defines likelihood that is shaped by each token's own probability, on either side. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { isRight, overTokens, responseObjective, shareIn, type LossOf } from './responses.js';

const shapes = ['log', 'luffy', 'chord'] as const;
type Shape = (typeof shapes)[number];

/** Signed shapes: log p, p/(p + γ), and log p times p(1 − p), which has no gradient. */
const valueOf = (shape: Shape, gamma: number, logp: number): LossOf => {
  const p = Math.exp(logp);
  if (shape === 'luffy') return { loss: p / (p + gamma), slope: (gamma * p) / (p + gamma) ** 2 };
  const weight = shape === 'log' ? 1 : p * (1 - p);
  return { loss: weight * logp, slope: weight };
};
const inWords = (shape: Shape, gamma: number): string =>
  ({ log: 'logp', luffy: `p/(p + ${gamma})`, chord: 'sg p(1 − p)·logp' })[shape];

/** Raises tokens of right responses and lowers those of wrong ones, each side by a shape of its own. */
export const shaped = defineObjective(
  'shaped',
  {
    right: oneOf(shapes)
      .default('luffy')
      .describe('shape of right responses: log p, p/(p + γ), or p(1 − p)·log p'),
    wrong: oneOf(shapes).default('luffy').describe('shape of wrong responses'),
    alpha: numberFrom(0, 100).default(1).describe('weight of wrong responses'),
    gamma: numberFrom(1e-6, 1e6).default(0.1).describe('γ of p/(p + γ), where its pull is largest'),
  },
  ({ right, wrong, alpha, gamma }) =>
    responseObjective(
      {
        name: 'shaped',
        formula: `−${inWords(right, gamma)} of right responses, ${alpha === 1 ? '' : `${alpha}·`}${inWords(wrong, gamma)} of wrong ones, mean over response tokens`,
        data: 'groups',
        needs: { reward: 'sequence' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, 'token');
        return (sequence, logps) => {
          const [shape, scale] = isRight(sequence) ? ([right, -1] as const) : ([wrong, alpha] as const);
          return overTokens(sequence, logps, scale * share(sequence), (logp) => valueOf(shape, gamma, logp));
        };
      },
    ),
  {
    gradient: '∓1, ∓γp/(p + γ)², or ∓p(1 − p)',
    source: 'LUFFY, arXiv 2504.14945, and Critique-GRPO, 2506.03106; CHORD, 2508.11408',
    use: 'where unlikely tokens of another’s traces are to count more (luffy), or those that are sure already less (chord).',
    fails: 'Neither shape raises a token whose probability is near 0.',
  },
);
