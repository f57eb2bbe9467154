/** @file Defines GLOW. */

import { defineObjective, numberFrom } from './definition.js';
import { meanLogp } from './linear.js';
import { spread, weightedSum, weightOf } from './objective.js';
import { responseObjective } from './responses.js';

/** GLOW (arXiv 2601.04992) learns right and wrong traces; from the second epoch those whose loss falls slowly count more. */
export const glow = defineObjective(
  'glow',
  {
    a: numberFrom(1e-6, 1e6).default(2).describe('the largest weight of a response'),
    b: numberFrom(0, 1e6)
      .default(20)
      .describe('how sharply the weight falls with the progress of a response'),
    least: numberFrom(0, 1e6).default(0.5).describe('the smallest weight of a response'),
  },
  ({ a, b, least }) =>
    responseObjective(
      {
        name: 'glow',
        formula: `−sg w·mean logp(y), w = max(${least}, ${a}·(1 − σ(${b}·(loss of the epoch before − loss)))), 1 in the first epoch, mean over responses`,
        data: 'groups',
        needs: {},
        couples: 'sequence',
      },
      ({ sequences, memory }) =>
        (sequence, logps) => {
          const loss = -meanLogp(sequence, weightedSum(sequence, logps));
          // Stryker disable next-line ConditionalExpression: no memory has anything under the name undefined.
          const before = sequence.id === undefined ? undefined : memory.get(sequence.id);
          const weight = before === undefined ? 1 : Math.max(least, a / (1 + Math.exp(b * (before - loss))));
          return {
            loss: (weight * loss) / sequences.length,
            gradient: spread(sequence, -weight / (weightOf(sequence) * sequences.length)),
            remember: loss,
          };
        },
    ),
  {
    gradient: '−w/N',
    source:
      'arXiv 2601.04992; Eureka-Maggie/GLOW at 5abee9a, with its settings a 2 and b 20 and its floor; its ceiling of 5 is above a',
    use: 'as the control of every push down: the same wrong traces, learned.',
    fails: 'It learns the mistakes too; with one epoch it is fine-tuning on everything.',
  },
);
