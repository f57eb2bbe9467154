/** @file Keeps track of the best measurement of a metric, and of how many have passed since. */
import { z } from 'zod';
import { nearestHint } from '../../util/nearest.js';
import { UserError } from '../../util/errors.js';

export const bestSoFar = z.strictObject({
  step: z.int().min(0),
  value: z.number(),
  /** Measurements since then, none of which was better. */
  since: z.int().min(0),
});
export type BestSoFar = z.output<typeof bestSoFar>;

/** Whether less of a metric is better: of a loss, of what was cut off, and of repetition. */
export const lessIsBetter = (metric: string): boolean => /loss|clipped_ratio|repetition/.test(metric);

/**
 * Compares a measurement with the best so far. One that is not a number is no better than any.
 * @throws UserError where the metric was not measured, naming those that were
 */
export function compareWithBest(
  metric: string,
  before: BestSoFar | undefined,
  measured: Readonly<Record<string, number>> & { step: number },
): { best: BestSoFar | undefined; isBest: boolean } {
  const value = measured[metric];
  if (value === undefined) {
    const names = Object.keys(measured).filter((name) => name.startsWith('eval_'));
    throw new UserError(
      `best.metric: ${metric} is not measured in this run${nearestHint(metric, names)}, only ${names.join(', ')}`,
    );
  }
  const sign = lessIsBetter(metric) ? -1 : 1;
  const isBest = Number.isFinite(value) && (before === undefined || sign * (value - before.value) > 0);
  if (isBest) return { best: { step: measured.step, value, since: 0 }, isBest };
  return { best: before && { ...before, since: before.since + 1 }, isBest };
}
