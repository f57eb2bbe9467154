/** @file Defines dynamic fine-tuning. */

import { defineObjective, meanOver } from './definition.js';
import { overTokens, responseObjective, shareIn } from './responses.js';

/** DFT (arXiv 2508.05629) weighs each token by its own probability, which has no gradient. */
export const dft = defineObjective(
  'dft',
  { mean: meanOver().default('token') },
  ({ mean }) =>
    responseObjective(
      {
        name: 'dft',
        formula: `−sg p·logp(y), mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
        data: 'messages',
        needs: {},
        couples: 'token',
      },
      ({ sequences }) => {
        const learned = sequences.filter(({ role }) => role !== 'rejected');
        const share = shareIn(learned, mean);
        return (sequence, logps) =>
          overTokens(sequence, logps, sequence.role === 'rejected' ? 0 : share(sequence), (logp) => {
            const p = Math.exp(logp);
            return { loss: -p * logp, slope: -p };
          });
      },
    ),
  {
    gradient: '−p',
    source: 'arXiv 2508.05629; TRL’s loss_type dft',
    use: 'instead of sft on mathematics, where rare tokens of the traces are rather noise.',
    fails:
      'It learns nothing that the model finds unlikely: new knowledge and new styles come in slowly or not at all.',
  },
);
