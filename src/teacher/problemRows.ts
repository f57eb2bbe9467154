import { createHash } from 'node:crypto';
import { readJsonLines, RowError, rowError, type BadLine } from '../data/jsonl.js';
import { problemText } from '../data/problems.js';
import { UserError } from '../util/errors.js';

/** A problem to be put to a teacher. */
export interface TeacherProblem {
  problem: string;
  /** The answers that count as right: that of the row first, then its `reparsed_answers`. */
  golds: string[];
  /** The row's own `original_index`, else its index in the file, from 0. */
  originalIndex: number;
}

export interface ProblemRow extends TeacherProblem {
  /** The row as it was read. */
  fields: Record<string, unknown>;
}

/**
 * Streams the problems of a JSON lines file: `problem` or `question`; `answer`, of any kind, or a worked solution
 * that ends in `#### answer` (GSM8K); optionally `reparsed_answers`, further ways of writing the answer. A row that
 * lacks one of the two goes to `onBadRow`, since there is nothing to ask or nothing to verify against.
 */
export function* readProblemRows(path: string, onBadRow: (bad: BadLine) => void): Generator<ProblemRow> {
  let index = 0;
  const onBadLine = (bad: BadLine) => {
    index++;
    onBadRow(bad);
  };
  for (const { line, row } of readJsonLines(path, onBadLine)) {
    const running = index++;
    let parsed: TeacherProblem;
    try {
      const own = row.original_index;
      const originalIndex = Number.isSafeInteger(own) ? (own as number) : running;
      parsed = { problem: problemText(row, path, line), golds: goldsOf(row, path, line), originalIndex };
    } catch (error) {
      if (!(error instanceof RowError)) throw error;
      onBadRow({ file: path, line, problem: error.problem, text: JSON.stringify(row) });
      continue;
    }
    yield { ...parsed, fields: row };
  }
}

/** A digest of rows that are added one by one. */
export function rowsDigest(): { add(row: ProblemRow): void; value(): string } {
  const hash = createHash('sha256');
  return {
    add: ({ fields }) => hash.update(`${JSON.stringify(fields)}\n`),
    value: () => hash.digest('hex'),
  };
}

/** The problems of a file without their other fields, which may be many, and the digest of all rows. */
export function readTeacherProblems(
  path: string,
  onBadRow: (bad: BadLine) => void,
): { problems: TeacherProblem[]; digest: string } {
  const problems: TeacherProblem[] = [];
  const digest = rowsDigest();
  for (const row of readProblemRows(path, onBadRow)) {
    digest.add(row);
    const { problem, golds, originalIndex } = row;
    problems.push({ problem, golds, originalIndex });
  }
  if (problems.length === 0) throw new UserError(`${path} has no problems with answers.`);
  return { problems, digest: digest.value() };
}

function goldsOf(row: Record<string, unknown>, path: string, line: number): string[] {
  const { answer, reparsed_answers: reparsed } = row;
  if (answer === undefined || answer === null) throw rowError(path, line, 'the field "answer" is missing');
  if (typeof answer !== 'string' && typeof answer !== 'number')
    throw rowError(path, line, '"answer" must be a text or a number');
  const gold = finalAnswer(String(answer));
  if (gold === '') throw rowError(path, line, '"answer" is empty');
  const others: unknown[] = Array.isArray(reparsed) ? reparsed : [];
  return [gold, ...others.filter((text): text is string => typeof text === 'string' && text.trim() !== '')];
}

const GSM8K_MARK = '####';

/** What follows the last `####` of a worked solution, or the whole text. */
function finalAnswer(answer: string): string {
  const at = answer.lastIndexOf(GSM8K_MARK);
  return (at < 0 ? answer : answer.slice(at + GSM8K_MARK.length)).trim();
}
