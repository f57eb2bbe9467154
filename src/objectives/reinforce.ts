/** @file Defines positive and negative sample reinforcement, and their weighted sum. */

import { defineObjective, numberFrom, oneOf, type ObjectiveAbout } from './definition.js';
import { columnOf, type Objective } from './objective.js';
import { isRight, overTokens, responseObjective, shareIn, type LossOf } from './responses.js';
import { clippedRatio, negativeLog, negativeLogRest } from './shapes.js';

const clip = { clip: numberFrom(0, 1).default(0.2).describe('how far the ratio π/μ may be from 1') };

const about = (side: string): Omit<ObjectiveAbout, 'use' | 'fails'> => ({
  gradient: `∓ρ for ${side} responses while ρ is within the clip or moves back to it, else 0`,
  source: 'arXiv 2506.01347, with the clipped ratio of its code',
});

/** PSR (arXiv 2506.01347) learns right samples alone. */
export const psr = defineObjective('psr', clip, (given) => oneSide('psr', 1, given.clip), {
  ...about('right'),
  use: 'on own samples with log-probs, as the positive half of REINFORCE.',
  fails: 'Samples lose their diversity: pass@k for large k falls below the start.',
});

/** NSR (arXiv 2506.01347) lowers wrong samples alone. */
export const nsr = defineObjective('nsr', clip, (given) => oneSide('nsr', -1, given.clip), {
  ...about('wrong'),
  use: 'on own samples with log-probs, where pass@k is to be kept; a term psr of weight 0.1 steadies it.',
  fails: 'Alone it decays after some hundred steps: nothing pulls right answers up.',
});

/** A mean over the tokens of one kind of responses; the others are left out of the step. */
function oneSide(name: string, advantage: 1 | -1, range: number): Objective {
  return responseObjective(
    {
      name,
      formula: `${advantage === 1 ? '−min' : 'max'}(ρ, clip(ρ, ${1 - range}, ${1 + range})) of ${advantage === 1 ? 'right' : 'wrong'} responses, ρ = π/μ, mean over their tokens`,
      data: 'groups',
      needs: { reward: 'sequence', behaviour: 'token' },
      couples: 'token',
    },
    ({ sequences }) => {
      const counts = (sequence: (typeof sequences)[number]) => isRight(sequence) === (advantage === 1);
      const share = shareIn(sequences.filter(counts), 'token');
      return (sequence, logps) => {
        const behaviour = columnOf(sequence, 'behaviour');
        return overTokens(sequence, logps, counts(sequence) ? share(sequence) : 0, (logp, t) =>
          clippedRatio(logp - behaviour[t]!, advantage, range, range),
        );
      };
    },
  );
}

/** How a wrong token is lowered: +log p, +p, −log(1 − p). */
const negatives: Record<'log' | 'probability' | 'unlikelihood', (logp: number) => LossOf> = {
  log: (logp) => ({ loss: logp, slope: 1 }),
  probability: (logp) => ({ loss: Math.exp(logp), slope: Math.exp(logp) }),
  unlikelihood: negativeLogRest,
};
const FORMS = { log: 'logp(y)', probability: 'p(y)', unlikelihood: '−log(1 − p(y))' };

/** W-REINFORCE (arXiv 2506.01347) gives right samples the weight λ; this one needs no log-probs of the sampler. */
export const wReinforce = defineObjective(
  'w-reinforce',
  {
    lambda: numberFrom(0, 100).default(0.1).describe('weight of right responses'),
    negative: oneOf(['log', 'probability', 'unlikelihood'])
      .default('log')
      .describe('how a wrong token is lowered: by log p, by p, or by −log(1 − p)'),
  },
  ({ lambda, negative }) =>
    responseObjective(
      {
        name: 'w-reinforce',
        formula: `−${lambda === 1 ? '' : `${lambda}·`}logp(y) of right responses, ${FORMS[negative]} of wrong ones, mean over response tokens`,
        data: 'groups',
        needs: { reward: 'sequence' },
        couples: 'token',
      },
      ({ sequences }) => {
        const share = shareIn(sequences, 'token');
        return (sequence, logps) =>
          isRight(sequence)
            ? overTokens(sequence, logps, lambda * share(sequence), negativeLog)
            : overTokens(sequence, logps, share(sequence), negatives[negative]);
      },
    ),
  {
    gradient: '−λ for right responses; 1, p or p/(1 − p) for wrong ones',
    source: 'arXiv 2506.01347, at ρ = 1; the probability form is that of its analysis',
    use: 'to compare the three forms of pushing down on labelled responses of any origin.',
    fails:
      'The form log is strongest on tokens that are already unlikely and unbounded; unlikelihood on those that the model is sure of; probability does little at both ends.',
  },
);
