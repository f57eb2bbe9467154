/** @file Defines supervised fine-tuning: −logp, mean over response tokens or over responses. */

import { defineObjective, meanOver } from './definition.js';
import { linearObjective } from './linear.js';
import { weightOf } from './objective.js';

/**
 * Supervised fine-tuning takes the mean over all trained tokens of the optimizer step, so a long response weighs more
 * than a short one, unless the mean is over responses. Rejected sides are neither trained nor counted.
 */
export const sft = defineObjective(
  'sft',
  { mean: meanOver().default('token') },
  ({ mean }) =>
    linearObjective(
      {
        name: 'sft',
        formula: `−logp(y), mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
        data: 'messages',
      },
      (sequence, { tokens, rejectedTokens, pairs }, { sequences }) => {
        if (sequence.role === 'rejected') return 0;
        if (mean === 'token') return -1 / (tokens - rejectedTokens);
        return -1 / (weightOf(sequence) * (sequences.length - pairs));
      },
    ),
  {
    gradient: '−1',
    source:
      'maximum likelihood; the token mean is that of TRL and of REDI’s code, where arXiv 2505.24850, Eq. 1, has a trace’s sum',
    use: 'to learn from right traces alone.',
    fails:
      'It learns whatever the traces do, mistakes that the verifier missed included, and says nothing of wrong ones.',
  },
);
