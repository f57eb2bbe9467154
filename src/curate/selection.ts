/** @file Orders and pairs the traces of one problem, and ranks problems by their verdicts. */
import type { Random } from '../util/random.js';

/** Which right trace comes first; REDI takes the first of the row. */
export const orders = ['first', 'shortest', 'longest', 'random'] as const;
export type Order = (typeof orders)[number];

/** Sorts indices into the order in which they are taken; lengths are characters, and ties go to the earlier. */
export function inOrder(
  indices: readonly number[],
  texts: readonly string[],
  order: Order,
  random: Random,
): number[] {
  const length = (index: number) => texts[index]!.length;
  switch (order) {
    case 'first':
      return [...indices];
    case 'shortest':
      return indices.toSorted((a, b) => length(a) - length(b));
    case 'longest':
      return indices.toSorted((a, b) => length(b) - length(a));
    case 'random':
      return random.shuffle([...indices]);
  }
}

/** How many pairs a problem gives at most; `all` is every right trace with every wrong one. */
export type PairCount = number | 'balanced' | 'all';

/**
 * Makes up to `count` pairs of a right and a wrong trace, the first of each first, no pair twice, every trace as seldom
 * as possible. `balanced`: as many as the rarer label has traces, each trace in one pair at most, so that the labels are
 * equal in number. `all`: every pair, in the order of the right traces and then of the wrong ones.
 */
export function pairUp(
  right: readonly number[],
  wrong: readonly number[],
  count: PairCount,
): [right: number, wrong: number][] {
  if (count === 'all') return right.flatMap((a) => wrong.map((b): [number, number] => [a, b]));
  const all = right.length * wrong.length;
  const most = count === 'balanced' ? Math.min(right.length, wrong.length) : Math.min(count, all);
  // Both sides in turn; where that would come back to the first pair, one side is moved by one.
  const round = all / greatestDivisor(right.length, wrong.length);
  return Array.from({ length: most }, (_, i) => [
    right[i % right.length]!,
    wrong[(i + Math.floor(i / round)) % wrong.length]!,
  ]);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Sample standard deviation (n − 1) over the mean: DeepDistill's measure of a problem. 0 where nothing varies. */
export function coefficientOfVariation(scores: readonly number[]): number {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return scores.length < 2 || squares === 0 ? 0 : Math.sqrt(squares / (scores.length - 1)) / mean;
}

/** How many right traces B-STaR wants of a problem (n* in its code). */
const WANTED_RIGHT = 8;

/** B-STaR's balance score of a problem with `right` of `total` traces right: enough right ones, and a good share. */
export function balanceScore(right: number, total: number): number {
  return Math.min(right / WANTED_RIGHT, 1) * (right / total);
}

/** Names what problems are ranked by; the highest are kept. */
export const rankings = ['hardest', 'cv', 'b-star'] as const;
export type Ranking = (typeof rankings)[number];

/** A problem's rank by its verdicts: the lowest pass rate, the highest CV (DeepDistill), or the best balance. */
export function rankOf(right: number, total: number, ranking: Ranking): number {
  switch (ranking) {
    case 'hardest':
      return 1 - right / total;
    case 'cv':
      return cvOf(right, total);
    case 'b-star':
      return balanceScore(right, total);
  }
}

/** The coefficient of variation of verdicts, each a score of 0 or 1. */
export function cvOf(right: number, total: number): number {
  return coefficientOfVariation(Array.from({ length: total }, (_, i) => (i < right ? 1 : 0)));
}
