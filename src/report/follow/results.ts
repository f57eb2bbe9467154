/** @file What all results say that are neither trainings nor evaluations, beside runs under way: read again only where their files have changed. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { KEPT_FILE } from '../../doctor/kept.js';
import { messageOf } from '../../util/errors.js';
import { RECORD } from '../../util/ownFolder.js';
import type { EvaluationSet, Examination, ExaminedRow, ResultTable } from '../model.js';
import { readExaminations } from '../read/examinations.js';
import type { FoundFolder } from '../read/folders.js';
import { isWithin } from '../read/locate.js';
import { Lineage } from '../read/lineage.js';
import { resultOf } from '../read/results.js';
import { readStudies, type FoundStudy } from '../read/studies.js';
import { benchmarkTables } from '../read/tables.js';
import { TELLING, toldBy, type Told } from '../read/told.js';
import { stateOf } from './seen.js';

/** Folders of each command that are followed, at most. */
const MOST = 300;

/** What is made of the folders of a command, by the states of their files. */
class Read<T> {
  #known = new Map<string, { state: string; parts: T[]; note?: string }>();
  #states = '[]';
  readonly #stateOf: (folder: FoundFolder) => string;
  readonly #make: (folder: FoundFolder, state: string) => T[];

  /** @param make what a state holds */
  constructor(stateOf: (folder: FoundFolder) => string, make: (folder: FoundFolder, state: string) => T[]) {
    this.#stateOf = stateOf;
    this.#make = make;
  }

  get parts(): T[] {
    return [...this.#known.values()].flatMap(({ parts }) => parts);
  }

  get notes(): string[] {
    return [...this.#known.values()].flatMap(({ note }) => (note === undefined ? [] : [note]));
  }

  /** @returns whether anything changed */
  poll(folders: readonly FoundFolder[]): boolean {
    const before = this.#known;
    this.#known = new Map(
      folders.slice(0, MOST).map((folder) => {
        const state = this.#stateOf(folder);
        const then = before.get(folder.dir);
        return [folder.dir, then?.state === state ? then : { state, ...this.#of(folder, state) }];
      }),
    );
    const states = JSON.stringify([...this.#known].map(([dir, { state }]) => [dir, state]));
    const hasChanged = states !== this.#states;
    this.#states = states;
    return hasChanged;
  }

  /** One that is damaged, or gone meanwhile, is told of and left out. */
  #of(folder: FoundFolder, state: string): { parts: T[]; note?: string } {
    try {
      return { parts: this.#make(folder, state) };
    } catch (error) {
      return { parts: [], note: `${folder.name} is left out: ${messageOf(error)}` };
    }
  }
}

/** What is around results of other kinds. */
interface Around {
  /** Results on which somebody works. */
  underWay: readonly FoundFolder[];
  lineage: Lineage;
  evaluations: readonly EvaluationSet[];
}

/** The state of files in a folder. */
const ofFiles =
  (...names: string[]) =>
  ({ dir }: FoundFolder): string =>
    names.map((name) => stateOf(join(dir, name))).join('/');

export class FollowedResults {
  readonly #studies = new Read<FoundStudy>(
    (folder) => `${ofFiles('study.json')(folder)}/${this.#columns}`,
    (folder) => readStudies([folder], this.#around.evaluations),
  );
  readonly #benchmarks = new Read<ResultTable>(ofFiles('benchmarks.json'), (folder) =>
    benchmarkTables([folder]),
  );
  readonly #examined = new Read<Examination & { asked: string }>(
    ofFiles('summary.json', KEPT_FILE),
    (folder, state) =>
      // Rows are many, and few are looked at.
      readExaminations([folder]).map((one) => ({ ...one, rows: [], asked: nameOf(folder, state) })),
  );
  #around: Around = { underWay: [], lineage: new Lineage(), evaluations: [] };
  /** What of the evaluations a study leads to. */
  #columns = '';
  readonly #told = new Read<Told>(
    (folder) => {
      const { name, record } = folder;
      const result = resultOf(record.command) ?? RECORD;
      return [name, this.#isWorkedIn(folder), ofFiles('summary.json', result, RECORD)(folder)].join('/');
    },
    (folder) => toldBy([folder], this.#around.lineage, this.#around.underWay),
  );
  #folders: readonly FoundFolder[] = [];

  studies: FoundStudy[] = [];
  tables: ResultTable[] = [];
  examinations: (Examination & { asked: string })[] = [];

  /** What folders say of themselves, in their order. */
  get told(): Told[] {
    return this.#told.parts;
  }

  get notes(): string[] {
    return [this.#studies, this.#benchmarks, this.#examined, this.#told].flatMap(({ notes }) => notes);
  }

  /** @returns what changed */
  poll(
    found: readonly FoundFolder[],
    around: Partial<Around> = {},
  ): Record<'tables' | 'examinations' | 'told', boolean> {
    this.#around = { underWay: [], lineage: new Lineage(found), evaluations: [], ...around };
    const sets = this.#around.evaluations.map(({ id, columns }) => [id, columns.map(({ dir }) => dir)]);
    this.#columns = JSON.stringify(sets);
    const told = this.#told.poll(found.filter(({ record }) => TELLING.includes(record.command)));
    const by = (command: string) => found.filter(({ record }) => record.command === command);
    this.#folders = by('doctor');
    const tables = [this.#studies.poll(by('study')), this.#benchmarks.poll(by('benchmark'))].includes(true);
    const examinations = this.#examined.poll(this.#folders);
    if (tables) {
      this.studies = this.#studies.parts;
      this.tables = [...this.studies.flatMap((study) => study.tables), ...this.#benchmarks.parts];
    }
    if (examinations) this.examinations = this.#examined.parts;
    return { tables, examinations, told };
  }

  #isWorkedIn({ dir }: FoundFolder): boolean {
    return this.#around.underWay.some((one) => isWithin(one.dir, dir));
  }

  /** The rows of an examination; undefined where there is none of this name, or no longer. */
  examinedRows(name: string): ExaminedRow[] | undefined {
    const one = this.examinations.find(({ asked }) => asked === name);
    const folder = one && this.#folders.find(({ dir }) => dir === one.dir);
    return folder && readExaminations([folder])[0]?.rows;
  }
}

const nameOf = ({ dir }: FoundFolder, state: string): string =>
  createHash('sha256')
    .update(JSON.stringify([dir, state]))
    .digest('hex')
    .slice(0, 32);
