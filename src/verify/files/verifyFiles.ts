/**
 * @file Verifies the rows of files: reads, verifies in worker threads, asks the judge, writes. What is
 * right, verify.ts decides.
 */

import { countRows } from '../../data/countRows.js';
import { Quarantine } from '../../data/quarantine.js';
import { openRowOutput } from '../../data/rowOutput.js';
import { UserError } from '../../util/errors.js';
import { FileReplacement, replaceTogether, siblingPath } from '../../util/files.js';
import { inOrder } from '../../util/inOrder.js';
import type { Progress } from '../../util/progress.js';
import type { Preset } from '../presets.js';
import { describeDisagreement, disagrees, DISAGREEMENTS_TITLE } from './disagreements.js';
import type { JudgeUse, ResponseJudge } from './judgement.js';
import { VerifyPool } from './pool.js';
import { VerdictTally, type JudgeCounts, type VerdictCounts } from './tally.js';
import {
  assessmentsOf,
  itemsOf,
  readRowsToVerify,
  verifiedRow,
  type Assessment,
  type RowToVerify,
} from './verifiedRows.js';

/** Which responses the judge sees: all, or those that the rules reject. */
export type JudgeMode = 'all' | 'rejected';

/** The settings of one run over files. */
export interface VerifyFilesOptions {
  files: readonly string[];
  /** The file that the rows are written to. */
  out: string;
  /** The preset of rows that name none. */
  preset: Preset;
  threads: number;
  judge?: {
    judge: ResponseJudge;
    mode: JudgeMode;
    /** The file of Markdown about the responses on which rules and judge differ. */
    disagreements: string;
  };
  signal?: AbortSignal;
}

/** The counts of one finished run. */
export interface VerifySummary extends VerdictCounts {
  rows: number;
  presets: VerdictTally['presets'];
  /** The number of rows that could not be verified; `quarantine` is the file that has them. */
  quarantined: number;
  quarantine?: string;
  judge?: JudgeCounts & JudgeUse;
  seconds: number;
}

/** A row with what was found about its responses. */
interface Verified {
  row: RowToVerify;
  assessments: Assessment[];
}

/**
 * Verifies the rows of files with the rules, in `threads` worker threads, and then with the judge if there is one, and
 * writes them in input order. The file `out` appears when it is whole; rows that cannot be read go to
 * `<out>.quarantine.jsonl` with file, line and reason. Memory does not grow with the files.
 * @throws UserError if no row can be verified; the signal's reason when it is aborted
 */
export async function verifyFiles(options: VerifyFilesOptions, progress: Progress): Promise<VerifySummary> {
  const { files, out, preset, threads, judge } = options;
  const start = performance.now();
  using output = openRowOutput(out);
  const total = await countRows(files);
  using quarantine = new Quarantine(siblingPath(out, 'quarantine.jsonl'));
  const pool = new VerifyPool({ threads });
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  signal.addEventListener('abort', () => void pool.close());
  try {
    using differences = judge && new FileReplacement(judge.disagreements);
    differences?.write(DISAGREEMENTS_TITLE);
    const tally = new VerdictTally();
    const rows = readRowsToVerify(files, preset, (bad) => {
      quarantine.add(bad);
    });
    let verified = verifyRows(rows, pool, threads);
    if (judge) {
      const ahead = ROWS_A_REQUEST * judge.judge.concurrency;
      verified = inOrder(verified, ahead, (row) => askJudge(row, judge, signal));
    }
    for await (const { row, assessments } of verified) {
      signal.throwIfAborted();
      output.write(verifiedRow(row, assessments, judge !== undefined));
      for (const [index, assessment] of assessments.entries()) {
        if (disagrees(assessment)) differences?.write(describeDisagreement(row, index, assessment));
      }
      tally.add(row, assessments);
      progress.update(tally.rows + quarantine.count, total, tally.note);
    }
    signal.throwIfAborted();
    if (tally.rows === 0) throw new UserError(nothingVerified(files, quarantine));
    await output.complete?.(signal);
    replaceTogether([quarantine, ...(differences ? [differences] : []), output]);
    return {
      rows: tally.rows,
      ...tally.all,
      presets: tally.presets,
      ...(judge && { judge: { ...tally.judge, ...judge.judge.use } }),
      quarantined: quarantine.count,
      ...(quarantine.count > 0 && { quarantine: quarantine.path }),
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    ending.abort(); // ends questions to the judge that are still open after a failure
    await pool.close();
  }
}

/** Sets how many rows wait for the judge, per request that it takes at once: some wait while one is slow. */
const ROWS_A_REQUEST = 4;

/** Limit a batch, which should keep a worker busy for some milliseconds and take little memory. */
const BATCH_ITEMS = 64;
const BATCH_CHARS = 1 << 18;

/** Adds the rules' verdicts to rows, in order. */
async function* verifyRows(
  rows: AsyncIterable<RowToVerify>,
  pool: VerifyPool,
  threads: number,
): AsyncGenerator<Verified> {
  const batches = inOrder(batched(rows), 2 * threads + 1, async (batch) => {
    const items = batch.map(itemsOf);
    const verdicts = await pool.verify(items.flat());
    let next = 0;
    return batch.map((row, i) => ({
      row,
      assessments: assessmentsOf(row, verdicts.slice(next, (next += items[i]!.length))),
    }));
  });
  for await (const batch of batches) yield* batch;
}

async function* batched(rows: AsyncIterable<RowToVerify>): AsyncGenerator<RowToVerify[]> {
  let batch: RowToVerify[] = [];
  let items = 0;
  let chars = 0;
  for await (const row of rows) {
    batch.push(row);
    for (const { text, golds } of row.responses) {
      items += golds.length;
      chars += text.length * golds.length;
    }
    if (items < BATCH_ITEMS && chars < BATCH_CHARS && batch.length < BATCH_ITEMS) continue;
    yield batch;
    batch = [];
    items = chars = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Adds the judge's verdicts to those assessments of a row that `mode` selects. */
async function askJudge(
  { row, assessments }: Verified,
  { judge, mode }: NonNullable<VerifyFilesOptions['judge']>,
  signal: AbortSignal,
): Promise<Verified> {
  const judged = assessments.map(async (assessment, i) => {
    if (mode === 'rejected' && assessment.reparsed) return assessment;
    const { text, golds } = row.responses[i]!;
    const question = {
      problem: row.problem,
      references: golds,
      extracted: assessment.verdict.extracted,
      response: text,
    };
    return { ...assessment, judgement: await judge.ask(question, signal) };
  });
  return { row, assessments: await Promise.all(judged) };
}

function nothingVerified(files: readonly string[], { count, first }: Quarantine): string {
  if (!first) return `${files.join(', ')} ${files.length === 1 ? 'has' : 'have'} no rows.`;
  const where = `${first.file}, line ${first.line}: ${first.problem}`;
  return count === 1
    ? `The only row cannot be verified (${where}); nothing was written.`
    : `None of the ${count} rows can be verified, the first because of this: ${where}; nothing was written.`;
}
