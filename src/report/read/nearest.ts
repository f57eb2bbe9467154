/** @file Finds the problems of evaluations that resemble a problem of the training data most. */
import { jaccard, shingleSet } from '../../curate/duplicates.js';
import { kindOf } from '../../evaluate/similar.js';
import type { NearProblem } from '../model.js';

/** Problems of evaluations that are compared with, and of each row that are named. */
const [MOST_PROBLEMS, MOST_NAMED] = [20_000, 3];
/** Less than this is chance. */
const LEAST = 0.1;
/** A run of words that so many problems have tells nothing about which is nearest. */
const COMMON = 2_000;

interface Known {
  set: string;
  place: number;
  head: string;
  kind: string;
  shingles: Uint32Array;
}

/** Problems of evaluations by their runs of three words. */
export class EvaluationProblems {
  readonly #known: Known[] = [];
  readonly #having = new Map<number, number[]>();
  /** Problems that are not compared with, since there are too many. */
  leftOut = 0;

  add(set: string, place: number, head: string, problem: string): void {
    if (this.#known.length >= MOST_PROBLEMS) {
      this.leftOut++;
      return;
    }
    const shingles = shingleSet(problem);
    for (const shingle of shingles) {
      const having = this.#having.get(shingle) ?? [];
      this.#having.set(shingle, having);
      having.push(this.#known.length);
    }
    this.#known.push({ set, place, head, kind: kindOf(problem), shingles });
  }

  nearestTo(problem: string): NearProblem[] {
    const shingles = shingleSet(problem);
    const shared = new Map<number, number>();
    for (const shingle of shingles) {
      const having = this.#having.get(shingle) ?? [];
      if (having.length > COMMON) continue;
      for (const i of having) shared.set(i, (shared.get(i) ?? 0) + 1);
    }
    const best = [...shared].sort(([, a], [, b]) => b - a).slice(0, 4 * MOST_NAMED);
    const kind = kindOf(problem);
    return best
      .map(([i]) => {
        const { set, place, head, kind: other, shingles: own } = this.#known[i]!;
        const similarity = Number(jaccard(shingles, own).toFixed(4));
        return { set, place, head, similarity, isSameButNumbers: kind === other };
      })
      .filter(({ similarity, isSameButNumbers }) => similarity >= LEAST || isSameButNumbers)
      .sort((a, b) => b.similarity - a.similarity || a.place - b.place)
      .slice(0, MOST_NAMED);
  }
}
