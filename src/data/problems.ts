import { basename } from 'node:path';
import { parseNumber } from '../evaluate/answers.js';
import { UserError } from '../util/errors.js';
import { readJsonLines, rowError } from './jsonl.js';

/** A problem with a known numeric answer. */
export interface Problem {
  /** The row's `id`, else its index in the file. Unique in the file. */
  id: string;
  problem: string;
  /** The number as it is written: `18`, `1,000`, `0.5`, `3/4`. */
  answer: string;
  /** Index of the row in the file, from 0. */
  originalIndex: number;
}

/**
 * Reads a JSON lines file of problems: `problem` or `question`; `answer`, a number, its text or a worked solution
 * that ends in `#### N` (GSM8K); optionally `id`. Throws a UserError with file, line and field at the first row that
 * does not fit.
 */
export function readProblems(path: string): Problem[] {
  const problems: Problem[] = [];
  const lineOf = new Map<string, number>();
  for (const { line, row } of readJsonLines(path)) {
    const originalIndex = problems.length;
    const id = idOf(row.id ?? originalIndex, path, line);
    const other = lineOf.get(id);
    if (other !== undefined) throw rowError(path, line, `the "id" ${id} is that of line ${other} too`);
    lineOf.set(id, line);
    problems.push({
      id,
      problem: problemText(row, path, line),
      answer: numericAnswer(row.answer, path, line),
      originalIndex,
    });
  }
  if (problems.length === 0) throw new UserError(`${basename(path)} has no problems (${path}).`);
  return problems;
}

/** The text under `problem` or `question`. */
export function problemText(row: Record<string, unknown>, path: string, line: number): string {
  const field = row.problem === undefined ? 'question' : 'problem';
  const text = row[field];
  if (text === undefined) throw rowError(path, line, 'the field "problem" (or "question") is missing');
  if (typeof text !== 'string' || text.trim() === '') throw rowError(path, line, `"${field}" must be a text`);
  return text;
}

/** The number under `answer`, as written. */
export function numericAnswer(answer: unknown, path: string, line: number): string {
  if (answer === undefined) throw rowError(path, line, 'the field "answer" is missing');
  const text = typeof answer === 'number' ? String(answer) : answer;
  const written = typeof text === 'string' ? text.slice(endOf(text, '####')).trim() : '';
  if (parseNumber(written)) return written;
  const shown = JSON.stringify(answer);
  const short = shown.length > 60 ? `…${shown.slice(-60)}` : shown;
  throw rowError(
    path,
    line,
    `"answer" must be a number or a solution that ends in "#### number", not ${short}`,
  );
}

function endOf(text: string, marker: string): number {
  const at = text.lastIndexOf(marker);
  return at < 0 ? 0 : at + marker.length;
}

function idOf(id: unknown, path: string, line: number): string {
  if (typeof id === 'string' || typeof id === 'number') return String(id);
  throw rowError(path, line, '"id" must be a text or a number');
}
