/** @file Defines on-policy distillation by the teacher's log-probs of the student's own tokens, and its hindsight form. */

import { defineObjective, meanOver, numberFrom } from './definition.js';
import { columnOf, spread, tokenWeight, weightOf, type Objective } from './objective.js';
import { overTokens, responseObjective, shareIn, sideMetrics } from './responses.js';

const parameters = {
  clip: numberFrom(0, 1e6).default(0).describe('the largest |weight| of a token; 0 for no limit'),
  mean: meanOver().default('token'),
};

/** On-policy distillation weighs each own token by log ν − log π, which has no gradient: the k1 estimate of the reverse KL. */
export const opd = defineObjective('opd', parameters, (given) => towards('opd', 'teacher', given), {
  gradient: '−(q − ℓ), q the teacher’s log-prob, within the clip',
  source:
    'reverse KL by its score function, k1; verl’s page on OPD, thinkingmachines.ai/blog/on-policy-distillation',
  use: 'on own samples that a teacher has scored: wrong traces are graded token by token instead of pushed down whole.',
  fails:
    'On another’s traces it is no KL; where teacher and student think differently the weights are noise.',
});

/** The same, where the teacher is the student itself with a right trace in its prompt. */
export const hindsight = defineObjective(
  'hindsight',
  parameters,
  (given) => towards('hindsight', 'hindsight', given),
  {
    gradient: '−(q − ℓ), q the student’s own log-prob with a right trace of the problem in the prompt',
    source: 'arXiv 2601.18734 (OPSD) in the form of opd, with log-probs that are scored once',
    use: 'on own samples, without any teacher, where each problem has one right trace.',
    fails: 'Long thinking: what the right trace says too early is punished as a detour.',
  },
);

function towards(
  name: string,
  column: string,
  { clip, mean }: { clip: number; mean: 'token' | 'sequence' },
): Objective {
  const limit = clip === 0 ? Infinity : clip;
  const weight = `log ν(y) − logp(y)`;
  return responseObjective(
    {
      name,
      formula: `−sg ${clip === 0 ? `(${weight})` : `clip(${weight}, ±${clip})`}·logp(y), mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
      data: 'groups',
      needs: { [column]: 'token' },
      couples: 'token',
    },
    ({ sequences }) => {
      const share = shareIn(sequences, mean);
      return (sequence, logps) => {
        const teacher = columnOf(sequence, column);
        return overTokens(sequence, logps, share(sequence), (logp, t) => {
          const gap = Math.min(Math.max(teacher[t]! - logp, -limit), limit);
          return { loss: -gap * logp, slope: -gap };
        });
      };
    },
  );
}

/** ReNIO gives rows of opd a weight that grows with what the student finds likelier than the teacher does. */
export const renio = defineObjective(
  'renio',
  {
    threshold: numberFrom(0, 100).default(0.8).describe('log π − log ν from which a token counts'),
    most: numberFrom(0, 100).default(2.5).describe('the most that a token counts'),
    temperature: numberFrom(1e-3, 1e3).default(1).describe('what the mean is divided by'),
  },
  ({ threshold, most, temperature }) => {
    const plain = towards('renio', 'teacher', { clip: 0, mean: 'sequence' });
    return {
      ...plain,
      formula: `sg w/mean w·opd of a response, w = exp(mean of min(log π − log ν, ${most}) where ≥ ${threshold}, over ${temperature}), at most 10`,
      couples: 'step',
      evaluate: (batch) => {
        const raw = batch.sequences.map((sequence, i) => {
          const teacher = columnOf(sequence, 'teacher');
          const gaps = batch.logps[i]!.map((logp, t) => Math.min(logp - teacher[t]!, most));
          const counted = gaps.filter((gap, t) => gap >= threshold && tokenWeight(sequence, t) !== 0);
          const total = counted.reduce((sum, gap) => sum + gap, 0);
          return Math.exp(total / Math.max(1, counted.length) / temperature);
        });
        const mean = raw.reduce((sum, weight) => sum + weight, 0) / raw.length;
        const weights = raw.map((weight) => Math.min(weight / mean, 10));
        const sequences = batch.sequences.map((sequence, i) => ({
          ...sequence,
          weight: weightOf(sequence),
          tokenWeights: spread(sequence, weights[i]!),
        }));
        return { ...plain.evaluate({ ...batch, sequences }), metrics: sideMetrics(batch) };
      },
    };
  },
  {
    gradient: '−w/mean w·(q − ℓ)',
    source:
      'BDML-lab/ReNIO, opsd_trainer.py, with the settings of its 1.7B run; opd’s form in place of the JSD is ours',
    use: 'with teacher log-probs and no answers: rows in which the student is surely wrong count more.',
    fails: 'A row that the teacher merely words differently counts as wrong.',
  },
);
