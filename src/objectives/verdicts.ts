/** @file Defines objectives of verdicts: which of some named tokens a model puts where a response is over. */

import { defineObjective, numberFrom, oneOf } from './definition.js';
import { negativeLogSigmoid } from './margin.js';
import { tokenWeight, topKColumn, type Objective, type SequenceInfo } from './objective.js';
import { isRight, responseObjective } from './responses.js';

/** The column that names the verdicts: first that for a right response, then the others. */
const VERDICT = 'verdict';

/** EpiCaR learns to say of own samples, right and wrong, which they are. */
export const epicar = defineObjective(
  'epicar',
  {
    over: oneOf(['vocabulary', 'named'])
      .default('vocabulary')
      .describe('what the verdict’s probability is among: all tokens, or those that are named'),
  },
  ({ over }) =>
    verdictObjective(
      {
        name: 'epicar',
        formula: `−log π(v)${over === 'named' ? '/π(named tokens)' : ''}, v the verdict of the reward, mean over verdicts`,
        needs: { [VERDICT]: 'named', reward: 'sequence' },
      },
      (logps, right) => {
        const largest = Math.max(...logps);
        const powers = logps.map((logp) => Math.exp(logp - largest));
        const total = powers.reduce((sum, power) => sum + power, 0);
        const isNamed = over === 'named';
        return {
          loss: (isNamed ? largest + Math.log(total) : 0) - logps[right]!,
          slopes: powers.map((power, i) => (isNamed ? power / total : 0) - (i === right ? 1 : 0)),
        };
      },
    ),
  {
    gradient: '−1 of the verdict’s own token; among named tokens also their softmax',
    source: 'EpiCaR: likelihood of yes and no after right and wrong traces; confidence is their softmax',
    use: 'beside sft on right samples, as a term: wrong ones become calibration and are not pushed down.',
    fails:
      'Where nearly all samples are right, or are wrong for their format alone, it learns the base rate.',
  },
);

/** ReVISE learns to stop after a right answer and to refine a wrong one, by likelihood and a preference. */
export const revise = defineObjective(
  'revise',
  {
    lambda: numberFrom(0, 1e6).default(0.1).describe('weight of the preference'),
    beta: numberFrom(1e-9, 1e6).default(0.1).describe('β of DPO; the paper’s is not known to us'),
  },
  ({ lambda, beta }) =>
    verdictObjective(
      {
        name: 'revise',
        formula: `−log π(v) − ${lambda}·log σ(${beta}·[log π(v)/π_ref(v) − log π(u)/π_ref(u)]), v the verdict of the reward, u the other, mean over verdicts`,
        needs: { [VERDICT]: 'top-k', reward: 'sequence' },
      },
      (logps, right, reference) => {
        const other = 1 - right;
        const gap = logps[right]! - reference![right]! - (logps[other]! - reference![other]!);
        const { loss, slope } = negativeLogSigmoid(beta * gap);
        const slopes = new Float64Array(logps.length);
        slopes[right] = -1 + lambda * beta * slope;
        slopes[other] = -lambda * beta * slope;
        return { loss: lambda * loss - logps[right]!, slopes };
      },
    ),
  {
    gradient: '−1 − λβσ(−m) of the verdict’s token and λβσ(−m) of the other, m the margin',
    source: 'ReVISE: SFT of the chosen token and 0.1·DPO, of both tokens in one place; β is ours',
    use: 'on own answers in context (weight 0): the first of two named tokens stops, the second refines; `logps` are those of the model that training starts from.',
    fails:
      'A token for refining that texts use otherwise, and answers that are nearly all right or all wrong.',
  },
);

/**
 * Makes an objective of the places where verdicts are read, each weighted as its token is.
 * @param lossOf the loss of one and its derivative by the log-probs of the named tokens; `right` is the verdict's index
 */
function verdictObjective(
  description: Pick<Objective, 'name' | 'formula' | 'needs'>,
  lossOf: (
    logps: Float64Array,
    right: 0 | 1,
    reference: Float64Array | undefined,
  ) => { loss: number; slopes: Float64Array },
): Objective {
  return responseObjective({ ...description, data: 'groups', couples: 'sequence' }, ({ sequences }) => {
    const total = sequences.reduce(
      (sum, sequence) => placesOf(sequence).reduce((all, t) => all + Math.abs(tokenWeight(sequence, t)), sum),
      0,
    );
    return (sequence, logps, { [VERDICT]: read }) => {
      const { starts, logps: reference } = topKColumn(sequence, VERDICT);
      const gradient = new Float64Array(read!.length);
      let loss = 0;
      for (const t of placesOf(sequence)) {
        if (tokenWeight(sequence, t) === 0) continue;
        const weight = tokenWeight(sequence, t) / total;
        const [from, end] = [starts[t]!, starts[t + 1]!];
        const own = lossOf(
          read!.subarray(from, end),
          isRight(sequence) ? 0 : 1,
          reference?.subarray(from, end),
        );
        loss += weight * own.loss;
        own.slopes.forEach((slope, i) => (gradient[from + i] = weight * slope));
      }
      return { loss, gradient: new Float64Array(logps.length), readGradient: { [VERDICT]: gradient } };
    };
  });
}

/** The tokens of a response at which a verdict is read. */
function placesOf(sequence: SequenceInfo): number[] {
  const { starts } = topKColumn(sequence, VERDICT);
  return Array.from({ length: sequence.length }, (_, t) => t).filter((t) => starts[t] !== starts[t + 1]);
}
