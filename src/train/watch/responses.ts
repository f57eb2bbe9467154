/** @file What a set of sampled responses is like: how long, how many cut off, how many that repeat themselves. */
import type { Completion } from '../../generate/generator.js';

export interface ResponseStatistics {
  /** Tokens, the one that ends a response included. */
  meanLength: number;
  /** Share of responses that had no end at their limit. */
  clippedRatio: number;
  /** Share of responses more than half of whose 4-grams occurred before. */
  repetition: number;
}

/** Describes responses, of which there is at least one. */
export function describeResponses(
  responses: readonly Pick<Completion, 'ids' | 'finishReason'>[],
): ResponseStatistics {
  const share = (is: (response: Pick<Completion, 'ids' | 'finishReason'>) => boolean) =>
    responses.filter(is).length / responses.length;
  return {
    meanLength: responses.reduce((sum, { ids }) => sum + ids.length, 0) / responses.length,
    clippedRatio: share(({ finishReason }) => finishReason === 'length'),
    repetition: share(({ ids }) => repeatedShare(ids) > 0.5),
  };
}

/** The metrics under the names that TRL's trainers with sampling have, and `repetition`. */
export function responseMetrics(
  { meanLength, clippedRatio, repetition }: ResponseStatistics,
  prefix = '',
): Record<string, number> {
  return {
    [`${prefix}completions/mean_length`]: meanLength,
    [`${prefix}completions/clipped_ratio`]: clippedRatio,
    [`${prefix}completions/repetition`]: repetition,
  };
}

/** The share of 4-grams that occurred before: seq-rep-4 of Welleck et al. 2020 (arXiv:1908.04319). 0 for a text without one. */
export function repeatedShare(ids: ArrayLike<number>): number {
  const all = ids.length - 3;
  if (all < 1) return 0;
  const distinct = new Set<string>();
  for (let i = 0; i < all; i++) distinct.add(`${ids[i]} ${ids[i + 1]} ${ids[i + 2]} ${ids[i + 3]}`);
  return 1 - distinct.size / all;
}
