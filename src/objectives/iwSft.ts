/** @file Defines importance-weighted fine-tuning. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { columnOf, weightedSum, weightOf } from './objective.js';
import { overTokens, responseObjective, shareIn } from './responses.js';

/** iw-SFT (arXiv 2507.12856) weighs what it learns by how much likelier it is now than under the reference. */
export const iwSft = defineObjective(
  'iw-sft',
  {
    ratio: oneOf(['sequence', 'token'])
      .default('sequence')
      .describe('whether a response has one weight, by its mean log-ratio, or each token its own'),
    temperature: numberFrom(0, 100).default(1).describe('factor of the mean log-ratio'),
    most: numberFrom(1, 1e6)
      .default(16)
      .describe('the largest weight of a response; a token’s is within 0.2 and 1.8'),
  },
  ({ ratio, temperature, most }) =>
    responseObjective(
      {
        name: 'iw-sft',
        formula:
          ratio === 'sequence'
            ? `−sg min(exp(${temperature}·mean log π(y)/π_ref(y)), ${most})·logp(y), mean over response tokens`
            : '−sg clip(π(y_t)/π_ref(y_t), 0.2, 1.8)·logp(y_t), mean over response tokens',
        data: 'messages',
        needs: { reference: 'token' },
        couples: ratio,
      },
      ({ sequences }) => {
        const share = shareIn(
          sequences.filter(({ role }) => role !== 'rejected'),
          'token',
        );
        return (sequence, logps) => {
          const reference = columnOf(sequence, 'reference');
          const gap = (weightedSum(sequence, logps) - weightedSum(sequence, reference)) / weightOf(sequence);
          const whole = Math.min(Math.exp(temperature * gap), most);
          const scale = sequence.role === 'rejected' ? 0 : share(sequence);
          return overTokens(sequence, logps, scale, (logp, t) => {
            const own = Math.min(Math.max(Math.exp(logp - reference[t]!), 0.2), 1.8);
            const weight = ratio === 'sequence' ? whole : own;
            return { loss: -weight * logp, slope: -weight };
          });
        };
      },
    ),
  {
    gradient: '−w, the detached weight',
    source: 'arXiv 2507.12856; emmyqin/iw_sft, bounding_trainers.py',
    use: 'on right traces, for a tighter bound on reward than plain likelihood; start from the reference.',
    fails: 'Responses that have become likely take over: the weights grow with what they have done.',
  },
);
