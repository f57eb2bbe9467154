/** @file Defines distillation from a teacher's top-k: generalised knowledge distillation, and semantic soft bootstrapping. */

import { defineObjective, meanOver, numberFrom } from './definition.js';
import { divergence, type DivergenceKind } from './divergence.js';
import { tokenWeight, topKColumn, type Objective, type SequenceInfo } from './objective.js';
import { responseObjective, shareIn, type ResponsePart } from './responses.js';

/** The column of the teacher's likeliest tokens. */
const TEACHER = 'teacher_topk';

const temperatureNumber = () =>
  numberFrom(0.05, 100).describe(
    'both sides’ probabilities to the power 1/temperature; other than 1 an approximation, since their whole softmax is not known',
  );

/** GKD (arXiv 2306.13649) takes KL divergences between teacher and student, or the generalised Jensen-Shannon divergence. */
export const gkd = defineObjective(
  'gkd',
  {
    beta: numberFrom(0, 1)
      .default(0)
      .describe(
        '0: KL(ν ‖ π), 1: KL(π ‖ ν), between them the Jensen-Shannon divergence with m = βν + (1 − β)π',
      ),
    temperature: temperatureNumber().default(1),
    mean: meanOver().default('token'),
  },
  ({ beta, temperature, mean }) =>
    distillation(
      {
        name: 'gkd',
        formula: `${inWords({ beta, temperature })}, mean over ${mean === 'token' ? 'response tokens' : 'a response, then over responses'}`,
      },
      { beta, temperature, mean, divergence: 1, likelihood: 0 },
    ),
  {
    gradient:
      'of each of the k tokens v, at β = 0: −ν(v) + ν(rest)·π(v)/π(rest); at β = 1: π(v)·(log π(v)/ν(v) − log π(rest)/ν(rest))',
    source: 'arXiv 2306.13649; TRL 1.16’s DistillationTrainer (`beta`, `loss_add_tail`)',
    use: 'with a teacher’s top-k, on its traces (β = 0) or on own samples, right and wrong ones (β = 1): each token says more than its name.',
    fails:
      'Where teacher and student think differently, or the teacher brings nothing new, it teaches style; the rest outside of the top-k has no shape.',
  },
);

/** SSB trains a student on the bare question to agree with itself, where it had a right and a wrong trace in the prompt. */
export const ssb = defineObjective(
  'ssb',
  {
    kl: numberFrom(0, 1e6).default(1).describe('weight of the divergence'),
    likelihood: numberFrom(0, 1e6).default(0).describe('weight of −logp(y)'),
    temperature: temperatureNumber().default(2),
  },
  ({ kl, likelihood, temperature }) =>
    distillation(
      {
        name: 'ssb',
        formula: `${kl}·${inWords({ beta: 0, temperature })} − ${likelihood}·logp(y), mean over response tokens`,
      },
      { beta: 0, temperature, mean: 'token', divergence: kl, likelihood },
    ),
  {
    gradient: 'that of gkd at β = 0 with this temperature, and −likelihood of the token itself',
    source:
      'Semantic Soft Bootstrapping, its code’s weights 1 and 0 at temperature 2; from stored top-k in place of all logits, which is an approximation',
    use: 'on solutions that the model itself wrote with a right and a wrong trace in its prompt, their top-k stored, under the bare question.',
    fails: 'A solution that leans on the hints (“the first attempt is right”) is taught with them.',
  },
);

function inWords({ beta, temperature }: DivergenceKind): string {
  const [nu, pi] = temperature === 1 ? ['ν', 'π'] : [`ν^(1/${temperature})`, `π^(1/${temperature})`];
  const rest = 'over the top k of ν and the rest';
  if (beta === 0) return `KL(${nu} ‖ ${pi}) ${rest}`;
  if (beta === 1) return `KL(${pi} ‖ ${nu}) ${rest}`;
  const other = Number((1 - beta).toPrecision(12));
  return `[${beta}·KL(${nu} ‖ m) + ${other}·KL(${pi} ‖ m)] ${rest}, m = ${beta}·${nu} + ${other}·${pi}`;
}

interface Settings extends DivergenceKind {
  mean: 'token' | 'sequence';
  /** The weights of the divergence and of −logp(y). */
  divergence: number;
  likelihood: number;
}

function distillation(description: Pick<Objective, 'name' | 'formula'>, settings: Settings): Objective {
  return responseObjective(
    { ...description, data: 'groups', needs: { [TEACHER]: 'top-k' }, couples: 'token' },
    ({ sequences }) => {
      const share = shareIn(sequences, settings.mean);
      return (sequence, logps, reads) =>
        softPart(sequence, logps, reads[TEACHER]!, share(sequence), settings);
    },
  );
}

/** What a response adds. Tokens of weight 0 are not looked at. */
function softPart(
  sequence: SequenceInfo,
  logps: Float64Array,
  student: Float64Array,
  scale: number,
  settings: Settings,
): ResponsePart {
  const { starts, logps: teacher } = topKColumn(sequence, TEACHER);
  const gradient = new Float64Array(logps.length);
  const read = new Float64Array(student.length);
  let total = 0;
  logps.forEach((logp, t) => {
    const weight = scale * tokenWeight(sequence, t);
    if (weight === 0) return;
    const [from, end] = [starts[t]!, starts[t + 1]!];
    const { loss, slopes } = divergence(teacher!.subarray(from, end), student.subarray(from, end), settings);
    total += weight * (settings.divergence * loss - settings.likelihood * logp);
    gradient[t] = -weight * settings.likelihood;
    slopes.forEach((slope, i) => (read[from + i] = weight * settings.divergence * slope));
  });
  return { loss: total, gradient, readGradient: { [TEACHER]: read } };
}
