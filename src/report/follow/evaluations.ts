/** @file Evaluations and comparisons that are followed: read again only where their files have changed. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { samplesFile } from '../../evaluate/samples.js';
import { messageOf } from '../../util/errors.js';
import type { ComparisonTable, EvaluationSet, ProblemChunk } from '../model.js';
import { comparisonsOf } from '../read/comparisons.js';
import { readColumn, readEvaluations, type Column, type OpenSet } from '../read/evaluations.js';
import type { FoundFolder } from '../read/folders.js';
import { Lineage } from '../read/lineage.js';
import type { EvaluationProblems } from '../read/nearest.js';
import { problemsOf } from '../read/report.js';
import { stateOf } from './seen.js';

/** Sets whose texts are being read, at most. */
const MOST_READERS = 4;

interface Known {
  state: string;
  column: Column | undefined;
  note?: string;
}

/** Texts of a set, as far as they have been read. */
interface Reader {
  chunks: Generator<ProblemChunk>;
  next: number;
  last?: ProblemChunk;
}

export class FollowedEvaluations {
  #known = new Map<string, Known>();
  #sets: OpenSet[] = [];
  #states = '';
  readonly #readers = new Map<string, Reader>();

  evaluations: EvaluationSet[] = [];
  comparisons: ComparisonTable[] = [];
  /** By the place of each set, the name of its texts as they are now. */
  texts: string[] = [];

  /** What could not be read. */
  get notes(): string[] {
    return [...this.#known.values()].flatMap(({ note }) => (note === undefined ? [] : [note]));
  }

  /** @returns whether anything changed */
  poll(
    evaluations: readonly FoundFolder[],
    comparisons: readonly FoundFolder[],
    lineage: Lineage = new Lineage(),
  ): boolean {
    const states = [
      ...evaluations.flatMap(({ dir }) => [
        dir,
        ...[samplesFile, 'summary.json'].map((name) => stateOf(join(dir, name))),
      ]),
      ...comparisons.flatMap(({ dir }) => [dir, stateOf(join(dir, 'compare.json'))]),
    ].join('\n');
    if (states === this.#states) return false;
    this.#states = states;
    const before = this.#known;
    this.#known = new Map();
    const columnOf = (folder: FoundFolder): Column | undefined => {
      const state = stateOf(join(folder.dir, samplesFile));
      const then = before.get(folder.dir);
      const known = then?.state === state ? then : { state, ...columnIn(folder) };
      this.#known.set(folder.dir, known);
      return known.column;
    };
    this.#sets = readEvaluations(evaluations, columnOf, lineage);
    this.evaluations = this.#sets.map(({ set }) => set);
    this.comparisons = comparisonsOf(comparisons, this.#sets);
    this.texts = this.evaluations.map(({ columns }) => {
      const parts = columns.map(({ dir }) => [dir, this.#known.get(dir)!.state]);
      return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
    });
    this.#close();
    return true;
  }

  /**
   * A chunk of texts; whoever asks for one after the other has each file read once.
   * @param name of the texts of a set
   * @returns undefined where there is none of this name, or no longer
   * @throws UserError where the files are damaged
   */
  chunk(name: string, chunk: number): ProblemChunk | undefined {
    const set = this.#sets[this.texts.indexOf(name)];
    if (!set || chunk >= set.set.problems.chunks.length) return undefined;
    const reader = this.#readerFor(name, set, chunk);
    while (reader.next <= chunk) {
      const found = reader.chunks.next();
      if (found.done) return undefined;
      reader.last = found.value;
      reader.next++;
    }
    return reader.last;
  }

  /** What rows of training may resemble. */
  problems(): EvaluationProblems {
    return problemsOf(this.#sets);
  }

  #readerFor(name: string, set: OpenSet, chunk: number): Reader {
    const known = this.#readers.get(name);
    const isAhead = known !== undefined && known.next > chunk + 1;
    if (isAhead) known.chunks.return(undefined);
    const reader = known && !isAhead ? known : { chunks: set.chunks(Infinity), next: 0 };
    this.#readers.delete(name);
    this.#readers.set(name, reader);
    for (const [oldest, other] of this.#readers) {
      if (this.#readers.size <= MOST_READERS) break;
      other.chunks.return(undefined);
      this.#readers.delete(oldest);
    }
    return reader;
  }

  /** Lets go of files that are read for texts. */
  #close(): void {
    for (const { chunks } of this.#readers.values()) chunks.return(undefined);
    this.#readers.clear();
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

/** Reads an evaluation; one that is damaged, or being replaced, is told of and left out. */
function columnIn(folder: FoundFolder): Omit<Known, 'state'> {
  try {
    return { column: readColumn(folder) };
  } catch (error) {
    return { column: undefined, note: `${folder.name} is left out: ${messageOf(error)}` };
  }
}
