/** @file Compares evaluations of the same problems, and says whether a difference is real. Reads the folders, writes nothing. */
import { parse, resolve } from 'node:path';
import { z } from 'zod';
import {
  bootstrapInterval,
  comparePaired,
  pairedDifferences,
  pairedVariance,
  probabilityBetter,
} from '../statistics/paired.js';
import { meanOf, passAt1, type ProblemResult } from '../statistics/estimators.js';
import { studentInterval, type Interval } from '../statistics/intervals.js';
import { detectableEffect, problemsNeeded, samplesNeeded, seedsNeeded } from '../statistics/power.js';
import { compareOverSeeds, holm, pool } from '../statistics/seeds.js';
import { alwaysValid } from '../statistics/sequential.js';
import { UserError } from '../util/errors.js';
import { departuresFrom, type FrozenPlan } from './plan.js';
import {
  protocolFields,
  readEvaluation,
  requireSameProtocol,
  type ProtocolField,
  type StoredEvaluation,
} from './protocol.js';
import { clustersOf } from './similar.js';
import { pairsOfTasks, type ComparedPair } from './taskFolders.js';

export const compareSettings = z.strictObject({
  grader: z
    .string()
    .optional()
    .describe(
      'whose verdicts count, several with commas, each a row of its own; without it those of the first grader of each pair',
    ),
  differ_in: z
    .array(z.enum(protocolFields))
    .default([])
    .describe('in what the evaluations are meant to differ, which is what is compared'),
  plan: z
    .string()
    .optional()
    .describe('a plan of `redistill plan`, which says how many problems, samples and seeds decide'),
});

export type Finding = 'better' | 'worse' | 'unclear';

/** One evaluation against another, by one grader. Shares are in [0, 1]. */
export interface ComparedRow {
  name: string;
  grader: string;
  problems: number;
  /** Clusters of problems that are the same but for their numbers, where there are any. */
  clusters?: number;
  /** How many kinds there are of problems that are the same but for their numbers, where they are too few to be clusters. */
  kinds?: number;
  seeds: number;
  /** Samples of a problem, over all seeds. */
  samples: [before: number, after: number];
  before: number;
  after: number;
  /** after − before. */
  difference: number;
  interval: Interval;
  /** What made the interval. */
  by: 'problems' | 'clusters' | 'seeds' | 'always-valid';
  p_value: number;
  /** By Holm, over all rows. */
  adjusted: number;
  /** Others that were not chosen. */
  intervals: Record<string, Interval>;
  /** With single samples, P(after is better) under a uniform prior. */
  probability_better?: number;
  gained: number;
  lost: number;
  /** The smallest true difference that so much data see with the power. */
  detectable_effect: number;
  /** What it takes to see `effect`, otherwise as here; null where no number of samples is enough or it cannot be known. */
  needed: {
    effect: number;
    problems: number;
    samples: number | null;
    /** Where the seeds' differences decide, which further problems or samples do not bring together. */
    seeds?: number;
  };
  finding: Finding;
}

/** A problem that one side answers more often. */
export interface Flip {
  row: string;
  grader: string;
  change: 'gained' | 'lost';
  id: string;
  problem: string;
  gold: string;
  /** Shares of right responses. */
  before: number;
  after: number;
  /** What the grader found in each response; null for no answer. */
  answers_before: (string | null)[];
  answers_after: (string | null)[];
}

export interface Comparison {
  finding: Finding;
  rows: ComparedRow[];
  flips: Flip[];
  warnings: string[];
  alpha: number;
  power: number;
  /** Where there is a plan: how the evaluations depart from it; nothing, if they are as planned. */
  departures?: string[];
}

export interface CompareOptions {
  pairs: readonly ComparedPair[];
  /** Each is a row of its own; without any, the first grader of each pair. */
  graders?: readonly string[] | undefined;
  differIn?: readonly ProtocolField[] | undefined;
  plan?: FrozenPlan | undefined;
  /** Evaluations by their folders, which are read once where several comparisons share this. */
  kept?: Map<string, StoredEvaluation>;
}

const ONE_POINT = 0.01;
/** Of the bootstrap: 10,000 resamples, and fewer where problems are so many that it would take seconds. */
const drawsFor = (problems: number): number => Math.max(500, Math.min(10_000, Math.floor(3e7 / problems)));

/**
 * Compares pairs of evaluations, each by every grader. A row says "better" or "worse" only where its p-value, adjusted over all rows by
 * Holm, is at most α and its interval leaves out 0; where the evaluations are not what a plan has frozen, both are the
 * always-valid ones. All together are better if a row is and none is worse, and worse if one is and none is better.
 * @throws UserError where evaluations are missing, cannot be compared, or are of other data than the plan's
 */
export function compareEvaluations({
  pairs,
  graders,
  differIn = [],
  plan,
  kept,
}: CompareOptions): Comparison {
  const { alpha, power } = plan ?? { alpha: 0.05, power: 0.8 };
  const opened = named(pairs.flatMap(pairsOfTasks).map((pair) => openPair(pair, differIn, kept)));
  const judgesOf = ({ before: [first] }: OpenPair) =>
    graders ?? [plan?.grader ?? first!.results.graders.keys().next().value!];
  const departures =
    plan && opened.flatMap((pair) => departuresFrom(plan, [pair.before, pair.after], judgesOf(pair)));
  const isEarly = departures !== undefined && departures.length > 0;
  const compared = opened.flatMap((pair) =>
    judgesOf(pair).map((grader) =>
      compareRow(pair, grader, { alpha, power }, plan?.effect ?? ONE_POINT, isEarly),
    ),
  );
  const adjusted = holm(compared.map(({ row }) => row.p_value));
  const rows = compared.map(({ row }, i): ComparedRow => {
    const isReal = adjusted[i]! <= alpha && (row.interval[0] > 0 || row.interval[1] < 0);
    return {
      ...row,
      adjusted: adjusted[i]!,
      finding: isReal ? (row.difference > 0 ? 'better' : 'worse') : 'unclear',
    };
  });
  const has = (finding: Finding) => rows.some((row) => row.finding === finding);
  return {
    finding: has('better') === has('worse') ? 'unclear' : has('better') ? 'better' : 'worse',
    rows,
    flips: compared.flatMap(({ flips }) => flips),
    warnings: [...new Set(opened.flatMap(({ warnings }) => warnings))],
    ...{ alpha, power },
    ...(departures && { departures }),
  };
}

interface OpenPair {
  name: string;
  before: StoredEvaluation[];
  after: StoredEvaluation[];
  warnings: string[];
}

function openPair(
  pair: ComparedPair,
  differIn: readonly ProtocolField[],
  kept = new Map<string, StoredEvaluation>(),
): OpenPair {
  const [a, b] = [pair.before.length, pair.after.length];
  if (a !== b && a !== 1 && b !== 1)
    throw new UserError(
      `${a} evaluations cannot be paired with ${b}: name as many of either side, one a seed in the same order, or a single one that the others are compared with.`,
    );
  for (const side of [pair.before, pair.after]) {
    const twice = side.find((dir, i) => side.findIndex((other) => resolve(other) === resolve(dir)) < i);
    if (twice !== undefined)
      throw new UserError(`${twice} is named twice on one side: other seeds are other evaluations.`);
  }
  const open = (dir: string) => {
    const evaluation = kept.get(dir) ?? readEvaluation(dir);
    kept.set(dir, evaluation);
    return evaluation;
  };
  const seeds = Math.max(a, b);
  const all = (dirs: readonly string[]) => Array.from({ length: seeds }, (_, i) => open(dirs[i] ?? dirs[0]!));
  const [before, after] = [all(pair.before), all(pair.after)];
  const others = [...after.map((one) => [before[0]!, one] as const), ...seedsOf(before), ...seedsOf(after)];
  const warnings = others.flatMap(([one, other], i) =>
    // The seeds of one side are alike in everything; the sides may differ in what is compared.
    requireSameProtocol(one, other, i < seeds ? differIn : []),
  );
  const { dir, record } = after[0]!;
  return { name: pair.name ?? parse(record?.data.file ?? dir).name, before, after, warnings };
}

const seedsOf = ([first, ...others]: readonly StoredEvaluation[]) =>
  others.map((other) => [first!, other] as const);

/** Names rows by their data files without the ending; where two would have one name, by the folder after as well. */
function named(pairs: readonly OpenPair[]): OpenPair[] {
  const names = pairs.map(({ name }) => name);
  return pairs.map((pair) =>
    names.filter((name) => name === pair.name).length === 1
      ? pair
      : { ...pair, name: `${pair.name} (${pair.after.map(({ dir }) => dir).join(', ')})` },
  );
}

/** The graders that a text names, with commas. */
export const gradersIn = (names: string | undefined): string[] | undefined =>
  names === undefined ? undefined : [...new Set(names.split(',').map((name) => name.trim()))];

function gradedBy(grader: string, { dir, results }: StoredEvaluation): ProblemResult[] {
  const found = results.graders.get(grader);
  if (found) return found.results;
  throw new UserError(
    `${dir} was not graded by "${grader}", only by ${[...results.graders.keys()].join(', ')}: grade it again with \`redistill evaluate --regrade\`.`,
  );
}

type RowWithoutVerdict = Omit<ComparedRow, 'adjusted' | 'finding'>;

function compareRow(
  pair: OpenPair,
  grader: string,
  level: { alpha: number; power: number },
  effect: number,
  isEarly: boolean,
): { row: RowWithoutVerdict; flips: Flip[] } {
  const [first] = pair.before as [StoredEvaluation];
  const [beforeSeeds, afterSeeds] = [pair.before, pair.after].map((side) =>
    side.map((one) => gradedBy(grader, one)),
  ) as [ProblemResult[][], ProblemResult[][]];
  // A single evaluation stands beside every seed of the other side, and its samples are there once.
  const [before, after] = [pool([...new Set(beforeSeeds)]), pool([...new Set(afterSeeds)])];
  const { clusters, kinds } = clustersOf(first.results.problems);
  const confidence = 1 - level.alpha;
  const found = compareOverSeeds(beforeSeeds, afterSeeds, { clusters, level: confidence });
  const byProblems = comparePaired(before, after, { level: confidence });
  const pooled = clusters ? comparePaired(before, after, { clusters, level: confidence }) : byProblems;
  const differences = pairedDifferences(before, after);
  const groups = differences.map(({ id }) => clusters?.get(id) ?? id);
  const valid = isEarly ? alwaysValid(meansOf(differences, groups), level.alpha) : undefined;
  const { seeds } = found;
  const deviation = found.seedDeviation / Math.sqrt(seeds.length);
  const bySeeds = found.by === 'seeds';
  const error = bySeeds ? deviation : pooled.standardError;
  const degrees = bySeeds ? seeds.length - 1 : pooled.clusters === undefined ? Infinity : pooled.clusters - 1;
  const singles = [...before, ...after].every(({ samples }) => samples === 1);
  const row: RowWithoutVerdict = {
    ...{ name: pair.name, grader, problems: found.problems, seeds: seeds.length },
    ...(clusters && { clusters: new Set(clusters.values()).size }),
    ...(kinds !== undefined && { kinds }),
    samples: [fewest(before), fewest(after)],
    ...{ before: passAt1(before).mean, after: passAt1(after).mean, difference: found.difference },
    interval: valid?.interval ?? found.interval,
    by: valid ? 'always-valid' : bySeeds ? 'seeds' : clusters ? 'clusters' : 'problems',
    p_value: valid?.pValue ?? found.pValue,
    intervals: {
      problems: byProblems.interval,
      ...(clusters && { clusters: pooled.interval }),
      bootstrap: bootstrapInterval(
        differences.map(({ difference }) => difference),
        { level: confidence, clusters: groups, draws: drawsFor(before.length) },
      ),
      ...(seeds.length > 1 && {
        seeds: studentInterval(found.difference, deviation, seeds.length - 1, confidence),
      }),
    },
    ...(singles && {
      probability_better: probabilityBetter({ onlyBefore: byProblems.worse, onlyAfter: byProblems.better }),
    }),
    ...{ gained: byProblems.better, lost: byProblems.worse },
    detectable_effect: detectableEffect(error, level, degrees),
    needed: {
      ...neededFor(effect, before, after, { clusters, ...level }),
      ...(bySeeds && { seeds: seedsNeeded(found.seedDeviation, { effect, ...level }) }),
    },
  };
  return { row, flips: flipsOf(pair, grader, before, after) };
}

/** One value a cluster, which are independent of each other. */
function meansOf(differences: readonly { difference: number }[], groups: readonly string[]): number[] {
  const byGroup = new Map<string, number[]>();
  for (const [i, { difference }] of differences.entries())
    byGroup.set(groups[i]!, [...(byGroup.get(groups[i]!) ?? []), difference]);
  return Array.from(byGroup.values(), meanOf);
}

const fewest = (results: readonly ProblemResult[]): number =>
  Math.min(...results.map(({ samples }) => samples));

/** What it takes to see an effect, by the variances found here, were the differences of other problems like these. */
function neededFor(
  effect: number,
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
  { clusters, ...level }: { clusters: ReadonlyMap<string, string> | undefined; alpha: number; power: number },
): ComparedRow['needed'] {
  const { spread: all, between, within } = pairedVariance(before, after, clusters);
  const problems = before.length;
  const spread = { between: all, within: [0, 0] as const };
  const samples = samplesNeeded({ between: Math.max(0, between), within }, { effect, problems, ...level });
  return {
    effect,
    problems: Math.ceil(problemsNeeded(spread, { effect, samples: 1, ...level })),
    samples: Number.isFinite(samples) ? Math.ceil(samples) : null,
  };
}

function flipsOf(
  pair: OpenPair,
  grader: string,
  before: readonly ProblemResult[],
  after: readonly ProblemResult[],
): Flip[] {
  const { problems, golds } = pair.before[0]!.results;
  const [answersBefore, answersAfter] = [answersIn(pair.before, grader), answersIn(pair.after, grader)];
  const rates = new Map(after.map(({ id, correct, samples }) => [id, correct / samples]));
  return before.flatMap(({ id, correct, samples }): Flip[] => {
    const [was, is] = [correct / samples, rates.get(id)!];
    if (was === is) return [];
    return [
      {
        ...{ row: pair.name, grader, change: is > was ? 'gained' : 'lost', id },
        ...{ problem: problems.get(id)!, gold: golds.get(id)!, before: was, after: is },
        ...{ answers_before: answersBefore(id), answers_after: answersAfter(id) },
      },
    ];
  });
}

/** What the responses of a side's evaluations to a problem say, by its id. */
function answersIn(side: readonly StoredEvaluation[], grader: string): (id: string) => (string | null)[] {
  const all = [...new Set(side)].map(
    ({ results }) =>
      new Map(results.graders.get(grader)!.answered.map(({ id, answers }) => [id, answers] as const)),
  );
  return (id) => all.flatMap((answers) => [...answers.get(id)!]);
}
