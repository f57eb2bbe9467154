/** @file Guesses which name was meant. */
import leven from 'leven';

/** The candidate that is spelt most like `name`; undefined if there are none. Ties go to the earlier. */
export function nearestOf(name: string, candidates: readonly string[]): string | undefined {
  return candidates.toSorted((a, b) => leven(a, name) - leven(b, name))[0];
}

/** ` (the nearest is "…")`, for messages about a name that is unknown; empty if there are no candidates. */
export function nearestHint(name: string, candidates: readonly string[]): string {
  const nearest = nearestOf(name, candidates);
  return nearest === undefined ? '' : ` (the nearest is "${nearest}")`;
}
