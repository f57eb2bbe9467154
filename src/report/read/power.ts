/** @file What a comparison would see with other numbers of problems and samples, from how its problems vary. */
import { effectSeen, varianceOver } from '../../evaluate/plan.js';
import { clustersOfKinds } from '../../evaluate/similar.js';
import type { ProblemResult } from '../../statistics/estimators.js';
import { UserError } from '../../util/errors.js';
import { own } from '../../util/own.js';
import type { ComparisonTable, EvaluationSet, PowerCurve } from '../model.js';

/** Sizes that are drawn: what there is times these. */
const TIMES = [0.25, 0.5, 1, 2, 4, 8];
/** With fewer problems the normal distribution that the effect is computed by does not hold. */
const FEWEST = 8;

/**
 * The curves of a row of a comparison.
 * @param kinds of the set's problems, by which those that resemble each other are known
 * @returns none where the problems all differ alike, or the report does not have what was compared
 */
export function powerOf(
  { grader, columns }: ComparisonTable['rows'][number],
  { alpha, power }: Pick<ComparisonTable, 'alpha' | 'power'>,
  set: EvaluationSet,
  kinds: readonly string[],
): PowerCurve[] {
  if (!columns) return [];
  const [before, after] = [columns.before, columns.after].map((ids) =>
    ids.flatMap((id) => resultsOf(set, id, grader)),
  ) as [ProblemResult[][], ProblemResult[][]];
  if (before.length < columns.before.length || after.length < columns.after.length) return [];
  const { clusters } = clustersOfKinds(new Map(set.problems.ids.map((id, i) => [id, kinds[i]!])));
  try {
    const variance = varianceOver(before, after, clusters);
    if (!variance) return [];
    const problems = before[0]!.length;
    const samples = Math.min(...[before, after].flat(2).map((result) => result.samples));
    const seeds = before.length === after.length ? before.length : 1;
    const seen = (size: { problems: number; samples: number }) =>
      Number(effectSeen(variance, { ...size, seeds }, { alpha, power }).toPrecision(4));
    const sizes = (of: number, least: number) =>
      [...new Set(TIMES.map((times) => Math.round(of * times)))].filter((size) => size >= least);
    const byProblems = sizes(problems, FEWEST).map((size) => ({
      size,
      effect: seen({ problems: size, samples }),
    }));
    const bySamples = sizes(samples, 1).map((size) => ({ size, effect: seen({ problems, samples: size }) }));
    return [
      { by: 'problems', points: byProblems },
      ...(variance.isSplit && variance.within.some((own) => own > 0)
        ? [{ by: 'samples' as const, points: bySamples }]
        : []),
    ];
  } catch (error) {
    if (error instanceof UserError) return []; // not of the same problems
    throw error;
  }
}

function resultsOf({ columns, problems }: EvaluationSet, id: string, grader: string): ProblemResult[][] {
  const place = columns.findIndex((column) => column.id === id);
  const right = own(problems.right[place], grader);
  return right
    ? [
        problems.ids.map((name, i) => ({
          id: name,
          correct: right[i]!,
          samples: problems.responses[place]![i]!,
        })),
      ]
    : [];
}
