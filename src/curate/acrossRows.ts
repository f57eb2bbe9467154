/** @file Chooses among all rows at once: the problems that rank highest and the shortest pairs. */
import { isTooLong, type CandidateRow } from './candidateRow.js';
import { rankOf, type Ranking } from './selection.js';

/** What is kept in memory of a row that may be written. */
export interface Entry {
  ordinal: number;
  originalIndex: number;
  key: number;
  rank: number;
  /** It has a pair. */
  paired: boolean;
  /** All its pairs are too long. */
  tooLong: boolean;
  /** Tokens of its pairs that are not too long, by their place in the row; empty where nobody asks. */
  tokens: readonly (readonly [place: number, tokens: number])[];
}

/** @param by what problems are ranked by; undefined: they are not */
export function entryOf(row: CandidateRow, by: Ranking | undefined): Entry {
  const { ordinal, originalIndex, key, rightCount, total, pairs } = row;
  return {
    ordinal,
    originalIndex,
    key,
    rank: by ? rankOf(rightCount, total, by) : 0,
    paired: pairs.length > 0,
    tooLong: pairs.every(isTooLong),
    tokens: pairs.flatMap((pair, place) =>
      pair.tokens === undefined || isTooLong(pair) ? [] : [[place, pair.tokens] as const],
    ),
  };
}

/** The `count` rows that rank highest, in the order they came; equal ranks are decided by the place in the output. */
export function highestRanked(entries: readonly Entry[], count: number): Entry[] {
  const ranked = entries.toSorted((a, b) => b.rank - a.rank || a.key - b.key || a.ordinal - b.ordinal);
  return ranked.slice(0, count).sort((a, b) => a.ordinal - b.ordinal);
}

/** Places of the `count` pairs with the fewest tokens, by their row's `ordinal`; ties go to the earlier in the input. */
export function shortestPairs(entries: readonly Entry[], count: number): Map<number, Set<number>> {
  const pairs = entries.flatMap(({ ordinal, tokens }) =>
    tokens.map(([place, length]) => ({ ordinal, place, length })),
  );
  pairs.sort((a, b) => a.length - b.length || a.ordinal - b.ordinal || a.place - b.place);
  const chosen = new Map<number, Set<number>>();
  for (const { ordinal, place } of pairs.slice(0, count)) {
    const places = chosen.get(ordinal);
    if (places) places.add(place);
    else chosen.set(ordinal, new Set([place]));
  }
  return chosen;
}
