import type { SequenceInfo } from './objective.js';

/** Positions of a pair's sides in the batch. */
export interface Pair {
  chosen: number;
  rejected: number;
}

/** The pairs of a batch, in the order in which they begin. Throws where a side is missing or there twice. */
export function pairsOf(sequences: readonly SequenceInfo[]): Pair[] {
  const sides = new Map<number, Partial<Pair>>();
  sequences.forEach(({ role, group }, i) => {
    if (role === 'demonstration') return;
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
