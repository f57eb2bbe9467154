/** @file Finds problems that share a run of words with evaluation sets, and reads those sets. */
import { basename, extname } from 'node:path';
import { rowError, type BadLine } from '../data/jsonl.js';
import { readRows } from '../data/readRows.js';
import { UserError } from '../util/errors.js';
import { gramHashes } from './words.js';
import { normalizeText } from '../util/normalizeText.js';

/** How many words in a row a problem must share with an evaluation problem (REDI's decontaminate script). */
const GRAM_WORDS = 8;

/** The problems of one evaluation set. */
export interface EvaluationSet {
  name: string;
  problems: string[];
}

/** A run of words that a problem shares with an evaluation set. */
export interface Overlap {
  set: string;
  /** Index of the evaluation problem in its file, from 0. */
  item: number;
  words: string;
}

/** An evaluation set with a hole in it would let its problems through. */
function refuse({ file, line, problem }: BadLine): never {
  throw rowError(file, line, problem);
}

/** Reads the sets from JSON arrays, JSON lines or Parquet files; a set is named after its file. @throws UserError */
export async function loadEvaluationSets(paths: readonly string[]): Promise<EvaluationSet[]> {
  const sets: EvaluationSet[] = [];
  for (const path of paths) {
    const problems: string[] = [];
    for await (const { row } of readRows(path, refuse)) {
      const text = row.problem ?? row.question ?? row.prompt;
      if (typeof text !== 'string')
        throw new UserError(
          `${path}, row ${problems.length + 1}: the field "problem" (or "question", "prompt") is missing.`,
        );
      problems.push(text);
    }
    if (problems.length === 0) throw new UserError(`${path} has no problems.`);
    const name = basename(path, extname(path));
    sets.push({ name: sets.some((set) => set.name === name) ? path : name, problems });
  }
  return sets;
}

/**
 * Finds problems that share eight words in a row with an evaluation problem, both in lower case with white space
 * collapsed and punctuation kept. A text of fewer than eight words is one run: it is found where it is the same.
 */
export class Decontaminator {
  /** Maps the hash of a run of words to the items that have it. */
  readonly #index = new Map<number, { set: EvaluationSet; item: number }[]>();

  constructor(readonly sets: readonly EvaluationSet[]) {
    for (const set of sets) {
      for (const [item, problem] of set.problems.entries()) {
        for (const hash of gramHashes(normalizeText(problem).split(' '), GRAM_WORDS)) {
          const known = this.#index.get(hash);
          if (!known) this.#index.set(hash, [{ set, item }]);
          else if (known.at(-1)!.set !== set || known.at(-1)!.item !== item) known.push({ set, item });
        }
      }
    }
  }

  /** Returns at most one overlap a set: the first run of the problem that the set has. */
  find(problem: string): Overlap[] {
    const words = normalizeText(problem).split(' ');
    const found = new Map<EvaluationSet, Overlap>();
    for (const [start, hash] of gramHashes(words, GRAM_WORDS).entries()) {
      for (const { set, item } of this.#index.get(hash) ?? []) {
        if (found.has(set)) continue;
        const run = words.slice(start, start + GRAM_WORDS);
        if (hasRun(set.problems[item]!, run)) found.set(set, { set: set.name, item, words: run.join(' ') });
      }
    }
    return [...found.values()];
  }
}

/** Checks the words themselves, since different words may have equal hashes. */
function hasRun(problem: string, run: readonly string[]): boolean {
  const text = normalizeText(problem);
  return run.length < GRAM_WORDS ? text === run.join(' ') : ` ${text} `.includes(` ${run.join(' ')} `);
}
