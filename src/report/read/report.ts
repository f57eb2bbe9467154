/** @file Makes a report from folders of results. Reads them, and writes nothing. */
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { packageVersion } from '../../util/version.js';
import type { PlacedChunk, Report } from '../model.js';
import { answersOf } from './answers.js';
import { compareSets, readComparisons } from './comparisons.js';
import { readEvaluations, type OpenSet } from './evaluations.js';
import { findResults, newestOf } from './folders.js';
import { groupRuns, readRun } from './runs.js';
import { sentencesOf } from './sentences.js';
import { readStages } from './stages.js';

/** A report, and the texts of its evaluations. */
export interface OpenReport {
  report: Report;
  /** Reads the texts again, a chunk at a time. */
  chunks: () => Generator<PlacedChunk>;
}

/** Files whose time is that of a result. */
export const RESULTS = ['metrics.jsonl', 'samples.jsonl', 'summary.json', 'compare.json', 'stages.json'];

/**
 * Reads all runs, evaluations and comparisons in and under folders.
 * @throws UserError for a folder that is not there or holds nothing of the kind, and for damaged files
 */
export async function readReport(dirs: readonly string[]): Promise<OpenReport> {
  const found = findResults(dirs);
  const by = (command: string) => found.filter(({ record }) => record.command === command);
  const runs = (await Promise.all(by('train').map(readRun))).filter((run) => run !== undefined);
  groupRuns(runs);
  const sets = readEvaluations(by('evaluate'));
  const evaluations = sets.map(({ set }) => set);
  const made = readComparisons(by('compare'), evaluations);
  const comparisons = made.length > 0 ? made : compareSets(evaluations);
  const parts = { runs, evaluations, comparisons };
  const stages = by('run').flatMap((pipeline) => readStages(pipeline, parts));
  for (const part of [...runs, ...evaluations.flatMap(({ columns }) => columns)])
    part.dir = shownPlace(part.dir, dirs);
  const newest = newestOf(found.flatMap(({ dir }) => RESULTS.map((name) => join(dir, name))));
  return {
    report: {
      format: 1,
      version: packageVersion(),
      date: (newest ?? new Date(0)).toISOString(),
      title: dirs.map((dir) => basename(resolve(dir))).join(', '),
      sentences: sentencesOf(parts),
      answers: answersOf({ ...parts, stages }),
      stages,
      ...parts,
    },
    chunks: () => placed(sets),
  };
}

/** A folder as a report names it, which may go to others: nothing of the machine before the folder that was named. */
function shownPlace(dir: string, tops: readonly string[]): string {
  const top = tops.find((one) => !relative(one, dir).startsWith('..'));
  return isAbsolute(dir) && top !== undefined ? join(basename(resolve(top)), relative(top, dir)) : dir;
}

function* placed(sets: readonly OpenSet[]): Generator<PlacedChunk> {
  for (const [set, { chunks }] of sets.entries()) {
    let chunk = 0;
    for (const problems of chunks()) yield { set, chunk: chunk++, problems };
  }
}
