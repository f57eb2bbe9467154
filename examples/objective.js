/**
 * An objective of your own: REDI whose push on a wrong trace ends where the trace has become unlikely enough.
 *
 *     redistill train recipes/redi.yaml --set 'objective={ module: examples/objective.js, push: 0.5 }'
 *
 * A module is code that runs: name none that you do not trust. `redistill train --help objectives` lists those that there are.
 */
import { defineObjective, numberFrom, spread, weightedSum, weightOf } from 'redistill/objectives';

export const objective = defineObjective(
  'bounded',
  {
    push: numberFrom(0, 1).default(0.5).describe('weight of the rejected side'),
    floor: numberFrom(-100, 0).default(-3).describe('mean log-prob of it below which nothing pushes'),
  },
  ({ push, floor }) => ({
    name: 'bounded',
    formula: `−mean logp(y_w) + ${push}·max(mean logp(y_l), ${floor}), mean over pairs`,
    data: 'pairs',
    needs: {},
    couples: 'sequence', // a token's gradient depends on the rest of its response
    evaluate: ({ sequences, logps, step }) => {
      const terms = sequences.map((sequence, i) => {
        const mean = weightedSum(sequence, logps[i]) / weightOf(sequence);
        if (sequence.role === 'chosen') return { loss: -mean, slope: -1 };
        return { loss: push * Math.max(mean, floor), slope: mean > floor ? push : 0 };
      });
      const { pairs } = step.counts; // of the whole step, so that the losses of its parts add up
      return {
        loss: terms.reduce((sum, { loss }) => sum + loss / pairs, 0),
        gradient: sequences.map((each, i) => spread(each, terms[i].slope / (weightOf(each) * pairs))),
        metrics: {},
      };
    },
  }),
);
