/** @file Defines A*-PO's regression. */

import { defineObjective, scaleNumber } from './definition.js';
import { scalarOf, spread, weightedSum } from './objective.js';
import { responseObjective } from './responses.js';

/** A*-PO (arXiv 2505.20686): the log-ratio of a response is regressed on its optimal advantage r − V*. */
export const a2po = defineObjective(
  'a2po',
  { beta: scaleNumber().default(0.1).describe('scale of the log-ratio') },
  ({ beta }) =>
    responseObjective(
      {
        name: 'a2po',
        formula: `(${beta}·log π(y)/π_ref(y) − (r − V*))², mean over responses`,
        data: 'groups',
        needs: { reward: 'sequence', value: 'sequence', reference: 'sequence' },
        couples: 'sequence',
      },
      ({ sequences }) =>
        (sequence, logps) => {
          const gap = weightedSum(sequence, logps) - scalarOf(sequence, 'reference');
          const error = beta * gap - (scalarOf(sequence, 'reward') - scalarOf(sequence, 'value'));
          return {
            loss: error ** 2 / sequences.length,
            gradient: spread(sequence, (2 * beta * error) / sequences.length),
          };
        },
    ),
  {
    gradient: '2β·(β·log π/π_ref − (r − V*))',
    source: 'arXiv 2505.20686; value is V* = β·log mean exp(r/β) over samples of the reference',
    use: 'offline, on right and wrong samples, where V* of each problem is known.',
    fails: 'Sums over long responses: β must be small, or a squared error of one row is the whole step.',
  },
);
