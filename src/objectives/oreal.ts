/** @file Defines OREAL's policy loss. */

import { defineObjective, numberFrom } from './definition.js';
import { columnOf, scalarOf } from './objective.js';
import { overTokens, responseObjective, shareIn } from './responses.js';
import { thirdEstimator } from './shapes.js';

/**
 * OREAL (arXiv 2502.06781) clones right samples and lowers wrong ones, token by token as a reward model says. `credit` is P_t,
 * its probability after token t that the answer will be right; ω⁺ = clip((P − ½)/½, 0, 1), ω⁻ = clip((½ − P)/½, 0, 1).
 */
export const oreal = defineObjective(
  'oreal',
  {
    negative: numberFrom(0, 100).default(0.5).describe('weight of wrong responses'),
    kl: numberFrom(0, 100).default(0.01).describe('weight of the KL to the reference'),
  },
  ({ negative, kl }) =>
    responseObjective(
      {
        name: 'oreal',
        formula: `−Aω⁺·logp(y) over right tokens, −${negative}·Aω⁻·π/sg π over wrong ones, + ${kl}·mean k3`,
        data: 'groups',
        needs: { advantage: 'sequence', credit: 'token', reference: 'token' },
        couples: 'token',
      },
      ({ sequences }) => {
        const isUp = (sequence: (typeof sequences)[number]) => scalarOf(sequence, 'advantage') > 0;
        const share = shareIn(sequences, 'token');
        const up = shareIn(sequences.filter(isUp), 'token');
        const down = shareIn(
          sequences.filter((sequence) => !isUp(sequence)),
          'token',
        );
        return (sequence, logps) => {
          const advantage = scalarOf(sequence, 'advantage');
          const [credit, reference] = [columnOf(sequence, 'credit'), columnOf(sequence, 'reference')];
          const scale = isUp(sequence) ? up(sequence) : negative * down(sequence);
          const near = kl * share(sequence);
          return overTokens(sequence, logps, 1, (logp, t) => {
            const omega = Math.min(Math.max((isUp(sequence) ? 1 : -1) * (2 * credit[t]! - 1), 0), 1);
            const [pull, third] = [scale * advantage * omega, thirdEstimator(logp, reference[t]!)];
            return {
              loss: (isUp(sequence) ? -pull * logp : -pull) + near * third.loss,
              slope: -pull + near * third.slope,
            };
          });
        };
      },
    ),
  {
    gradient:
      '−Aω⁺ for right responses, −½Aω⁻ for wrong ones, each over its own tokens, + 0.01·(1 − π_ref/π)',
    source: 'arXiv 2502.06781, as its code has it',
    use: 'where a token reward model has scored the samples once: credit goes to the tokens that decide.',
    fails: 'The credit belongs to one reward model; where it is near ½ everywhere nothing is learned.',
  },
);
