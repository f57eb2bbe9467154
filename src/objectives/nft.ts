/** @file Defines negative-aware fine-tuning. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { columnOf, scalarOf } from './objective.js';
import { isRight, overTokens, responseObjective, shareIn } from './responses.js';

/** A log-ratio counts as no more; a pass rate as within these. */
const [MOST, LEAST_RATE, MOST_RATE] = [10, 0.02, 0.98];

/**
 * NFT (arXiv 2505.18116): wrong responses are learned by the implicit negative policy (π_old − p̂·π)/(1 − p̂), whose
 * ratio has a floor that keeps its gradient.
 */
export const nft = defineObjective(
  'nft',
  {
    weighting: oneOf(['dr-grpo', 'grpo', 'none'])
      .default('dr-grpo')
      .describe('factor of a problem: 1 − p̂, √((1 − p̂)/p̂), or 1'),
    floor: numberFrom(1e-6, 1).default(1).describe('least ratio of the negative policy in the loss'),
    negative: numberFrom(0, 100).default(1).describe('factor of wrong responses'),
  },
  ({ weighting, floor, negative }) =>
    responseObjective(
      {
        name: 'nft',
        formula: `−ω·log ρ of right responses, −${negative === 1 ? '' : `${negative}·`}ω·log max((1 − p̂ρ)/(1 − p̂), ${floor}) of wrong ones, ρ = π/μ, ω = ${{ 'dr-grpo': '1 − p̂', grpo: '√((1 − p̂)/p̂)', none: '1' }[weighting]}, mean over response tokens`,
        data: 'groups',
        needs: { reward: 'sequence', pass_rate: 'sequence', behaviour: 'token' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, 'token');
        return (sequence, logps) => {
          const behaviour = columnOf(sequence, 'behaviour');
          const rate = Math.min(Math.max(scalarOf(sequence, 'pass_rate'), LEAST_RATE), MOST_RATE);
          const scale =
            share(sequence) *
            { 'dr-grpo': 1 - rate, grpo: Math.sqrt((1 - rate) / rate), none: 1 }[weighting] *
            (isRight(sequence) ? 1 : negative);
          return overTokens(sequence, logps, scale, (logp, t) => {
            const gap = Math.min(logp - behaviour[t]!, MOST);
            const moves = gap < MOST ? 1 : 0;
            if (isRight(sequence)) return { loss: -gap, slope: -moves };
            const ratio = Math.exp(gap);
            const held = Math.max((1 - rate * ratio) / (1 - rate), floor);
            return { loss: -Math.log(held), slope: (moves * rate * ratio) / (1 - rate) / held };
          });
        };
      },
    ),
  {
    gradient: '−ω for right responses; +ω·p̂ρ/(1 − p̂)/max((1 − p̂ρ)/(1 − p̂), floor) for wrong ones',
    source: 'arXiv 2505.18116; NVlabs/NFT, dp_actor.py, which divides sums by 1,000 where this has the mean',
    use: 'on own samples with log-probs and pass rates; at ρ = 1 it is GRPO, or Dr. GRPO, exactly.',
    fails: 'The log-probs must be the sampler’s: on traces of a teacher ρ means nothing.',
  },
);
