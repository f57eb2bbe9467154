import { deriveSeed } from '../util/random.js';

/** A problem of type A: it has a trace that both verdicts call right and one that both call wrong. */
export interface TypeA {
  ordinal: number;
  originalIndex: number;
  tooLong: boolean;
}

/** Where a problem of type A goes. */
export interface Assignment {
  /** 1: fine-tuned on its right trace, which its pair prefers. 2: on the wrong one, and its pair is inverted. */
  group: 1 | 2;
  /** Its pair is written. */
  paired: boolean;
}

/**
 * Cuts the problems of type A, shuffled, into two halves (the first the smaller) and makes the two arms of pairs equal
 * in number, pairs that are too long left out. By `ordinal`.
 */
export function assignGroups(problems: readonly TypeA[], seed: number): Map<number, Assignment> {
  const shuffled = inRandomOrder(problems, seed, 'groups');
  const half = Math.floor(shuffled.length / 2);
  const groups = [shuffled.slice(0, half), shuffled.slice(half)] as const;
  const arms = groups.map((group) => group.filter(({ tooLong }) => !tooLong));
  const size = Math.min(...arms.map((arm) => arm.length));
  const paired = new Set(arms.flatMap((arm) => inRandomOrder(arm, seed, 'arms').slice(0, size)));
  return new Map(
    groups.flatMap((group, i) =>
      group.map((problem) => [
        problem.ordinal,
        { group: i === 0 ? 1 : 2, paired: paired.has(problem) } as const,
      ]),
    ),
  );
}

/** The same order in every run, whatever other problems there are. */
function inRandomOrder(problems: readonly TypeA[], seed: number, use: string): TypeA[] {
  return problems
    .map((problem) => ({ problem, key: deriveSeed(seed, use, problem.originalIndex) }))
    .sort((a, b) => a.key - b.key || a.problem.ordinal - b.problem.ordinal)
    .map(({ problem }) => problem);
}
