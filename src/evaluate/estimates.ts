/** @file What an evaluation's samples say beyond pass@1: errors by name, pass@k, G-Pass@k, majority. */
import {
  gPassAtK,
  majorityAtK,
  meanGPassAtK,
  passAt1,
  passAtK,
  type AnsweredProblem,
  type ProblemResult,
} from '../statistics/estimators.js';
import {
  betaInterval,
  clusteredError,
  runsError,
  wilsonInterval,
  type Interval,
} from '../statistics/intervals.js';
import { counted } from '../util/counted.js';
import { sameByVerifier } from './sameAnswers.js';
import type { Resemblance } from './similar.js';
import { percent } from './words.js';

/** Shares in [0, 1] and their errors; null for an error that cannot be known. Keys of k and of thresholds are numbers. */
export interface SampleEstimates {
  /** Of pass@1, by what is taken for the sample. */
  standard_errors: {
    /** Problems, with n − 1. */
    problems: number | null;
    /** Clusters of problems that are the same but for their numbers, where there are any. */
    clustered?: number | null;
    clusters?: number;
    /** How many kinds there are of problems that are the same but for their numbers, where they are too few for an error over them. */
    kinds?: number;
    /** Samples of these problems, over runs with ddof 1: it says nothing of other problems. */
    runs?: number;
  };
  /** 95 % intervals of pass@1 that hold for few problems as well; each problem counts as one, however many samples it has. */
  intervals: { wilson: Interval; beta: Interval };
  /** Where problems have several samples. */
  pass_at?: Record<string, { mean: number; standard_error: number | null }>;
  /** By k, then by threshold; `mean` is mG-Pass@k. */
  g_pass_at?: Record<string, Record<string, number>>;
  majority_at?: Record<string, { mean: number; standard_error: number | null; monte_carlo_error: number }>;
}

const THRESHOLDS = [0.5, 0.75, 1];
/** Subsets a problem for a majority: over a few hundred problems their error is a thousandth. */
const DRAWS = 200;

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/**
 * @param results one a problem
 * @param answered the same problems with each sample's answer
 */
export function estimatesOf(
  results: readonly ProblemResult[],
  answered: readonly AnsweredProblem[],
  { clusters, kinds }: Resemblance,
): SampleEstimates {
  const { mean, standardError, problems } = passAt1(results);
  const samples = Math.min(...results.map((result) => result.samples));
  const isRectangle = results.every((result) => result.samples === samples);
  const rates = results.map((result) => result.correct / result.samples);
  const clustered =
    clusters &&
    clusteredError(
      rates,
      results.map(({ id }) => clusters.get(id)!),
    );
  return {
    standard_errors: {
      problems: orNull(standardError),
      ...(clustered && { clustered: orNull(clustered.standardError), clusters: clustered.clusters }),
      ...(kinds !== undefined && { kinds }),
      ...(samples > 1 &&
        isRectangle && {
          runs: runsError(
            answered.map(({ right }) => right.map(Number)),
            1,
          ),
        }),
    },
    intervals: { wilson: wilsonInterval(mean, problems), beta: betaInterval(mean, problems) },
    ...(samples > 1 && severalSamples(results, answered, samples)),
  };
}

function severalSamples(
  results: readonly ProblemResult[],
  answered: readonly AnsweredProblem[],
  samples: number,
): Pick<SampleEstimates, 'pass_at' | 'g_pass_at' | 'majority_at'> {
  const byK = <T>(value: (k: number) => T) =>
    Object.fromEntries(kOf(samples).map((k) => [String(k), value(k)]));
  const same = sameByVerifier();
  // A grader that tells no answers leaves nothing to vote for.
  const hasAnswers = answered.some(({ answers }) => answers.some((answer) => answer !== null));
  return {
    pass_at: byK((k) => {
      const { mean, standardError } = passAtK(results, k);
      return { mean, standard_error: orNull(standardError) };
    }),
    g_pass_at: byK((k) => ({
      ...Object.fromEntries(THRESHOLDS.map((threshold) => [threshold, gPassAtK(results, k, threshold).mean])),
      mean: meanGPassAtK(results, k).mean,
    })),
    ...(hasAnswers && {
      majority_at: byK((k) => {
        const { mean, standardError, monteCarloError } = majorityAtK(answered, k, { same, draws: DRAWS });
        return { mean, standard_error: orNull(standardError), monte_carlo_error: monteCarloError };
      }),
    }),
  };
}

/** 2, 4, 8, … and all samples. */
function kOf(samples: number): number[] {
  const ks: number[] = [];
  for (let k = 2; k < samples; k *= 2) ks.push(k);
  return [...ks, samples];
}

/** "verify: ± 2.2 % over problems, …": lines for people; none where they would say nothing more than pass@1's. */
export function describeEstimates(name: string, estimates: SampleEstimates): string[] {
  const { standard_errors: errors, intervals, pass_at, g_pass_at, majority_at } = estimates;
  if (!pass_at && errors.clustered === undefined && errors.kinds === undefined) return [];
  const named: [string, number | null | undefined][] = [
    ['over problems', errors.problems],
    [`over ${errors.clusters} clusters of problems that are the same but for numbers`, errors.clustered],
    ['over samples of these problems', errors.runs],
  ];
  const known = named.flatMap(([what, error]) =>
    // Where all are alike, an error of 0 says nothing of others; Wilson's interval does.
    typeof error === 'number' && error > 0 ? [`± ${percent(error)} ${what}`] : [],
  );
  const [low, high] = intervals.wilson;
  const lines = [
    `${name}: ${known.map((one) => `${one}, `).join('')}Wilson's 95 % interval ${percent(low)} to ${percent(high)}`,
  ];
  if (errors.kinds !== undefined)
    lines.push(
      `${name}: problems of ${counted(errors.kinds, 'kind')}, in each of which they are the same but for numbers: the errors say nothing of other kinds`,
    );
  if (pass_at && g_pass_at) {
    const k = Object.keys(pass_at).at(-1)!;
    lines.push(
      [
        `${name}: ${Object.entries(pass_at)
          .map(([at, { mean }]) => `pass@${at} ${percent(mean)}`)
          .join(', ')}`,
        `G-Pass@${k} ${THRESHOLDS.map((threshold) => `${percent(g_pass_at[k]![threshold]!)} (${threshold})`).join(', ')}`,
        ...(majority_at ? [`majority@${k} ${percent(majority_at[k]!.mean)}`] : []),
      ].join('; '),
    );
  }
  return lines;
}
