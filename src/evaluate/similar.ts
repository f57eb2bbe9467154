/** @file Finds problems that resemble each other: the same text but for its numbers. They are not independent. */
import { normalizeText } from '../util/normalizeText.js';

const NUMBER = /\d+(?:[.,]\d+)*/g;
/** Fewer clusters tell nothing at 5 %, whatever their problems say: the smallest p-value of five that all agree is 0.0625. */
const FEWEST = 6;

/** How problems resemble each other; nothing, where every problem is alone. */
export interface Resemblance {
  /** The cluster of each problem by its id, for `clusteredError` and `comparePaired`. */
  clusters?: Map<string, string>;
  /**
   * How many kinds of problems there are, where they are too few to be a sample of kinds. The problems are then a sample of problems of
   * these kinds.
   */
  kinds?: number;
}

/** What problems have in common whose texts are the same but for case, white space and numbers. */
export const kindOf = (problem: string): string => normalizeText(problem).replace(NUMBER, '#');

/**
 * Problems whose texts are the same but for case, white space and numbers are in one cluster, as those made from one template are.
 * @param problems texts by id
 */
export function clustersOf(problems: ReadonlyMap<string, string>): Resemblance {
  return clustersOfKinds(new Map(Array.from(problems, ([id, text]) => [id, kindOf(text)] as const)));
}

/** The same of what is known of problems already. @param clusters `kindOf` each, or its digest, by id */
export function clustersOfKinds(clusters: Map<string, string>): Resemblance {
  const count = new Set(clusters.values()).size;
  if (count === clusters.size) return {};
  return count < FEWEST ? { kinds: count } : { clusters };
}
