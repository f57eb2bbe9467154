/** @file Rows of curations, collections and tokens beside runs under way: named as they are there, and read when a page looks at them. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { TracedRow, TraceSet, TrainingRun } from '../model.js';
import type { FoundFolder } from '../read/folders.js';
import { settingsOf } from '../read/json.js';
import { WATCHED } from '../read/limits.js';
import { locate, NamedPaths } from '../read/locate.js';
import type { EvaluationProblems } from '../read/nearest.js';
import { filesOf } from '../read/openRow.js';
import { foldersOfRows, readTracesOf, TRACES } from '../read/traceSets.js';
import { stateOf } from './seen.js';

/** Sets that stay open, the last used ones, and milliseconds after which one that nobody asks for is let go. */
const [KEPT, IDLE_MS] = [2, 5 * 60_000];
/** Sets that are named, at most. */
const MOST = 300;

/** What each command's folder gives to rows; a file is put in its place when it is whole. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  curate: ['pref.jsonl', 'sft.jsonl', 'dropped.jsonl'],
  collect: [TRACES],
  columns: ['rows.jsonl'],
  score: ['scores.jsonl'],
  doctor: ['summary.json'],
};

/** What is around the rows: evaluations that resemble them, and runs that were trained on them. */
export interface Surroundings {
  runs: readonly TrainingRun[];
  problems: () => EvaluationProblems;
}

/** A set that has been read. */
interface Opened {
  set: TraceSet;
  chunks: TracedRow[][];
}

interface Kept {
  opened: Promise<Opened | undefined>;
  /** Milliseconds since 1970, when it was asked for last. */
  asked: number;
}

export class FollowedTraces {
  readonly #dir: string;
  #found: readonly FoundFolder[] = [];
  #folders = new Map<string, FoundFolder>();
  #names = '';
  readonly #kept = new Map<string, Kept>();
  /** One after the other: several at once would not fit. */
  #reading: Promise<unknown> = Promise.resolve();

  /** Without their rows. */
  sets: TraceSet[] = [];

  /** @param dir what is watched: rows elsewhere, which records may name, stay out of it */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** @param now milliseconds since 1970 @returns whether anything changed */
  poll(found: readonly FoundFolder[], now: number): boolean {
    this.#found = found;
    for (const [name, { asked }] of this.#kept) if (now - asked > IDLE_MS) this.#kept.delete(name);
    const ofRows = foldersOfRows(found);
    const folders = [...ofRows, ...unplacedColumns(found, ofRows)]
      .filter(({ dir, record }) => filesIn(dir, record.command).some((file) => existsSync(file)))
      .slice(0, MOST);
    const beside = found
      .filter(({ record }) => ['columns', 'score', 'doctor', 'train'].includes(record.command))
      .map(({ dir, record }) => [dir, ...filesIn(dir, record.command).map(stateOf)]);
    const named = folders.map((folder) => [nameOf(folder, beside), folder] as const);
    const names = named.map(([name]) => name).join();
    if (names === this.#names) return false;
    this.#names = names;
    this.#folders = new Map(named);
    for (const name of this.#kept.keys()) if (!this.#folders.has(name)) this.#kept.delete(name);
    this.sets = named.map(([asked, { name, dir }]) => ({
      ...{ id: name, name, dir, asked, notes: [], columns: [] },
      rows: { ids: [], heads: [], fates: [], traces: [], tokens: [], chunks: [] },
    }));
    return true;
  }

  /** A set with its rows; undefined where there is none of this name, or no longer. @throws UserError for damaged files */
  async open(name: string, around: Surroundings, now: number): Promise<TraceSet | undefined> {
    const opened = await this.#opened(name, around, now);
    return opened && { ...opened.set, asked: name };
  }

  /** Rows of it; undefined where there are none. @throws UserError for damaged files */
  async chunk(
    name: string,
    chunk: number,
    around: Surroundings,
    now: number,
  ): Promise<TracedRow[] | undefined> {
    return (await this.#opened(name, around, now))?.chunks[chunk];
  }

  #opened(name: string, around: Surroundings, now: number): Promise<Opened | undefined> {
    const folder = this.#folders.get(name);
    if (!folder) return Promise.resolve(undefined);
    const known = this.#kept.get(name)?.opened;
    const opened = known ?? this.#after(() => this.#read(folder, around));
    this.#kept.delete(name);
    this.#kept.set(name, { opened, asked: now });
    // What could not be read may be whole later.
    opened.catch(() => this.#kept.get(name)?.opened === opened && this.#kept.delete(name));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return opened;
  }

  #after<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#reading.then(work);
    this.#reading = done.catch(() => undefined);
    return done;
  }

  async #read(folder: FoundFolder, { runs, problems }: Surroundings): Promise<Opened> {
    const open = await readTracesOf(folder, {
      ...{ found: this.#found, runs, columns: [], limits: WATCHED, shown: (path) => path },
      ...{ mayRead: new NamedPaths([this.#dir]), problems: problems() },
      command: `redistill report ${this.#dir} --all`,
    });
    return open
      ? { set: open.set, chunks: [...open.chunks()] }
      : { set: this.sets.find(({ dir }) => dir === folder.dir)!, chunks: [] };
  }
}

const filesIn = (dir: string, command: string): string[] =>
  (FILES[command] ?? []).map((name) => join(dir, name));

/** Folders of `columns` whose rows are of no set: they are sets by themselves. */
function unplacedColumns(found: readonly FoundFolder[], ofRows: readonly FoundFolder[]): FoundFolder[] {
  const holders = new Set(ofRows.map(({ dir }) => resolve(dir)));
  return found.filter(({ dir, record }) => {
    if (record.command !== 'columns') return false;
    const data = locate(settingsOf(record).data, dir);
    return data === undefined || !holders.has(dirname(data));
  });
}

/** A name that changes with the files of a set and with what its rows are shown with. */
function nameOf(folder: FoundFolder, beside: unknown): string {
  const { dir, record } = folder;
  const files = [...filesIn(dir, record.command), ...filesOf(folder)];
  const states = files.map((file) => [file, stateOf(file)]);
  return createHash('sha256')
    .update(JSON.stringify([dir, states, beside]))
    .digest('hex')
    .slice(0, 32);
}
