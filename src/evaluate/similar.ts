/** @file Finds problems that resemble each other: the same text but for its numbers. They are not independent. */
import { normalizeText } from '../util/normalizeText.js';

const NUMBER = /\d+(?:[.,]\d+)*/g;

/**
 * The cluster of each problem by its id, for `clusteredError` and `comparePaired`: problems whose texts are the same but for case,
 * white space and numbers are in one, as those made from one template are. Undefined where every problem is alone.
 * @param problems texts by id
 */
export function clustersOf(problems: ReadonlyMap<string, string>): Map<string, string> | undefined {
  const clusters = new Map(
    Array.from(problems, ([id, text]) => [id, normalizeText(text).replace(NUMBER, '#')] as const),
  );
  return new Set(clusters.values()).size < clusters.size ? clusters : undefined;
}
