/** @file Defines supervised fine-tuning: −logp, mean over response tokens. */

import { defineObjective } from './definition.js';
import { linearObjective } from './linear.js';

/**
 * Supervised fine-tuning takes the mean over all trained tokens of the optimizer step, so a long response weighs more
 * than a short one. Rejected sides are neither trained nor counted.
 */
export const sft = defineObjective('sft', {}, () =>
  linearObjective(
    { name: 'sft', formula: '−logp(y), mean over response tokens', data: 'messages' },
    ({ role }, { tokens, rejectedTokens }) => (role === 'rejected' ? 0 : -1 / (tokens - rejectedTokens)),
  ),
);
