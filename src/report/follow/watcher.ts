/** @file Follows all runs under a folder: a report that is kept up to date, and what changes of it at each look. */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError, messageOf } from '../../util/errors.js';
import { isWorkedIn } from '../../util/folderLock.js';
import { recordOf, RECORD, type FolderRecord } from '../../util/ownFolder.js';
import { packageVersion } from '../../util/version.js';
import type { Activity, Change, Live, ReportParts, Snapshot } from '../live.js';
import type { ExaminedRow, ProblemChunk, Report, TracedRow, TraceSet, TrainingRun } from '../model.js';
import { answersOf, sentencesIn } from '../read/answers.js';
import { resultsBelow, newestOf, type FoundFolder } from '../read/folders.js';
import { RESULTS } from '../read/report.js';
import { Lineage } from '../read/lineage.js';
import { groupRuns } from '../read/runs.js';
import { readStages } from '../read/stages.js';
import { FollowedEvaluations } from './evaluations.js';
import { LoadMeter } from './load.js';
import { FollowedResponses } from './responses.js';
import { FollowedResults } from './results.js';
import { FollowedRun } from './run.js';
import { stateOf } from './seen.js';
import { FollowedTraces, type Surroundings } from './traces.js';
import { workIn } from './work.js';

/** Folders of each kind that are followed, at most; those that were found first. */
const MOST = 300;
/** So many folders are looked through at every look; where there are more, at every second, third, … */
const FOLDERS_A_LOOK = 300;
/** Activities that are told of, at most, and evaluations whose responses are. */
const [MOST_ACTIVITIES, MOST_SAMPLED] = [200, 5];

export interface WatcherOptions {
  /** Milliseconds since 1970; tests have their own clock. */
  now?: () => number;
}

/** A folder's record, as of a state of its file. */
interface SeenRecord {
  state: string;
  record: FolderRecord | undefined;
}

/** Which parts of the report were made again. */
type Anew = Record<'evaluations' | 'traces' | 'examinations' | 'tables', boolean>;

export class Watcher implements Disposable {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #load = new LoadMeter();
  /** By their paths, in the order in which they were found: what is there keeps its place. */
  #found = new Map<string, FoundFolder>();
  #records = new Map<string, SeenRecord>();
  readonly #runs = new Map<string, FollowedRun>();
  readonly #responses = new Map<string, FollowedResponses>();
  readonly #evaluations = new FollowedEvaluations();
  readonly #results = new FollowedResults();
  readonly #traces: FollowedTraces;
  #looks = 0;
  #states = '';
  #told: Partial<Record<keyof ReportParts, string>> = { comparisons: '[]' };
  #order: string[] = [];
  #notes: string[] = [];
  /** What could not be looked at when folders were looked for. */
  #unread: string[] = [];
  #lineage = new Lineage();
  /** Results on which somebody works. */
  #underWay: readonly FoundFolder[] = [];
  #parts: ReportParts;

  /** @throws UserError where there is a file in place of the folder; a folder that is not there yet may come */
  constructor(dir: string, { now = Date.now }: WatcherOptions = {}) {
    if (statSync(dir, { throwIfNoEntry: false })?.isFile())
      throw new UserError(`${dir} is a file: name a folder of runs.`);
    this.#dir = dir;
    this.#now = now;
    this.#traces = new FollowedTraces(dir);
    this.#parts = {
      ...{ version: packageVersion(), date: new Date(0).toISOString(), title: basename(resolve(dir)) },
      ...{ sentences: [], answers: [], stages: [], evaluations: [], comparisons: [] },
      ...{ traces: [], examinations: [], tables: [] },
    };
  }

  /** Everything as of the last look. */
  get snapshot(): Snapshot {
    return { report: { format: 1, ...this.#parts, runs: this.#drawn() }, texts: this.#evaluations.texts };
  }

  get report(): Report {
    return this.snapshot.report;
  }

  /** How far everything is at the moment, and how busy the machine. */
  get live(): Live {
    const now = this.#now();
    const activities = this.#activities(now);
    const left = activities.length - MOST_ACTIVITIES;
    return {
      ...{ time: now, dir: this.#dir, load: this.#load.look() },
      activities: activities.slice(0, MOST_ACTIVITIES),
      notes: [
        ...this.#unread,
        ...this.#notes,
        ...this.#evaluations.notes,
        ...this.#results.notes,
        ...(left > 0 ? [`${left} more are not listed.`] : []),
      ].map((note) => note.slice(0, 500)),
    };
  }

  /** Texts of a set; undefined where there are none of this name. @throws UserError for damaged files */
  chunk(name: string, chunk: number): ProblemChunk | undefined {
    return this.#evaluations.chunk(name, chunk);
  }

  /** A set of traces with its rows; undefined where there is none of this name. @throws UserError for damaged files */
  traces(name: string): Promise<TraceSet | undefined> {
    return this.#traces.open(name, this.#around(), this.#now());
  }

  /** A chunk of its rows. @throws UserError for damaged files */
  tracedRows(name: string, chunk: number): Promise<TracedRow[] | undefined> {
    return this.#traces.chunk(name, chunk, this.#around(), this.#now());
  }

  /** The rows of an examination; undefined where there is none of this name. @throws UserError for damaged files */
  examinedRows(name: string): ExaminedRow[] | undefined {
    return this.#results.examinedRows(name);
  }

  #around(): Surroundings {
    return { runs: this.#drawn(), problems: () => this.#evaluations.problems() };
  }

  [Symbol.dispose](): void {
    this.#evaluations[Symbol.dispose]();
  }

  /** Looks at all files. @returns what has changed since the last look, if anything */
  async look(): Promise<Change | undefined> {
    this.#notes = [];
    if (this.#looks++ % Math.ceil((this.#found.size + 1) / FOLDERS_A_LOOK) === 0) this.#find();
    const trained = this.#by('train');
    for (const folder of trained) {
      const run = this.#runs.get(folder.dir) ?? new FollowedRun(folder);
      this.#runs.set(folder.dir, run);
      await run.describe(folder, this.#lineage).catch((error: unknown) => {
        this.#notes.push(`${folder.name} cannot be followed: ${messageOf(error)}`);
      });
    }
    // Nothing is awaited from here on, so that whoever asks meanwhile sees all of a look or nothing.
    let hasChanged = false;
    for (const folder of trained)
      hasChanged = this.#follow(folder, () => this.#runs.get(folder.dir)!.poll()) || hasChanged;
    for (const folder of [...this.#by('evaluate'), ...this.#by('collect')])
      this.#follow(folder, () => {
        const followed = this.#responses.get(folder.dir) ?? new FollowedResponses(folder);
        this.#responses.set(folder.dir, followed);
        followed.poll(folder, this.#now());
        return false;
      });
    const found = [...this.#found.values()];
    this.#underWay = found.filter((folder) => this.#isUnderWay(folder));
    const isJudgedAnew = this.#evaluations.poll(this.#by('evaluate'), this.#by('compare'), this.#lineage);
    const { tables, examinations, told } = this.#results.poll(found, {
      ...{ underWay: this.#underWay, lineage: this.#lineage, evaluations: this.#evaluations.evaluations },
    });
    const anew: Anew = {
      ...{ evaluations: isJudgedAnew, tables, examinations },
      traces: this.#traces.poll(found, this.#now()),
    };
    const isAnew = told || Object.values(anew).includes(true);
    const states = [
      ...this.#underWay.map(({ dir }) => dir),
      ...found.flatMap(({ dir }) => [dir, ...RESULTS.slice(1).map((name) => stateOf(join(dir, name)))]),
    ].join('\n');
    if (!hasChanged && !isAnew && states === this.#states) return undefined;
    this.#states = states;
    return this.#changed(anew);
  }

  /** Folders of a command. */
  #by(command: string): FoundFolder[] {
    const all = [...this.#found.values()].filter(({ record }) => record.command === command);
    if (all.length > MOST)
      this.#notes.push(
        `Of ${all.length} folders of ${command} the first ${MOST} are followed: watch a part of them.`,
      );
    return all.slice(0, MOST);
  }

  /** Whether somebody works on a result: without a lock, as the library does, where something has just been written. */
  #isUnderWay({ dir }: FoundFolder): boolean {
    const followed = this.#runs.get(dir) ?? this.#responses.get(dir);
    return followed ? ['running', 'stalled'].includes(followed.activity(this.#now()).state) : isWorkedIn(dir);
  }

  /** Looks for folders that have come or gone. */
  #find(): void {
    const records = new Map<string, SeenRecord>();
    const recordIn = (dir: string): FolderRecord | undefined => {
      const state = stateOf(join(dir, RECORD));
      const then = this.#records.get(dir);
      const known = then?.state === state ? then : { state, record: recordOf(dir) };
      records.set(dir, known);
      return known.record;
    };
    let now: FoundFolder[];
    const unread: string[] = [];
    try {
      now = statSync(this.#dir, { throwIfNoEntry: false })
        ? [...resultsBelow(this.#dir, { recordIn, notes: unread })]
        : [];
    } catch (error) {
      this.#unread = [`There was no looking for further runs: ${messageOf(error)}`]; // it may have gone in the meantime
      return;
    }
    this.#records = records;
    this.#unread = unread;
    const byDir = new Map(now.map((folder) => [folder.dir, folder]));
    const kept = [...this.#found.keys()].filter((dir) => byDir.has(dir));
    this.#found = new Map([...new Set([...kept, ...byDir.keys()])].map((dir) => [dir, byDir.get(dir)!]));
    this.#lineage = new Lineage(now);
    for (const followed of [this.#runs, this.#responses])
      for (const dir of followed.keys()) if (!byDir.has(dir)) followed.delete(dir);
  }

  /** Follows a folder; what cannot be read is told of. */
  #follow({ name }: FoundFolder, body: () => boolean): boolean {
    try {
      return body();
    } catch (error) {
      this.#notes.push(`${name} cannot be followed: ${messageOf(error)}`);
      return false;
    }
  }

  /** The runs that have steps, in their order. */
  #drawn(): TrainingRun[] {
    return [...this.#runs.values()].map(({ run }) => run).filter((run) => run !== undefined);
  }

  #changed(anew: Anew): Change | undefined {
    const runs = this.#drawn();
    groupRuns(runs);
    const { evaluations } = this.#evaluations;
    const { tables, examinations, studies, told } = this.#results;
    const comparisons = [...studies.flatMap((study) => study.comparisons), ...this.#evaluations.comparisons];
    const traces = this.#traces.sets;
    const parts = { runs, evaluations, comparisons, traces, examinations };
    const found = [...this.#found.values()];
    const newest = newestOf(found.flatMap(({ dir }) => RESULTS.map((name) => join(dir, name))));
    const pipelines = found.filter(({ record }) => record.command === 'run');
    const stages = readStages(pipelines, parts);
    const answers = answersOf({ ...parts, stages, studies, told, underWay: this.#underWay });
    this.#parts = {
      ...{ version: this.#parts.version, title: this.#parts.title, evaluations, comparisons },
      ...{ traces, examinations, tables },
      date: (newest ?? new Date(0)).toISOString(),
      sentences: sentencesIn(answers),
      answers,
      stages,
    };
    const changed: Partial<ReportParts> = {
      ...(anew.evaluations && { evaluations }),
      ...(anew.traces && { traces }),
      ...(anew.examinations && { examinations }),
      ...(anew.tables && { tables }),
    };
    for (const name of ['date', 'sentences', 'answers', 'stages', 'comparisons'] as const) {
      const told = JSON.stringify(this.#parts[name]);
      if (this.#told[name] !== told) Object.assign(changed, { [name]: this.#parts[name] });
      this.#told[name] = told;
    }
    const order = runs.map(({ id }) => id);
    const changes = [...this.#runs.values()]
      .map((run) => run.takeChange())
      .filter((one) => one !== undefined);
    const isSame = order.length === this.#order.length && order.every((id, i) => id === this.#order[i]);
    this.#order = order;
    if (isSame && changes.length === 0 && Object.keys(changed).length === 0) return undefined;
    return {
      parts: changed,
      ...(anew.evaluations && { texts: this.#evaluations.texts }),
      order,
      runs: changes,
    };
  }

  /** What is under way first, in its order, then what was changed last. */
  #activities(now: number): Activity[] {
    const rank = { running: 0, stalled: 1, stopped: 2, done: 3 };
    const all = [
      ...[...this.#runs.values()].map((run) => run.activity(now)),
      ...[...this.#responses].map(([dir, responses]) => ({
        ...responses.activity(now),
        ...this.#linkTo(dir),
      })),
      ...[...this.#found.values()].flatMap((folder) => {
        const work = workIn(folder, this.#underWay.includes(folder));
        return work ? [{ ...work, ...this.#linkTo(folder.dir) }] : [];
      }),
    ];
    const isUnderWay = ({ state }: Activity) => rank[state] < rank.stopped;
    all.sort(
      (a, b) => rank[a.state] - rank[b.state] || (isUnderWay(a) ? 0 : (b.changed ?? 0) - (a.changed ?? 0)),
    );
    for (const activity of all.filter(({ samples }) => samples.length > 0).slice(MOST_SAMPLED))
      activity.samples = [];
    return all;
  }

  #linkTo(dir: string): Pick<Activity, 'link'> {
    const set = this.#evaluations.evaluations.find(({ columns }) => columns.some((one) => one.dir === dir));
    if (set) return { link: `evaluations/${set.id}` };
    const views = { traces: this.#traces.sets, doctor: this.#results.examinations };
    for (const [view, parts] of Object.entries(views)) {
      const part = parts.find((one) => one.dir === dir);
      if (part) return { link: `${view}/${part.id}` };
    }
    return {};
  }
}
