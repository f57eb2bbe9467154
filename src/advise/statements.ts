/** @file Puts what is known of data and settings into sentences, each with its formula. Decides nothing: it is no oracle. */
import { shareInWords } from '../evaluate/words.js';
import { wilsonInterval } from '../statistics/intervals.js';
import type { Schedule } from '../train/schedule.js';
import { compareWithKnown, sumOfKnown, sumOfRates, type KnownRun } from './knownRuns.js';
import type { Sides, Tally } from './tally.js';

/** What is said of one thing. */
export interface Statement {
  topic: 'pass rate' | 'alpha' | 'length' | 'direction' | 'learning rate';
  says: string[];
  formula: string;
  source: string;
  values: Record<string, number | string | null>;
}

/** A run that is planned. */
export interface Plan {
  /** How messages call its objective. */
  objective: string;
  /** The weight of wrong samples, where the objective has one that REDI's can be compared with. */
  alpha?: number | undefined;
  /** Absent where no learning rate is named. */
  steps?: { schedule: Schedule; count: number };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const number = (value: number): string => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
const count = (value: number): string => value.toLocaleString('en-US');
const rate = (value: number): string => value.toExponential(1);

/** Says all that can be said. */
export function statementsOf(tally: Tally, plan: Plan): Statement[] {
  return [
    passRate(tally),
    alphaBound(tally, plan),
    ...(tally.sides ? [lengthGap(tally, tally.sides)] : []),
    ...(tally.sides && plan.alpha !== undefined ? [direction(tally.sides, plan.alpha)] : []),
    ...(plan.steps ? [learningRates(plan, plan.steps)] : []),
  ];
}

function passRate({ problems, samples, right, noRight, noWrong, mixed, arePairs }: Tally): Statement {
  const share = (part: number) => `${count(part)} (${percent(part / problems)})`;
  return {
    topic: 'pass rate',
    says: arePairs
      ? [
          `Pairs of a right and a wrong sample, ${count(problems)} of them: p̂ = ½ by construction. How often the sampler is right, traces say, not pairs.`,
        ]
      : [
          `${count(right)} of ${count(samples)} samples of ${count(problems)} problems are right: p̂ = ${percent(right / samples)}.`,
          `${share(noRight)} of the problems have no right sample and ${share(noWrong)} no wrong one: they make no pair, and where rewards are compared within a problem they have no gradient. ${share(mixed)} have both.`,
        ],
    formula: 'p̂ = right samples / samples',
    source: 'counted',
    values: {
      ...{ problems, samples, right, pass_rate: right / samples },
      ...{ without_right: noRight, without_wrong: noWrong, with_both: mixed },
    },
  };
}

function alphaBound({ samples, right, mixed, arePairs, sides }: Tally, { alpha }: Plan): Statement {
  const wrong = samples - right;
  const bound = wrong === 0 ? Infinity : right / wrong;
  const says = arePairs
    ? ['In pairs right and wrong samples are equally many, V^μ = ½, so the bound is α < 1.']
    : [
        `A baseline V weighs a right sample by 1 − V and a wrong one by −V, which is α = V/(1 − V). Off-policy it improves on the sampler while V is below the sampler’s mean reward p̂, and collapses from there on: α < p̂/(1 − p̂) = ${bound === Infinity ? '∞' : number(bound)} where all samples are trained as they were drawn.`,
        'In pairs each side stands once, so that p̂ = ½ there, and the bound is α < 1.',
      ];
  if (alpha !== undefined) {
    const besides =
      alpha <= 0
        ? 'pushes nothing down: it has no bound to keep'
        : arePairs || alpha >= 1 === alpha >= bound
          ? `is ${alpha < Math.min(bound, 1) ? 'below' : 'not below'} ${arePairs ? 'it' : 'either'}`
          : alpha < 1
            ? 'is below that of pairs and not below that of all samples'
            : 'is below that of all samples and not below that of pairs';
    const own =
      alpha > 0 && !arePairs && sides
        ? ` By their own samples, ${count(sides.beyondOwnBound)} of ${count(mixed)} problems with both have p̂/(1 − p̂) ≤ α.`
        : '';
    says.push(`α = ${number(alpha)} ${besides}.${own}`);
  }
  says.push(
    'The proof is for sums of log-probs of samples as they were drawn; REDI divides by lengths and trains pairs. What held and what collapsed in REDI’s own runs agrees with α < 1 and says nothing of the other bound.',
  );
  return {
    topic: 'alpha',
    says,
    formula: 'α = V/(1 − V), V < p̂  ⇒  α < p̂/(1 − p̂)',
    source: 'AsymRE, arXiv 2506.20520; REDI, arXiv 2505.24850',
    values: {
      alpha: alpha ?? null,
      bound_of_samples: bound === Infinity ? null : bound,
      bound_of_pairs: 1,
      ...(sides && { problems_beyond_own_bound: sides.beyondOwnBound }),
    },
  };
}

/** From so many standard errors on a length gap is one, and from so far from one half on it is large. */
const [CLEAR, LARGE] = [2, 0.1];

function lengthGap({ unit, mixed }: Tally, sides: Sides): Statement {
  const { rightLength, wrongLength, ratio, wrongLonger, standardError } = sides;
  const gap = Math.abs(ratio - 1);
  const word = ratio >= 1 ? 'longer' : 'shorter';
  const lengths =
    unit === undefined ? '' : ` (${number(wrongLength)} and ${number(rightLength)} ${unit} on average)`;
  const z = Math.abs(wrongLonger - 0.5) / standardError;
  // Problems that are all alike have no error; Wilson's interval says how much they tell.
  const [low, high] = wilsonInterval(wrongLonger, mixed);
  const isClear = mixed > 1 && (standardError === 0 ? low > 0.5 || high < 0.5 : z > CLEAR);
  const isLarge = Math.abs(wrongLonger - 0.5) >= LARGE;
  const learned = wrongLonger > 0.5 ? 'shorter' : 'longer';
  return {
    topic: 'length',
    says: [
      `Wrong samples are ${percent(gap)} ${word} than right ones of the same problem${lengths}; a wrong one is the longer in ${shareInWords(wrongLonger, standardError, mixed)} of comparisons.`,
      isClear
        ? `Length alone tells them apart${isLarge ? '' : ' a little'}, so REDI ${isLarge ? 'will learn' : 'may lean towards'} ${learned} answers first, whatever that does to accuracy. Pairs of like length have no such gap: redistill curate --match-length 0.25.`
        : 'That is not told from one half: length says little about right and wrong here.',
    ],
    formula:
      'gap = exp(mean log(mean |y_l| / mean |y_w|)) − 1;  share = P(|y_l| > |y_w|) + ½·P(|y_l| = |y_w|), mean over problems',
    source: 'counted; told from one half beyond two standard errors, and large from ten points on',
    values: {
      unit: unit ?? null,
      right_length: unit === undefined ? null : rightLength,
      wrong_length: unit === undefined ? null : wrongLength,
      gap: ratio - 1,
      wrong_longer: wrongLonger,
      standard_error: standardError,
      learns_first: isClear ? learned : null,
    },
  };
}

function direction({ lowered }: Sides, alpha: number): Statement {
  const both = 1 - alpha;
  return {
    topic: 'direction',
    says: [
      `REDI raises a right sample by 1 in all, spread over its tokens, and ${alpha < 0 ? 'raises' : 'lowers'} a wrong one by ${number(Math.abs(alpha))}: both together ${both > 0 ? `rise by ${number(both)}` : 'do not rise'}.`,
      `A token that both have in common gets 1/|y_w| − α/|y_l|: it is lowered where |y_l| < α·|y_w|, in ${percent(lowered)} of comparisons.`,
      ...(alpha > 0
        ? [
            'Expect the wrong side to fall and the right one to rise a little, or to fall slowly with it, which is benign while accuracy rises. In a collapse both fall together within tens or hundreds of steps, the wrong side further; the loss gets better all the while. The sentinel of train looks for it.',
          ]
        : []),
    ],
    formula: '∂/∂ℓ = −1/|y_w| on the right side, +α/|y_l| on the wrong one; Σ = −(1 − α)',
    source: 'REDI, arXiv 2505.24850, Eq. 5 and Fig. 6; docs/training.md',
    values: { alpha, net_push: both, shared_tokens_lowered: lowered },
  };
}

function learningRates(
  { objective, alpha }: Plan,
  { schedule, count: steps }: NonNullable<Plan['steps']>,
): Statement {
  const sum = sumOfRates(schedule, steps);
  const says = [
    `${count(steps)} steps with a rate of ${rate(schedule.peak)} at most: the rates add up to ${rate(sum)}. AdamW moves a weight by about its rate in a step, so that is about how far one can come.`,
  ];
  if (alpha === undefined)
    says.push(`Known runs are of REDI and of the symmetric objective; they say nothing of ${objective}.`);
  else if (alpha <= 0) says.push('Known runs push wrong samples down; this one does not.');
  else says.push(...comparisonInWords(alpha, sum));
  return {
    topic: 'learning rate',
    says,
    formula:
      'Σ lr over the steps of the schedule, against that of known runs up to their collapse, or of all their steps',
    source: 'REDI, arXiv 2505.24850, Fig. 6 and 7; docs/results.md, bench:collapse',
    values: { steps, peak: schedule.peak, sum_of_rates: sum },
  };
}

function comparisonInWords(alpha: number, sum: number): string[] {
  const { collapsed, held } = compareWithKnown(alpha, sum);
  const lines = [
    ...(collapsed.length > 0
      ? [
          `With no larger α, no more than that brought the log-probs of both sides down sharply: ${listOf(collapsed)}.`,
        ]
      : []),
    ...(held.length > 0 ? [`With no smaller α, no less than that held: ${listOf(held)}.`] : []),
  ];
  if (lines.length === 2)
    lines.push('They disagree, as other models and batches do: log several checkpoints, and start lower.');
  if (lines.length === 0)
    lines.push(
      'Known runs say neither: with no larger α none collapsed after that or less, and with no smaller α none held for that or more.',
    );
  return lines;
}

const listOf = (runs: readonly KnownRun[]): string =>
  runs
    .map((run) => {
      const { model, alpha, schedule, collapsedAt } = run;
      const end =
        collapsedAt === undefined ? `all ${count(schedule.totalSteps)} steps` : `step ${count(collapsedAt)}`;
      return `${rate(sumOfKnown(run))} by ${end} of ${model} at α ${alpha}, lr ${rate(schedule.peak)}`;
    })
    .join('; ');

/** The statements as text for people. */
export function describeStatements(statements: readonly Statement[]): string {
  return statements
    .map(({ topic, says, formula, source }) =>
      [topic, ...says.map((line) => `  ${line}`), `  [${formula}; ${source}]`].join('\n'),
    )
    .join('\n\n');
}
