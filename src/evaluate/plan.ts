/** @file Plans a comparison: how many problems, samples and seeds show a wanted effect, frozen in a file before anything is looked at. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { readProblems } from '../data/problems.js';
import { pairedVariance } from '../statistics/paired.js';
import {
  detectableEffect,
  differenceVariance,
  problemsNeeded,
  responsesForSeeds,
  samplesNeeded,
  seedVariance,
  type DifferenceVariance,
} from '../statistics/power.js';
import { compareOverSeeds, pool } from '../statistics/seeds.js';
import type { ProblemResult } from '../statistics/estimators.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { readRegular } from '../util/regularFile.js';
import { packageVersion } from '../util/version.js';
import { readEvaluation, type StoredEvaluation } from './protocol.js';
import { clustersOf } from './similar.js';

const share = z.number().gt(0).lt(1);
const count = z.int().positive();

export const planSettings = z.strictObject({
  effect: z.number().gt(0).max(100).describe('the true difference that is to be seen, in points of pass@1'),
  data: z.string().min(1).describe('the problems that both models will be evaluated on'),
  problem_field: z.string().optional().describe('the field that holds the problem, as `evaluate` takes it'),
  answer_field: z.string().optional().describe('the field that holds the gold, as `evaluate` takes it'),
  shuffle: z
    .int()
    .min(0)
    .optional()
    .describe(
      'seed of a shuffle of the problems before skip, as `evaluate` takes it; without it they stay in order',
    ),
  skip: z
    .int()
    .min(0)
    .default(0)
    .describe('problems to leave out at the beginning: those that were looked at'),
  before: z
    .string()
    .optional()
    .describe('an earlier evaluation that variances are taken from, or one a seed with commas; needs after'),
  after: z.string().optional().describe('that of the model which was compared with it, on the same problems'),
  grader: z.string().optional().describe('whose verdicts count; without it those of the first grader'),
  between: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('ω², the variance over problems of the difference of chances, instead of before and after'),
  within: z
    .number()
    .min(0)
    .max(0.25)
    .optional()
    .describe('σ², the mean variance of one sample of a problem, on either side; goes with between'),
  seed_deviation: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('standard deviation of the difference over seeds of training, in points'),
  samples: count
    .optional()
    .describe('samples of each problem by each seed; without it the fewest with which the data are enough'),
  seeds: count.default(1).describe('seeds of training'),
  alpha: share.default(0.05).describe('the chance of seeing a difference where there is none, two-sided'),
  power: share.default(0.8).describe('the chance of seeing the effect where it is there'),
});
export type PlanSettings = z.output<typeof planSettings>;

const KIND = 'redistill comparison';
/** A plan has a few hundred bytes. */
const MOST_BYTES = 1 << 20;

const frozenPlan = z.object({
  plan: z.literal(KIND),
  version: z.string(),
  data: z.object({ file: z.string(), rows: z.number(), sha256: z.string() }),
  grader: z.string().optional(),
  /** Which of the problems, by the settings of `evaluate`; plans of earlier versions leave it open. */
  shuffle: z.int().min(0).optional(),
  skip: z.int().min(0).optional(),
  problems: count,
  samples: count,
  seeds: count,
  /** A share, as all of these. */
  effect: share,
  alpha: share,
  power: share,
  variance: z.object({
    between: z.number(),
    within: z.tuple([z.number(), z.number()]),
    seed: z.number(),
  }),
});
/** What was decided before anything was looked at. */
export type FrozenPlan = z.infer<typeof frozenPlan>;

/**
 * Computes the fewest problems that show the effect, and the samples of each.
 * @throws UserError where the data are not enough, or variances are missing
 */
export async function makePlan(settings: PlanSettings): Promise<FrozenPlan> {
  const { data, problem_field: problem, answer_field: answer, grader, seeds, alpha, power } = settings;
  const { isSplit, ...variance } = varianceFor(settings);
  const { shuffle, skip } = settings;
  const { usable: all, digest } = await readProblems(data, () => undefined, { problem, answer });
  const usable = Math.max(0, all - skip);
  const left = skip === 0 ? 'has' : `has, after ${counted(skip, 'problem')} that are left out,`;
  const effect = settings.effect / 100;
  const wanted = { effect, seeds, alpha, power };
  // The smallest p-value of n problems is that of all of them agreeing, 2 / 2ⁿ.
  const least = Math.ceil(1 - Math.log2(alpha) - 1e-9);
  if (usable < least)
    throw new UserError(
      `${data} ${left} ${counted(usable, 'problem')}, and with fewer than ${least} nothing can be told at α = ${alpha}: take more problems.`,
    );
  // Of several seeds the interval by problems and Student's t of their own differences both have to leave out 0.
  const responses = seeds > 1 ? responsesForSeeds(variance, wanted) : 0;
  const needed = (samples: number) =>
    Math.max(
      least,
      Math.ceil(
        Math.max(
          problemsNeeded(variance, { ...wanted, samples }),
          responses === Infinity ? Infinity : responses / samples,
        ) - 1e-9,
      ),
    );
  const enough = Math.max(samplesNeeded(variance, { ...wanted, problems: usable }), responses / usable);
  const samples = settings.samples ?? (needed(1) <= usable ? 1 : Math.ceil(enough));
  const problems = needed(samples);
  if (problems > usable) {
    const size = { problems: usable, samples, seeds };
    const seen = (100 * effectSeen(variance, size, { alpha, power })).toFixed(1);
    if (!isSplit)
      throw new UserError(
        `${data} ${left} ${usable} problems: with ${counted(seeds, 'seed')} they show differences from ${seen} points, not ${settings.effect}. What more samples of each would show cannot be told of earlier evaluations with one: take more problems, a larger effect, or evaluations with several samples for "before" and "after".`,
      );
    throw new UserError(
      `${data} ${left} ${usable} problems: with ${Number.isFinite(samples) ? `${counted(samples, 'sample')} of each` : 'any number of samples'} and ${counted(seeds, 'seed')} they show differences from ${seen} points, not ${settings.effect}; take more problems${(variance.seed ?? 0) > 0 ? ', more seeds' : ''} or a larger effect.`,
    );
  }
  return {
    plan: KIND,
    version: packageVersion(),
    data: { file: data, rows: all, sha256: digest },
    ...(grader !== undefined && { grader }),
    ...{ ...(shuffle !== undefined && { shuffle }), skip, problems, samples, seeds, effect, alpha, power },
    variance: { between: variance.between, within: [...variance.within], seed: variance.seed ?? 0 },
  };
}

/** The smallest true difference that a comparison of a size sees with the power; with several seeds their own error is looked at too. */
export function effectSeen(
  variance: DifferenceVariance,
  { problems, samples, seeds }: { problems: number; samples: number; seeds: number },
  level: { alpha: number; power: number },
): number {
  const size = { problems, samples };
  const ofProblems = detectableEffect(Math.sqrt(differenceVariance(variance, { ...size, seeds })), level);
  if (seeds === 1) return ofProblems;
  const ofSeeds = detectableEffect(Math.sqrt(seedVariance(variance, size) / seeds), level, seeds - 1);
  return Math.max(ofProblems, ofSeeds);
}

/** Whether it is known what of the variance is that of samples. */
export type KnownVariance = DifferenceVariance & { isSplit: boolean };

/** @throws UserError where neither evaluations nor variances are given, or both */
function varianceFor(settings: PlanSettings): KnownVariance {
  const { before, after, between, within, seed_deviation: deviation } = settings;
  const given = deviation === undefined ? undefined : (deviation / 100) ** 2;
  if ((before === undefined) !== (after === undefined) || (between === undefined) !== (within === undefined))
    throw new UserError('"before" goes with "after", and "between" with "within": give both of them.');
  if ((before === undefined) === (between === undefined))
    throw new UserError(
      'A plan needs variances: those of earlier evaluations ("before" and "after"), or numbers ("between" and "within").',
    );
  if (between !== undefined) return { between, within: [within!, within!], seed: given ?? 0, isSplit: true };
  const found = earlierVariance(before!.split(','), after!.split(','), settings.grader);
  return given === undefined ? found : { ...found, seed: given };
}

function earlierVariance(before: string[], after: string[], grader: string | undefined): KnownVariance {
  const opened = [before, after].map((dirs) => dirs.map(readEvaluation));
  const [a, b] = opened.map((side) => side.map((one) => resultsOf(one, grader))) as [
    ProblemResult[][],
    ProblemResult[][],
  ];
  const { clusters } = clustersOf(opened[0]![0]!.results.problems);
  const known = varianceOver(a, b, clusters);
  if (known) return known;
  throw new UserError(
    `${before.join(',')} and ${after.join(',')} ${a[0]!.length === 1 ? 'have a single problem' : 'differ on every problem alike'}, of which no variance can be told: take other earlier evaluations, or give "between" and "within".`,
  );
}

/**
 * What the difference of two evaluations varies by.
 * @param before results, a list a seed
 * @param clusters of problems that resemble each other
 * @returns undefined where all problems differ alike
 */
export function varianceOver(
  before: readonly (readonly ProblemResult[])[],
  after: readonly (readonly ProblemResult[])[],
  clusters?: ReadonlyMap<string, string>,
): KnownVariance | undefined {
  const { spread, between, within } = pairedVariance(pool(before), pool(after), clusters);
  if (!(spread > 0)) return undefined;
  // Of single samples nothing is known but the sum; it is all taken for the problems'.
  const isSplit = !within.some(Number.isNaN);
  const known: KnownVariance = { between: Math.max(0, between), within: isSplit ? within : [0, 0], isSplit };
  if (before.length !== after.length || before.length === 1) return known;
  const { seedDeviation, problems } = compareOverSeeds(before, after);
  // What the seeds' differences vary by that other samples of the same problems would have given as well.
  const [first, second] = [before[0]![0]!, after[0]![0]!];
  const noise = (known.within[0] / first.samples + known.within[1] / second.samples) / problems;
  return { ...known, seed: Math.max(0, seedDeviation ** 2 - noise) };
}

function resultsOf({ dir, results }: StoredEvaluation, grader: string | undefined): ProblemResult[] {
  const found = grader === undefined ? [...results.graders.values()][0] : results.graders.get(grader);
  if (found) return found.results;
  throw new UserError(
    `${dir} was not graded by "${grader}", only by ${[...results.graders.keys()].join(', ')}.`,
  );
}

/** Writes a plan once. @throws UserError where there is something already: a plan that can be changed is none */
export function writePlan(path: string, plan: FrozenPlan): void {
  if (existsSync(path))
    throw new UserError(`${path} exists, and a plan is made once: name another file, or remove it yourself.`);
  writeFileAtomic(path, `${JSON.stringify(plan, null, 2)}\n`);
}

/** @throws UserError where the file is missing or is not a plan, naming the field */
export function readPlan(path: string): FrozenPlan {
  let value: unknown;
  try {
    value = JSON.parse(readRegular(path, MOST_BYTES));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new UserError(`${path} is not JSON: name a file that \`redistill plan\` has written.`);
    throw error;
  }
  const parsed = frozenPlan.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: field, message } = parsed.error.issues[0]!;
  throw new UserError(`${path} is not a plan of \`redistill plan\`: field "${field.join('.')}": ${message}.`);
}

/**
 * How evaluations depart from a plan, as sentences without a full stop.
 * @param sides the evaluations before and after, one a seed
 * @throws UserError where they are of other data, or another grader is asked
 */
export function departuresFrom(
  plan: FrozenPlan,
  sides: readonly (readonly StoredEvaluation[])[],
  graders: readonly string[],
): string[] {
  const other = graders.find((grader) => plan.grader !== undefined && grader !== plan.grader);
  if (other !== undefined)
    throw new UserError(`The plan is for the grader "${plan.grader!}", not for "${other}".`);
  const found = new Set<string>();
  for (const { dir, record, results } of sides.flat()) {
    if (record?.data.sha256 !== plan.data.sha256)
      throw new UserError(
        `${dir} is of ${record ? `data with the sha256 ${record.data.sha256.slice(0, 12)}…` : 'unknown data'}, the plan of ${plan.data.file} with ${plan.data.sha256.slice(0, 12)}….`,
      );
    const samples = Math.min(...[...results.graders.values()][0]!.results.map((result) => result.samples));
    if (plan.skip !== undefined && (record.skip !== plan.skip || record.shuffle !== plan.shuffle))
      found.add(
        `other problems of the file (${which(record)}) than the ones planned (${which({ ...plan, skip: plan.skip })})`,
      );
    if (results.problems.size !== plan.problems)
      found.add(`${counted(results.problems.size, 'problem')} instead of the ${plan.problems} planned`);
    if (samples !== plan.samples)
      found.add(`${counted(samples, 'sample')} of a problem instead of the ${plan.samples} planned`);
  }
  const seeds = Math.max(...sides.map((side) => side.length));
  if (seeds !== plan.seeds) found.add(`${counted(seeds, 'seed')} instead of the ${plan.seeds} planned`);
  return [...found];
}

/** "shuffle 1, skip 20": how problems were chosen. */
const which = ({ shuffle, skip }: { shuffle?: number | undefined; skip: number }): string =>
  `${shuffle === undefined ? 'in order' : `shuffle ${shuffle}`}, skip ${skip}`;

/**
 * The plan in words.
 * @param path where it was written
 */
export function describePlan(
  { data, shuffle, skip = 0, problems, samples, seeds, effect, alpha, power, variance }: FrozenPlan,
  path = 'FILE',
): string {
  const side = (name: string) => (seeds === 1 ? name : `${name}1,…,${name}${seeds}`);
  const points = (value: number) => (100 * value).toFixed(1);
  const [a, b] = variance.within;
  return [
    `To see a true difference of ${points(effect)} points with a chance of ${points(power)} % (α = ${alpha}): ` +
      `${problems} of the ${data.rows} problems of ${data.file}, ${counted(samples, 'sample')} of each, ${counted(seeds, 'seed')}.`,
    `Variances: ${variance.between.toFixed(4)} between problems, ${a.toFixed(4)} and ${b.toFixed(4)} within one, ${variance.seed.toFixed(6)} over seeds.`,
    `Evaluate both with ${shuffle === undefined ? '' : `--shuffle ${shuffle} `}${skip === 0 ? '' : `--skip ${skip} `}--count ${problems}${samples > 1 ? ` --samples ${samples} and a temperature above 0` : ''}${seeds > 1 ? ', every seed into a folder of its own' : ''}, then: redistill compare ${side('A')} ${side('B')} --plan ${path}`,
  ].join('\n');
}
