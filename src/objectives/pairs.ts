/** @file Finds the pairs among the sequences of a batch. */

import type { SequenceInfo } from './objective.js';

/** The positions of a pair's sides in the batch. */
export interface PairPositions {
  chosen: number;
  rejected: number;
}

/** Lists the pairs of a batch, in the order in which they begin. @throws Error if a side is missing or occurs twice */
export function pairsOf(sequences: readonly SequenceInfo[]): PairPositions[] {
  const sides = new Map<number, Partial<PairPositions>>();
  sequences.forEach(({ role, group }, i) => {
    if (role !== 'chosen' && role !== 'rejected') return;
    const pair = sides.get(group) ?? {};
    if (pair[role] !== undefined) throw new Error(`pair ${group} has two ${role} responses in a batch`);
    pair[role] = i;
    sides.set(group, pair);
  });
  return [...sides].map(([group, { chosen, rejected }]) => {
    if (chosen === undefined || rejected === undefined)
      throw new Error(`the sides of pair ${group} are not in the same batch`);
    return { chosen, rejected };
  });
}
