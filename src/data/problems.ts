/** @file The one reader of problems with known answers. What counts as the same answer is for src/verify to say. */
import { createHash } from 'node:crypto';
import { UserError } from '../util/errors.js';
import { ExactNumber, numberText, plainNumber, writeJson } from '../util/exactJson.js';
import { deriveSeed, Random } from '../util/random.js';
import { RowError, rowError, type BadLine } from './jsonl.js';
import { readRows } from './readRows.js';

/** A problem and the answers that count as right. */
export interface Problem {
  /** The row's `id`, else its place in the file, from 0; unique in the file. */
  id: string;
  problem: string;
  /** The gold answers: the row's own first, then further ways to write it. At least one. */
  golds: string[];
  /** The row's own `original_index`, else its place in the file, from 0. */
  originalIndex: number;
}

/** A problem with the row that it stands in. */
export interface ProblemRow extends Problem {
  /** Where it stands in its file, from 1. */
  line: number;
  /** The gold answers as the row has them: a number is a number, and blanks are kept. For graders that go by the letter. */
  rawGolds: (string | number)[];
  /** The row as it was read. */
  fields: Record<string, unknown>;
}

/** A problem with its place among the usable rows of its file, from 0. */
export type PlacedProblem = Problem & Pick<ProblemRow, 'rawGolds'> & { place: number };

/** The names of the fields that hold problem and answer, where they are not the usual ones. */
export interface ProblemFields {
  problem?: string | undefined;
  answer?: string | undefined;
}

/** A part of a problem file: after a shuffle, if one is asked for, `count` problems from the `skip`-th on. */
export interface ProblemSelection {
  /** The seed of the shuffle; the same seed gives the same order, so that disjoint ranges hold disjoint problems. */
  shuffle?: number | undefined;
  skip?: number | undefined;
  count?: number | undefined;
}

/**
 * Streams the problems of JSON lines, a JSON array or a Parquet file.
 *
 *     problem   `problem` or `question`
 *     answer    `answer`: a text, a number, a list of them (each counts as right), or a worked solution that ends in
 *               `#### answer` (GSM8K); where it is absent or null, such a `solution`
 *     further   `reparsed_answers`, further ways to write the answer; `id`; `original_index`
 *
 * A row that lacks one of the first two goes to `onBadRow`, since there is nothing to ask or nothing to compare with.
 * @throws UserError where the file is missing or damaged as a whole
 */
export async function* readProblemRows(
  path: string,
  onBadRow: (bad: BadLine) => void,
  names: ProblemFields = {},
): AsyncGenerator<ProblemRow> {
  const lineOf = new Map<string, number>();
  let index = 0;
  const onBadLine = (bad: BadLine) => {
    index++;
    onBadRow(bad);
  };
  for await (const { line, row } of readRows(path, onBadLine)) {
    const place = index++;
    try {
      const own = plainNumber(row.original_index);
      const originalIndex = own !== undefined && Number.isSafeInteger(own) ? own : place;
      const id = idOf(row.id ?? place, path, line);
      const problem = problemText(row, path, line, names.problem);
      const { golds, rawGolds } = goldsOf(row, path, line, names.answer);
      const other = lineOf.get(id);
      if (other !== undefined) throw rowError(path, line, `the "id" ${id} is that of line ${other} too`);
      lineOf.set(id, line);
      yield { line, id, problem, golds, rawGolds, originalIndex, fields: row };
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      onBadRow({ file: path, line, problem: error.problem, text: writeJson(row) });
    }
  }
}

/**
 * Reads the selected problems of a file without their other fields, which may be many. Each has its place among the
 * usable rows, from 0; `digest` is that of all usable rows.
 * @throws UserError where there are no problems, or too few for the selection
 */
export async function readProblems(
  path: string,
  onBadRow: (bad: BadLine) => void,
  names: ProblemFields = {},
  selection: ProblemSelection = {},
): Promise<{ problems: PlacedProblem[]; usable: number; digest: string }> {
  const problems: PlacedProblem[] = [];
  const digest = rowsDigest();
  const reasons: string[] = [];
  const noteFirst = (bad: BadLine) => {
    if (reasons.length === 0) reasons.push(` (line ${bad.line}: ${bad.problem})`);
    onBadRow(bad);
  };
  for await (const row of readProblemRows(path, noteFirst, names)) {
    digest.add(row);
    const { id, problem, golds, rawGolds, originalIndex } = row;
    problems.push({ id, problem, golds, rawGolds, originalIndex, place: problems.length });
  }
  if (problems.length === 0) throw new UserError(`${path} has no problems with answers${reasons[0] ?? ''}.`);
  const usable = problems.length;
  return { problems: select(problems, path, selection), usable, digest: digest.value() };
}

function select<T>(problems: T[], path: string, { shuffle, skip = 0, count }: ProblemSelection): T[] {
  if (shuffle !== undefined) new Random(deriveSeed(shuffle, 'problems')).shuffle(problems);
  const selected = problems.slice(skip, count === undefined ? undefined : skip + count);
  if (selected.length < (count ?? 1))
    throw new UserError(
      `${path} has ${problems.length} problems, too few for ${count ?? 1} after the first ${skip}.`,
    );
  return selected;
}

/** A digest of rows that are added one by one. */
export function rowsDigest(): { add(row: ProblemRow): void; value(): string } {
  const hash = createHash('sha256');
  return {
    add: ({ fields }) => hash.update(`${JSON.stringify(fields)}\n`),
    value: () => hash.digest('hex'),
  };
}

/** Whether a row has a value in a field. */
export const hasField = (row: Readonly<Record<string, unknown>>, name: string): boolean =>
  row[name] !== undefined && row[name] !== null;

/** The text of a row's problem. @throws RowError where it is missing */
export function problemText(row: Record<string, unknown>, path: string, line: number, name?: string): string {
  const field = name ?? (row.problem === undefined || row.problem === null ? 'question' : 'problem');
  const text = row[field];
  if (text === undefined)
    throw rowError(
      path,
      line,
      name === undefined
        ? 'the field "problem" (or "question") is missing'
        : `the field "${name}" is missing`,
    );
  if (typeof text !== 'string' || text.trim() === '') throw rowError(path, line, `"${field}" must be a text`);
  return text;
}

function goldsOf(
  row: Record<string, unknown>,
  path: string,
  line: number,
  name = 'answer',
): Pick<ProblemRow, 'golds' | 'rawGolds'> {
  const given: unknown = row[name] ?? (name === 'answer' ? solved(row.solution) : undefined);
  if (given === undefined) throw rowError(path, line, `the field "${name}" is missing`);
  const list: unknown[] = Array.isArray(given) ? given : [given];
  const answers = list.map((answer) => plainNumber(answer) ?? answer);
  if (answers.length === 0 || !answers.every(isAnswer))
    throw rowError(path, line, `"${name}" must be a text, a number or a list of them`);
  const golds = answers.map((answer) => finalAnswer(String(answer)));
  if (golds.includes('')) throw rowError(path, line, `"${name}" is empty`);
  const further: unknown[] = Array.isArray(row.reparsed_answers) ? row.reparsed_answers : [];
  const texts = further.filter((text): text is string => typeof text === 'string' && text.trim() !== '');
  // A worked solution is no answer to the letter: what ends it is.
  const raw = answers.map((answer, i) =>
    answer instanceof ExactNumber || String(answer).includes(GSM8K_MARK) ? golds[i]! : answer,
  );
  return { golds: [...golds, ...texts], rawGolds: [...raw, ...texts] };
}

function isAnswer(value: unknown): value is string | number | ExactNumber {
  return typeof value === 'string' || numberText(value) !== undefined;
}

const GSM8K_MARK = '####';

/** A worked solution that ends in its answer. */
function solved(solution: unknown): string | undefined {
  return typeof solution === 'string' && solution.includes(GSM8K_MARK) ? solution : undefined;
}

/** What follows the last `####` of a worked solution, or the whole text. */
function finalAnswer(answer: string): string {
  const at = answer.lastIndexOf(GSM8K_MARK);
  return (at < 0 ? answer : answer.slice(at + GSM8K_MARK.length)).trim();
}

function idOf(id: unknown, path: string, line: number): string {
  const text = typeof id === 'string' ? id : numberText(id);
  if (text !== undefined) return text;
  throw rowError(path, line, '"id" must be a text or a number');
}
