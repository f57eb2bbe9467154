/** @file Examines a training file row by row, as training would make its rows, without holding it in memory. */

import { UserError } from '../util/errors.js';
import { batches } from '../util/batches.js';
import type { Progress } from '../util/progress.js';
import type { Role } from '../objectives/objective.js';
import { countRows } from '../data/countRows.js';
import type { EvaluationSet } from '../curate/decontaminate.js';
import type { BadLine, JsonLine } from '../data/jsonl.js';
import { readRows } from '../data/readRows.js';
import { Overlaps, Repeats } from './acrossRows.js';
import { checkRow } from './allChecks.js';
import type { CheckContext, PreparedRow, PreparedSide, RefusedRow } from './check.js';
import { finding, ofSide } from './findings.js';
import { labelFindings, verifications, type Verification } from './labelChecks.js';
import { prepareRow } from './prepare.js';
import { spansOf, type Span } from './spans.js';
import { probeTokenizer, type Student } from './student.js';
import { SummaryBuilder, type DoctorSummary } from './summary.js';
import { boundaryMerges } from './tokenChecks.js';
import { verdictOf, type RowVerdict } from './verdict.js';

export interface ExamineOptions {
  student: Student;
  /** Row lengths to report on; rows beyond the largest are left out of training. Default: the model's positions. */
  limits?: readonly number[];
  /** Problems that the model will be evaluated on. */
  against?: readonly EvaluationSet[];
  /** The number of rows to examine, evenly over the file. Default: all. */
  sample?: number;
  /** The number of rows to keep for a view: those with errors first, then those with warnings. */
  show?: number;
  onVerdict?: (verdict: RowVerdict) => void;
  /** Stops the examination between batches. */
  signal?: AbortSignal;
}

/** A row for a view: its verdict and, if it could be tokenised, its responses. */
export interface ShownRow {
  verdict: RowVerdict;
  responses: { role: Role; spans: Span[] }[];
}

export interface Examination {
  summary: DoctorSummary;
  shown: ShownRow[];
}

const BOUNDARY = 'the end of the prompt and the beginning of the response have other tokens as one text';

/** Rows that are tokenised at a time, so that the tokenizer's threads have work. */
const BATCH = 256;

/**
 * Examines the rows of a training file as training would make them, and finds what would spoil it. Rows are streamed;
 * lines that cannot be read are findings like others.
 * @throws UserError if the file has no rows or a limit is beyond the model; the signal's reason when it is aborted
 */
export async function examine(
  path: string,
  { student, against = [], sample, show = 0, onVerdict, signal, ...rest }: ExamineOptions,
  progress: Progress,
): Promise<Examination> {
  const limits = rest.limits ?? [student.maxPositions];
  const limit = Math.max(...limits);
  if (limit > student.maxPositions)
    throw new UserError(
      `a limit of ${limit} tokens is more than the ${student.maxPositions} positions of ${student.model}`,
    );
  const context: CheckContext = { student, traits: await probeTokenizer(student), limit };
  const total = await countRows([path]);
  const every = sample === undefined ? 1 : Math.max(1, Math.ceil(total / sample));
  const summary = new SummaryBuilder();
  const repeats = new Repeats();
  const overlaps = new Overlaps(against);
  const shown = new ShownRows(show);

  const examineRow = (row: PreparedRow | RefusedRow, merging: ReadonlySet<PreparedSide>): void => {
    const { line, fields } = row;
    if ('refused' in row) {
      report(verdictOf(line, fields, row.refused));
      return;
    }
    const verified = verifications(row);
    const merged = row.sides.filter((side) => merging.has(side));
    const findings = [
      ...checkRow(row, context),
      ...merged.map(({ role }) => ofSide(finding('boundary-merge', BOUNDARY), role)),
      ...labelFindings(verified),
      ...repeats.add(row),
      ...overlaps.find(row),
    ];
    report(verdictOf(line, fields, findings, row), row, verified);
  };
  const report = (verdict: RowVerdict, row?: PreparedRow, verified: readonly Verification[] = []) => {
    summary.add(verdict, row, verified);
    onVerdict?.(verdict);
    shown.add(verdict, () =>
      (row?.sides ?? []).map(({ role, row: tokens }) => ({
        role,
        spans: spansOf(student.tokenizer, tokens),
      })),
    );
  };

  let line = 0;
  for await (const { rows, merging } of prepared(rowsOf(path, every), student)) {
    for (const row of rows) examineRow(row, merging);
    line = rows.at(-1)!.line;
    signal?.throwIfAborted();
    progress.update(line, total, 'rows');
  }
  if (line === 0) throw new UserError(`${path} has no rows.`);
  return { summary: summary.finish(path, context, limits, every, overlaps.counts), shown: shown.rows };
}

/** Reads one row in `every`, and all unreadable lines, in file order. */
async function* rowsOf(path: string, every: number): AsyncGenerator<JsonLine | RefusedRow> {
  const bad: BadLine[] = [];
  const refused = () =>
    bad.splice(0).map(({ line, problem }): RefusedRow => ({
      line,
      fields: {},
      refused: [finding('unreadable-row', problem)],
    }));
  let nth = 0;
  for await (const row of readRows(path, (line) => bad.push(line))) {
    yield* refused();
    if (nth++ % every === 0) yield row;
  }
  yield* refused();
}

interface PreparedRows {
  rows: (PreparedRow | RefusedRow)[];
  /** Responses whose beginning the tokenizer would join to the prompt. */
  merging: ReadonlySet<PreparedSide>;
}

/** Prepares rows a batch at a time; the next batch is tokenised while one is being checked. */
async function* prepared(
  rows: AsyncIterable<JsonLine | RefusedRow>,
  student: Student,
): AsyncGenerator<PreparedRows> {
  let ahead: Promise<PreparedRows> | undefined;
  for await (const batch of batches(rows, BATCH)) {
    const next = prepareBatch(batch, student);
    if (ahead) yield await ahead;
    ahead = next;
  }
  if (ahead) yield await ahead;
}

async function prepareBatch(
  batch: readonly (JsonLine | RefusedRow)[],
  student: Student,
): Promise<PreparedRows> {
  const rows = await Promise.all(
    batch.map(async (row) => ('refused' in row ? row : prepareRow(row.row, row.line, student))),
  );
  const sides = rows.flatMap((row) => ('refused' in row || row.isInParts ? [] : row.sides));
  const merges = await boundaryMerges(sides, student);
  return { rows, merging: new Set(sides.filter((_, i) => merges[i])) };
}

/** Keeps the rows for a view: the first ones with errors, with warnings, and without. */
class ShownRows {
  readonly #most: number;
  readonly #kept: Record<RowVerdict['verdict'], ShownRow[]> = { error: [], warning: [], ok: [] };

  constructor(most: number) {
    this.#most = most;
  }

  add(verdict: RowVerdict, responses: () => ShownRow['responses']): void {
    const rows = this.#kept[verdict.verdict];
    if (rows.length < this.#most) rows.push({ verdict, responses: responses() });
  }

  get rows(): ShownRow[] {
    const { error, warning, ok } = this.#kept;
    return [...error, ...warning, ...ok].slice(0, this.#most);
  }
}
