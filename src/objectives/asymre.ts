/** @file Defines asymmetric REINFORCE. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { linearObjective } from './linear.js';
import { scalarOf, type SequenceInfo } from './objective.js';

/** AsymRE (arXiv 2506.20520) weighs log π(y) by r − V. With V under the mean reward of the samples it is safe off-policy. */
export const asymre = defineObjective(
  'asymre',
  {
    delta: numberFrom(-100, 100)
      .default(-0.1)
      .describe('added to the baseline: below 0, right ones count more'),
    baseline: oneOf(['group', 'none'])
      .default('group')
      .describe('what V is before that: the mean reward of the row’s responses, or 0'),
  },
  ({ delta, baseline }) => {
    const value = `${baseline === 'group' ? 'mean r of the row' : '0'} ${delta < 0 ? '−' : '+'} ${Math.abs(delta)}`;
    return linearObjective(
      {
        name: 'asymre',
        formula: `−(r − V)·logp(y) with V = ${value}, mean over responses`,
        data: 'groups',
        needs: { reward: 'sequence' },
      },
      (sequence, _, { sequences }) => {
        const value = baseline === 'group' ? groupValue(sequences, sequence.group, delta) : delta;
        return -(scalarOf(sequence, 'reward') - value) / sequences.length;
      },
    );
  },
  {
    gradient: '−(r − V)',
    source:
      'arXiv 2506.20520; Trinity-RFT’s advantage_fn/asymre_advantage.py for δ = −0.1, and for V = 0 where a row has one response',
    use: 'on several samples of a problem with rewards: α = V/(1 − V) is REDI’s α for rewards 0 and 1.',
    fails: 'V at or above the mean reward of the data: improvement turns into collapse.',
  },
);

/** V of a row. A response that is alone is its own mean, which says nothing of it: there V is 0. */
function groupValue(sequences: readonly SequenceInfo[], row: number, delta: number): number {
  const members = sequences.filter(({ group }) => group === row);
  if (members.length === 1) return 0;
  const total = members.reduce((sum, member) => sum + scalarOf(member, 'reward'), 0);
  return total / members.length + delta;
}
