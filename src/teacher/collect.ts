import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonLines } from '../data/jsonl.js';
import { Quarantine } from '../data/quarantine.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { Collector, type CollectorOptions } from './collector.js';
import { Journal } from './journal.js';
import { withFolder } from '../util/folderLock.js';
import { Meter, type Budget, type Prices } from './meter.js';
import { readTeacherProblems } from './problemRows.js';
import { requireSameRun, type JournalHeader } from './settings.js';
import { journalEntry, nextSample, type ProblemState } from './states.js';
import { writeTraceRows } from './traceWriter.js';

export interface CollectOptions extends CollectorOptions {
  /** JSON lines of problems with answers. */
  problems: string;
  /** The folder for the journal and what is made from it. */
  out: string;
  budget?: Budget;
  prices?: Prices;
}

export interface CollectSummary {
  /** The file with the traces. */
  traces: string;
  problems: number;
  /** Problems with a right trace. */
  solved: number;
  /** Problems that were given up in this run; `failed.jsonl` has them with the reason. */
  failed: number;
  /** Rows of the problem file without a problem or an answer; `quarantine.jsonl` has them. */
  set_aside: number;
  generations: number;
  right: number;
  prompt_tokens: number;
  completion_tokens: number;
  /** In the unit of the prices; null without them. */
  cost: number | null;
  /** The budget ended the run before every problem had its traces. */
  budget_used_up: boolean;
}

/**
 * Asks a teacher for traces of every problem, verifies each as it arrives and writes into the folder:
 *
 *     journal.jsonl      every trace, in the order of arrival, on disk before it counts
 *     traces.jsonl       one row a problem that has traces, in input order, made from the journal at the end
 *     failed.jsonl       problems whose requests failed for good, with the reason, if there are any
 *     quarantine.jsonl   rows of the problem file that cannot be used, if there are any
 *     summary.json       the counts
 *
 * A run that ended early, in whatever way, is gone on with by the same call: nothing of the journal is asked for again,
 * and problems that were given up are tried again.
 * @throws UserError for input that does not fit, for other settings than the journal's, where the endpoint refuses
 * every request or the disk is full; the signal's reason when it is aborted
 */
export async function collect(options: CollectOptions): Promise<CollectSummary> {
  const { out } = options;
  try {
    makeFolder(out);
    return await withFolder(out, () => collectLocked(options));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code ?? '')) throw error;
    throw new UserError(
      `The disk of ${out} is full: free some space and run the same command again; the traces up to now are kept.`,
    );
  }
}

async function collectLocked(options: CollectOptions): Promise<CollectSummary> {
  const { out, settings, progress } = options;
  using setAside = new Quarantine(join(out, 'quarantine.jsonl'));
  const { problems, digest } = readTeacherProblems(options.problems, (bad) => {
    setAside.add(bad);
  });
  setAside.commit();
  if (setAside.first) {
    const { line, problem } = setAside.first;
    progress.log(
      `${setAside.count} rows set aside in ${setAside.path} (the first: line ${line}, ${problem})`,
    );
  }
  const header: JournalHeader = {
    journal: 'redistill collect',
    version: 1,
    problems: { rows: problems.length, sha256: digest },
    settings: { ...settings },
  };
  const meter = new Meter(options.prices, options.budget ?? {});
  const states = problems.map((problem): ProblemState => ({ ...problem, traces: [], right: 0 }));
  const journal = await openJournal(out, header, states, meter);
  try {
    await new Collector(options, states, meter, journal).run();
    const traces = join(out, 'traces.jsonl');
    await writeTraceRows(
      traces,
      { path: options.problems, digest },
      states,
      journal,
      settings,
      options.signal,
    );
    writeFailures(join(out, 'failed.jsonl'), states);
    const summary: CollectSummary = {
      traces,
      problems: states.length,
      solved: states.filter(({ right }) => right > 0).length,
      failed: states.filter(({ failure }) => failure !== undefined).length,
      set_aside: setAside.count,
      generations: meter.generations,
      right: meter.right,
      prompt_tokens: meter.promptTokens,
      completion_tokens: meter.completionTokens,
      cost: meter.cost,
      budget_used_up: states.some(
        (state) => state.failure === undefined && nextSample(state, settings) !== undefined,
      ),
    };
    writeFileAtomic(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
    return summary;
  } finally {
    progress.finish();
    await journal.close();
  }
}

function makeFolder(out: string): void {
  try {
    mkdirSync(out, { recursive: true });
  } catch (error) {
    const isFile = ['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw isFile ? new UserError(`${out} is a file: --out takes a folder.`) : error;
  }
}

/** The journal, with what it holds entered into the states and the meter. */
async function openJournal(
  out: string,
  header: JournalHeader,
  states: readonly ProblemState[],
  meter: Meter,
): Promise<Journal> {
  const path = join(out, 'journal.jsonl');
  const journal = await Journal.open(path, (line, place) => {
    if (place.offset === 0) {
      requireSameRun(line, header, out);
      return;
    }
    const entry = journalEntry.safeParse(line);
    const state = entry.success ? states[entry.data.problem] : undefined;
    if (!entry.success || !state)
      throw new UserError(`${path} has a line at byte ${place.offset} that is not a trace: remove it.`);
    state.traces[entry.data.sample] = place;
    if (entry.data.right) state.right++;
    meter.add(entry.data);
  });
  if (journal.isEmpty) await journal.append(header);
  return journal;
}

function writeFailures(path: string, states: readonly ProblemState[]): void {
  const failures = states.flatMap(({ failure, originalIndex, problem }) =>
    failure === undefined ? [] : [{ original_index: originalIndex, problem, reason: failure }],
  );
  if (failures.length > 0) writeJsonLines(path, failures);
  else rmSync(path, { force: true }); // what an earlier run gave up is there now
}
