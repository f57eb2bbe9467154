import { UserError } from '../util/errors.js';
import type { Progress } from '../util/progress.js';
import { countRows } from '../data/countRows.js';
import type { EvaluationSet } from '../curate/decontaminate.js';
import { readJsonLines, type BadLine, type JsonLine } from '../data/jsonl.js';
import { Overlaps, Repeats } from './acrossRows.js';
import type { Context } from './check.js';
import { check } from './checks.js';
import { finding, ofSide } from './findings.js';
import { labelFindings, verifications } from './labelChecks.js';
import { spansOf, type Span } from './spans.js';
import { prepareRow, type Refused, type Side, type Specimen } from './specimen.js';
import { habitsOf, type Student } from './student.js';
import { Tally, type DoctorSummary } from './summary.js';
import { boundaryMerges } from './tokenChecks.js';
import { verdictOf, type RowVerdict } from './verdict.js';

export interface ExamineOptions {
  student: Student;
  /** Row lengths to report on; rows beyond the largest are left out of training. Default: what the model can take. */
  limits?: readonly number[];
  /** Problems that the model will be examined with. */
  against?: readonly EvaluationSet[];
  /** Look at this many rows, evenly over the file. Default: all. */
  sample?: number;
  /** Keep this many rows for a view: those with errors first, then those with warnings. */
  show?: number;
  onVerdict?: (verdict: RowVerdict) => void;
  /** Stops between batches. */
  signal?: AbortSignal;
}

/** A row for a view: its verdict and, where it could be tokenised, its answers. */
export interface ShownRow {
  verdict: RowVerdict;
  answers: { role: Side['role']; spans: Span[] }[];
}

export interface Examination {
  summary: DoctorSummary;
  shown: ShownRow[];
}

const BOUNDARY = 'the end of the prompt and the beginning of the answer would be one token';

/** Rows that are tokenised at a time, so that the tokenizer's threads have work. */
const BATCH = 256;

/**
 * Looks at the rows of a training file as training would make them, and says what would spoil it. Rows are streamed;
 * lines that cannot be read are findings like others.
 * @throws UserError where the file has no rows or the limits make no sense
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
  const context: Context = { student, habits: await habitsOf(student), limit };
  const total = await countRows([path]);
  const every = sample === undefined ? 1 : Math.max(1, Math.ceil(total / sample));
  const tally = new Tally();
  const repeats = new Repeats();
  const overlaps = new Overlaps(against);
  const shown = new Shown(show);

  const look = (row: Specimen | Refused, merged: readonly Side[]): void => {
    const { line, fields } = row;
    if ('refused' in row) {
      report(verdictOf(line, fields, row.refused));
      return;
    }
    const verified = verifications(row);
    const findings = [
      ...check(row, context),
      ...merged.map(({ role }) => ofSide(finding('boundary-merge', BOUNDARY), role)),
      ...labelFindings(verified),
      ...repeats.add(row),
      ...overlaps.find(row),
    ];
    report(verdictOf(line, fields, findings, row), row, verified);
  };
  const report = (
    verdict: RowVerdict,
    specimen?: Specimen,
    verified: ReturnType<typeof verifications> = [],
  ) => {
    tally.add(verdict, specimen, verified);
    onVerdict?.(verdict);
    shown.add(verdict, () =>
      (specimen?.sides ?? []).map(({ role, row }) => ({ role, spans: spansOf(student.tokenizer, row) })),
    );
  };

  let line = 0;
  for await (const { rows, merging } of prepared(rowsOf(path, every), student)) {
    for (const row of rows) look(row, 'refused' in row ? [] : row.sides.filter((side) => merging.has(side)));
    line = rows.at(-1)!.line;
    signal?.throwIfAborted();
    progress.update(line, total, 'rows');
  }
  if (line === 0) throw new UserError(`${path} has no rows.`);
  return { summary: tally.summarize(path, context, limits, every, overlaps.counts), shown: shown.rows };
}

/** Every so manieth row, and all lines that are none, in file order. */
function* rowsOf(path: string, every: number): Generator<JsonLine | Refused> {
  const bad: BadLine[] = [];
  const refused = () =>
    bad.splice(0).map(({ line, problem }): Refused => ({
      line,
      fields: {},
      refused: [finding('unreadable-row', problem)],
    }));
  let nth = 0;
  for (const row of readJsonLines(path, (line) => bad.push(line))) {
    yield* refused();
    if (nth++ % every === 0) yield row;
  }
  yield* refused();
}

interface PreparedRows {
  rows: (Specimen | Refused)[];
  /** Answers whose beginning the tokenizer would join to the prompt. */
  merging: ReadonlySet<Side>;
}

/** Rows as tokens, a batch at a time; the next batch is tokenised while one is looked at. */
async function* prepared(rows: Iterable<JsonLine | Refused>, student: Student): AsyncGenerator<PreparedRows> {
  let ahead: Promise<PreparedRows> | undefined;
  for (const batch of batches(rows)) {
    const next = prepareBatch(batch, student);
    if (ahead) yield await ahead;
    ahead = next;
  }
  if (ahead) yield await ahead;
}

async function prepareBatch(batch: readonly (JsonLine | Refused)[], student: Student): Promise<PreparedRows> {
  const rows = await Promise.all(
    batch.map(async (row) => ('refused' in row ? row : prepareRow(row.row, row.line, student))),
  );
  const sides = rows.flatMap((row) => ('refused' in row ? [] : row.sides));
  const merges = await boundaryMerges(sides, student);
  return { rows, merging: new Set(sides.filter((_, i) => merges[i])) };
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** The rows for a view: the first so many with errors, with warnings, and without. */
class Shown {
  private readonly kept: Record<RowVerdict['verdict'], ShownRow[]> = { error: [], warning: [], ok: [] };

  constructor(private readonly most: number) {}

  add(verdict: RowVerdict, answers: () => ShownRow['answers']): void {
    const rows = this.kept[verdict.verdict];
    if (rows.length < this.most) rows.push({ verdict, answers: answers() });
  }

  get rows(): ShownRow[] {
    const { error, warning, ok } = this.kept;
    return [...error, ...warning, ...ok].slice(0, this.most);
  }
}
