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
        const mean = baseline === 'group' ? meanReward(sequences, sequence.group) : 0;
        return -(scalarOf(sequence, 'reward') - mean - delta) / sequences.length;
      },
    );
  },
  {
    gradient: '−(r − V)',
    source: 'arXiv 2506.20520; Trinity-RFT’s advantage_fn/asymre_advantage.py for δ = −0.1',
    use: 'on several samples of a problem with rewards: α = V/(1 − V) is REDI’s α for rewards 0 and 1.',
    fails: 'V at or above the mean reward of the data: improvement turns into collapse.',
  },
);

function meanReward(sequences: readonly SequenceInfo[], row: number): number {
  const members = sequences.filter(({ group }) => group === row);
  return members.reduce((total, member) => total + scalarOf(member, 'reward'), 0) / members.length;
}
