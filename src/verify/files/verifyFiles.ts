import { extname } from 'node:path';
import { countRows } from '../../data/countRows.js';
import { Quarantine } from '../../data/quarantine.js';
import { openRowOutput } from '../../data/rowOutput.js';
import type { Judge, JudgeUse } from '../../teacher/judge.js';
import { UserError } from '../../util/errors.js';
import { FileReplacement } from '../../util/files.js';
import type { Progress } from '../../util/progress.js';
import { describeDisagreement, disagrees, DISAGREEMENTS_TITLE } from './disagreements.js';
import { inOrder } from '../../util/inOrder.js';
import { VerifyPool } from './pool.js';
import { Summary, type JudgeTally, type Tally } from './summary.js';
import {
  findingsOf,
  itemsOf,
  readRowsToVerify,
  verifiedRow,
  type Finding,
  type RowToVerify,
} from './verifiedRows.js';
import type { Preset } from '../verify.js';

/** Which answers the judge sees: every one, or those that the rules reject. */
export type JudgeMode = 'all' | 'rejected';

export interface VerifyFilesOptions {
  files: readonly string[];
  /** Where the rows go. */
  out: string;
  /** For rows that name none. */
  preset: Preset;
  threads: number;
  judge?: {
    judge: Judge;
    mode: JudgeMode;
    /** Markdown about the answers on which rules and judge differ. */
    disagreements: string;
  };
  signal?: AbortSignal;
}

export interface VerifySummary extends Tally {
  rows: number;
  presets: Summary['presets'];
  /** Rows that could not be verified; `quarantine` is the file that they are in. */
  quarantined: number;
  quarantine?: string;
  judge?: JudgeTally & JudgeUse;
  seconds: number;
}

interface Verified {
  row: RowToVerify;
  findings: Finding[];
}

/**
 * Verifies the rows of files, with the rules in `threads` worker threads and then, where asked, with a judge, and
 * writes them in input order. Nothing appears under `out` until it is whole; rows that cannot be read go to
 * `<out>.quarantine.jsonl` with file, line and reason. Memory does not grow with the files.
 * @throws UserError where there is no row that can be verified; the signal's reason when it was aborted
 */
export async function verifyFiles(options: VerifyFilesOptions, progress: Progress): Promise<VerifySummary> {
  const { files, out, preset, threads, judge } = options;
  const start = performance.now();
  using output = openRowOutput(out);
  const total = await countRows(files);
  using quarantine = new Quarantine(besides(out, 'quarantine.jsonl'));
  const pool = new VerifyPool({ threads });
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, ...(options.signal ? [options.signal] : [])]);
  signal.addEventListener('abort', () => void pool.close());
  try {
    using differences = judge && new FileReplacement(judge.disagreements);
    differences?.write(DISAGREEMENTS_TITLE);
    const summary = new Summary();
    const rows = readRowsToVerify(files, preset, (bad) => {
      quarantine.add(bad);
    });
    let verified = verifyRows(rows, pool, threads);
    if (judge) {
      const ahead = ROWS_A_REQUEST * judge.judge.concurrency;
      verified = inOrder(verified, ahead, (row) => askJudge(row, judge, signal));
    }
    for await (const { row, findings } of verified) {
      signal.throwIfAborted();
      output.write(verifiedRow(row, findings, judge !== undefined));
      for (const [index, finding] of findings.entries()) {
        if (disagrees(finding)) differences?.write(describeDisagreement(row, index, finding));
      }
      summary.add(row, findings);
      progress.update(summary.rows + quarantine.count, total, summary.note);
    }
    signal.throwIfAborted();
    quarantine.commit();
    if (summary.rows === 0) throw new UserError(nothingVerified(files, quarantine));
    await output.commit(signal);
    differences?.commit();
    return {
      rows: summary.rows,
      ...summary.all,
      presets: summary.presets,
      ...(judge && { judge: { ...summary.judge, ...judge.judge.use } }),
      quarantined: quarantine.count,
      ...(quarantine.count > 0 && { quarantine: quarantine.path }),
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    ending.abort(); // what is still asked of the judge after a failure
    await pool.close();
  }
}

/** `dir/name.jsonl` → `dir/name.<ending>`. */
export function besides(out: string, ending: string): string {
  return `${out.slice(0, out.length - extname(out).length)}.${ending}`;
}

/** How many rows may be with the judge for each request that it takes at once: some wait while one is slow. */
const ROWS_A_REQUEST = 4;

/** A batch keeps a worker busy for some milliseconds and is small enough to be held many times over. */
const BATCH_ITEMS = 64;
const BATCH_CHARS = 1 << 18;

/** The rules' verdicts, in order. */
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
      findings: findingsOf(row, verdicts.slice(next, (next += items[i]!.length))),
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
    for (const { text, golds } of row.candidates) {
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

/** Adds the judge's verdicts to those findings of a row that it is to see. */
async function askJudge(
  { row, findings }: Verified,
  { judge, mode }: NonNullable<VerifyFilesOptions['judge']>,
  signal: AbortSignal,
): Promise<Verified> {
  const judged = findings.map(async (finding, i) => {
    if (mode === 'rejected' && finding.reparsed) return finding;
    const { text, golds } = row.candidates[i]!;
    const question = {
      problem: row.problem,
      references: golds,
      extracted: finding.verdict.extracted,
      response: text,
    };
    return { ...finding, judgement: await judge.ask(question, signal) };
  });
  return { row, findings: await Promise.all(judged) };
}

function nothingVerified(files: readonly string[], { count, first, path }: Quarantine): string {
  if (!first) return `${files.join(', ')}: there are no rows.`;
  const where = `${first.file}, line ${first.line}: ${first.problem}`;
  return count === 1
    ? `The only row cannot be verified (${where}); it is in ${path}.`
    : `None of the ${count} rows can be verified, the first because of this: ${where}; they are in ${path}.`;
}
