/** @file Defines DPO (arXiv 2305.18290) and the losses of the same margin against a reference model. */

import { z } from 'zod';
import { defineObjective, numberFrom, scaleNumber } from './definition.js';
import { marginObjective, negativeLogSigmoid, type MarginLoss } from './margin.js';
import { scalarOf, weightOf } from './objective.js';

/** Losses of a margin m of rewards; ε is the share of labels that are taken to be wrong, and β the scale of the reward. */
const losses = {
  sigmoid: (m: number, smoothing: number): MarginLoss => mixed(m, 1 - smoothing, smoothing),
  hinge: (m: number): MarginLoss => ({ loss: Math.max(0, 1 - m), slope: m < 1 ? -1 : 0 }),
  ipo: (m: number, _: number, beta: number): MarginLoss => {
    const error = m / beta - 1 / (2 * beta);
    return { loss: error ** 2, slope: (2 * error) / beta };
  },
  robust: (m: number, smoothing: number): MarginLoss =>
    mixed(m, (1 - smoothing) / (1 - 2 * smoothing), -smoothing / (1 - 2 * smoothing)),
};
type LossName = keyof typeof losses;
const names = Object.keys(losses) as LossName[];

/** a·(−log σ(m)) + b·(−log σ(−m)). */
function mixed(m: number, a: number, b: number): MarginLoss {
  const [as, against] = [negativeLogSigmoid(m), negativeLogSigmoid(-m)];
  if (b === 0) return { loss: a * as.loss, slope: a * as.slope };
  return { loss: a * as.loss + b * against.loss, slope: a * as.slope - b * against.slope };
}

/** DPO (arXiv 2305.18290, Eq. 7) takes sums over the response, relative to a frozen reference model. */
export const dpo = defineObjective(
  'dpo',
  {
    beta: scaleNumber().default(0.1).describe('scale of the reward'),
    losses: z
      .partialRecord(z.enum(names), numberFrom(0, 1e6), `weights of ${names.join(', ')}`)
      .refine(
        (given) => Object.values(given).some((weight) => weight > 0),
        `a weight above 0 for one of ${names.join(', ')}`,
      )
      .default({ sigmoid: 1 })
      .describe('losses of the margin that are added up, with their weights: sigmoid, hinge, ipo, robust'),
    smoothing: numberFrom(0, 0.49)
      .default(0)
      .describe('share of pairs that sigmoid (conservative DPO) and robust take to be labelled wrongly'),
    length_normalised: z
      .boolean('true or false')
      .default(false)
      .describe('whether a response’s log-ratio is divided by its length'),
  },
  ({ beta, losses: given, smoothing, length_normalised: isMean }) => {
    const terms = names
      .map((name) => ({ name, weight: given[name] ?? 0 }))
      .filter(({ weight }) => weight > 0);
    const lengthOf = isMean ? weightOf : () => 1;
    return marginObjective({
      name: 'dpo',
      formula: formulaOf(terms, { beta, smoothing, isMean }),
      needs: { reference: 'sequence' },
      reward: (sequence, logpSum) =>
        (beta * (logpSum - scalarOf(sequence, 'reference'))) / lengthOf(sequence),
      rewardSlope: (sequence) => beta / lengthOf(sequence),
      lossOf: (margin) => {
        const total = { loss: 0, slope: 0 };
        for (const { name, weight } of terms) {
          const { loss, slope } = losses[name](margin, smoothing, beta);
          total.loss += weight * loss;
          total.slope += weight * slope;
        }
        return total;
      },
    });
  },
  {
    gradient: '∓β·slope of the loss at the margin; for sigmoid ∓β·σ(−m)',
    source:
      'arXiv 2305.18290, Eq. 7; hinge 2309.06657 (RSO), after 2305.10425 (SLiC); ipo 2310.12036, Eq. 17 (TRL’s is length-normalised, as it says the paper’s figures are); robust 2403.00409; smoothing ericmitchell.ai/cdpo.pdf, Eq. 3',
    use: 'on pairs of right and wrong with a reference; a prefix that both sides share in full has no part in it.',
    fails:
      'Sums make long traces dominate; both sides may fall as long as the margin grows. β under 0.01 peaks high and collapses.',
  },
);

function formulaOf(
  terms: readonly { name: LossName; weight: number }[],
  { beta, smoothing, isMean }: { beta: number; smoothing: number; isMean: boolean },
): string {
  const ratio = (y: string) => `${isMean ? 'mean ' : ''}log π(${y})/π_ref(${y})`;
  const margin = `${ratio('y_w')} − ${ratio('y_l')}`;
  const times = (weight: number) => (weight === 1 ? '' : `${weight}·`);
  const one = {
    sigmoid: () =>
      smoothing === 0
        ? `−log σ(${beta}·(${margin}))`
        : `−${1 - smoothing}·log σ(m) − ${smoothing}·log σ(−m), m = ${beta}·(${margin})`,
    hinge: () => `max(0, 1 − ${beta}·(${margin}))`,
    ipo: () => `(${margin} − 1/(2·${beta}))²`,
    robust: () =>
      `(−${1 - smoothing}·log σ(m) + ${smoothing}·log σ(−m))/${1 - 2 * smoothing}, m = ${beta}·(${margin})`,
  };
  return `${terms.map(({ name, weight }) => `${times(weight)}${one[name]()}`).join(' + ')}, mean over pairs`;
}
