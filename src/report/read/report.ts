/** @file Makes a report from folders of results. Reads them, and writes nothing. */
import { existsSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { counted, numbered } from '../../util/counted.js';
import { explained } from '../../util/fileErrors.js';
import { packageVersion } from '../../util/version.js';
import type { PlacedChunk, PlacedTraces, Report, TrainingRun } from '../model.js';
import { answersOf, sentencesIn } from './answers.js';
import { comparisonsOf } from './comparisons.js';
import { Damaged } from './damaged.js';
import { readColumn, readEvaluations, type OpenSet } from './evaluations.js';
import { readExaminations } from './examinations.js';
import { findResults, foldersAmong, namesOf, newestOf, type FoundFolder } from './folders.js';
import { isWithin, NamedPaths } from './locate.js';
import { Lineage } from './lineage.js';
import { longestThatFit, NONE, USUAL, type Limits } from './limits.js';
import { EvaluationProblems } from './nearest.js';
import { shortened } from './json.js';
import { groupRuns, readRun } from './runs.js';
import { readStages } from './stages.js';
import { readStudies } from './studies.js';
import { benchmarkTables } from './tables.js';
import { toldBy } from './told.js';
import { readTraces, type OpenTraces } from './traceSets.js';

/** Files that a sentence names. */
const MOST_NAMED = 5;

/** A report, and the texts of its evaluations. */
export interface OpenReport {
  report: Report;
  /** Reads the texts again, a chunk at a time. */
  chunks: () => Generator<PlacedChunk | PlacedTraces>;
  /** Results that cannot be read and are left out, a sentence each; they are among the report's notes as well. */
  damaged: string[];
}

export interface ReportOptions {
  /**
   * Files and folders that a user has named elsewhere, such as in a recipe: rows are read from them where records of the results name them.
   * What is not there is passed over.
   */
  inputs?: readonly string[];
  /** Files of rows with columns of tokens, as `redistill columns` writes them. */
  columns?: readonly string[];
  /** All texts, however large that makes the report. */
  all?: boolean;
  /** How much of texts the report holds, where it is not all. Default: so much that a browser opens it at once. */
  limits?: Limits;
}

/** Files whose time is that of a result. */
export const RESULTS = ['metrics.jsonl', 'samples.jsonl', 'summary.json', 'compare.json', 'stages.json'];

/**
 * Reads all runs, evaluations and comparisons in and under folders.
 * @param paths folders of results; files among them are rows that records of these folders name, which are not read otherwise
 * @throws UserError for a folder that is not there or holds nothing of the kind, and where all results are damaged; of several results those
 *   that are damaged are left out, which a note says
 */
export async function readReport(
  paths: readonly string[],
  { inputs = [], columns = [], all = false, limits = all ? NONE : USUAL }: ReportOptions = {},
): Promise<OpenReport> {
  const dirs = foldersAmong(paths);
  const unread: string[] = [];
  const found = findResults(dirs, unread);
  for (const file of columns) explained(file, () => statSync(file));
  const named = inputs.filter((path) => existsSync(path));
  const mayRead = new NamedPaths([...paths, ...columns, ...named]);
  const lineage = new Lineage(found);
  const damaged = new Damaged();
  const by = (command: string) => found.filter(({ record }) => record.command === command);
  const runs: TrainingRun[] = [];
  // One after the other: all of their steps at once would not fit.
  for (const folder of by('train')) {
    const run = await damaged.unless(folder, () => readRun(folder, lineage));
    if (run) runs.push(run);
  }
  groupRuns(runs);
  const sets = readEvaluations(
    by('evaluate'),
    (folder) => damaged.unless(folder, () => readColumn(folder)),
    lineage,
  );
  const evaluations = sets.map(({ set }) => set);
  const studies = readStudies(by('study'), evaluations);
  const comparisons = [
    ...studies.flatMap((study) => study.comparisons),
    ...comparisonsOf(by('compare'), sets),
  ];
  const shown = (path: string) => shownPlace(path, dirs);
  const said = (note: string) => dirs.reduce((text, dir) => text.replaceAll(dir, shown(dir)), note);
  const words = [...paths, ...named.filter((path) => statSync(path).isFile())].map(shown).join(' ');
  const command = `redistill report ${words} --all`;
  const problems = problemsOf(sets);
  const traces = await readTraces({
    found,
    runs,
    columns,
    mayRead,
    problems,
    limits,
    command,
    shown,
    damaged,
  });
  const parts = {
    ...{ runs, evaluations, comparisons, traces: traces.map(({ set }) => set) },
    examinations: readExaminations(by('doctor')),
  };
  const longest = longestOf(sets, limits);
  const stages = readStages(by('run'), parts);
  const columnsOfSets = evaluations.flatMap((set) => set.columns);
  for (const part of [...runs, ...columnsOfSets, ...parts.traces, ...studies]) part.dir = shown(part.dir);
  for (const part of [...runs, ...columnsOfSets])
    if (part.study !== undefined) part.study = shown(part.study);
  for (const run of runs) run.settings = shownSettings(run.settings, shown);
  for (const column of columnsOfSets) {
    column.model = shown(column.model);
    column.protocol = shownSettings(column.protocol, shown);
  }
  const told = toldBy(found, lineage);
  const tables = [...studies.flatMap((study) => study.tables), ...benchmarkTables(by('benchmark'))];
  if (Object.values(parts).every(({ length }) => length === 0) && tables.length === 0 && told.length === 0)
    damaged.throwFirst();
  const answers = answersOf({ ...parts, stages, told, studies });
  return {
    report: {
      format: 1,
      version: packageVersion(),
      date: dateOf(found),
      title: [...namesOf(dirs).values()].join(', '),
      sentences: sentencesIn(answers),
      answers,
      stages,
      ...parts,
      notes: [
        ...[...unread, ...damaged.notes].map(said),
        ...notesOf(longest, problems, command),
        ...notRead(mayRead, words),
      ],
      tables,
    },
    damaged: damaged.notes.map(said),
    chunks: () => placed(sets, traces, longest),
  };
}

/** A path as a report names it, which may go to others: nothing of the machine before the folder that was named. */
function shownPlace(path: string, tops: readonly string[]): string {
  if (!isAbsolute(path)) return path;
  const top = tops.find((one) => isWithin(one, path));
  return top === undefined ? shortened(path) : join(basename(resolve(top)), relative(top, path));
}

/** Settings whose paths, alone or in lists, are shown so. */
const shownSettings = <T>(settings: Readonly<Record<string, T>>, shown: (path: string) => string) =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key,
      typeof value === 'string'
        ? value.replace(/^[^"]+$|(?<=")[^"]*(?=")/g, (text) => (isAbsolute(text) ? shown(text) : text))
        : value,
    ]),
  ) as Record<string, T>;

const dateOf = (found: readonly FoundFolder[]): string =>
  (newestOf(found.flatMap(({ dir }) => RESULTS.map((name) => join(dir, name)))) ?? new Date(0)).toISOString();

/** The problems of all sets, to find those that resemble a row's. */
export function problemsOf(sets: readonly OpenSet[]): EvaluationProblems {
  const problems = new EvaluationProblems();
  for (const { set, texts } of sets)
    for (const [place, text] of texts.entries())
      problems.add(set.id, place, set.problems.heads[place]!, text);
  return problems;
}

/** Characters that each response of the evaluations may have. */
function longestOf(sets: readonly OpenSet[], { responses }: Limits): number {
  const lengths = new Float64Array(sets.reduce((sum, one) => sum + one.lengths.length, 0));
  let at = 0;
  for (const one of sets) {
    lengths.set(one.lengths, at);
    at += one.lengths.length;
  }
  return longestThatFit(lengths, responses);
}

function notesOf(longest: number, { leftOut }: EvaluationProblems, command: string): string[] {
  const notes: string[] = [];
  if (longest === 0)
    notes.push(
      `Responses are left out, since they would make this page too large to open; \`${command}\` has all of them.`,
    );
  else if (longest < Infinity)
    notes.push(
      `Of responses with more than ${longest.toLocaleString('en')} characters the middle is left out, which would make this page too large to open; \`${command}\` has all of them.`,
    );
  if (leftOut > 0)
    notes.push(
      `Rows of training are compared with the first problems of the evaluations; ${leftOut.toLocaleString('en')} ${numbered(leftOut, 'is', 'are')} left out.`,
    );
  return notes;
}

/** What records name elsewhere, and how it gets into a report. */
function notRead({ left }: NamedPaths, named: string): string[] {
  if (left.size === 0) return [];
  const files = [...left];
  const more = files.length > MOST_NAMED ? ` and ${counted(files.length - MOST_NAMED, 'file')} more` : '';
  return [
    `Rows were not read from what records name outside of the folders of this report: ${files.slice(0, MOST_NAMED).map(shortened).join(', ')}${more}. \`redistill report ${named} FILE\` reads a file, too.`,
  ];
}

function* placed(
  sets: readonly OpenSet[],
  traces: readonly OpenTraces[],
  longest: number,
): Generator<PlacedChunk | PlacedTraces> {
  for (const [set, { chunks }] of sets.entries()) {
    let chunk = 0;
    for (const problems of chunks(longest)) yield { set, chunk: chunk++, problems };
  }
  for (const [place, { chunks }] of traces.entries()) {
    let chunk = 0;
    for (const rows of chunks()) yield { traces: place, chunk: chunk++, rows };
  }
}
