/** @file Makes training rows for the doctor's tests, and lists what the doctor finds in them. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine, type ExamineOptions } from '../../src/doctor/examine.js';
import type { Student } from '../../src/doctor/student.js';
import type { RowVerdict } from '../../src/doctor/verdict.js';
import { openStudent } from '../../src/train/preflight.js';
import { silentProgress } from '../../src/util/progress.js';
import { studentDirectory, type StudentFiles } from './studentDirectory.js';

export type Row = Record<string, unknown>;

const fixtures = new URL('../fixtures/text/templates.json', import.meta.url);
export const { templates } = JSON.parse(readFileSync(fixtures, 'utf8')) as {
  templates: Record<string, string>;
};
const folder = mkdtempSync(join(tmpdir(), 'redistill-doctor-'));

export const user = (content: string) => ({ role: 'user', content });
export const said = (content: string) => ({ role: 'assistant', content });
export const trace = (n: number) =>
  `<think>\n${n} and ${n} make ${2 * n}.\n</think>\n\nThe answer is ${2 * n}.`;
export const demonstration = (n: number, changes: Row = {}): Row => ({
  messages: [user(`How much is ${n} plus ${n}?`), said(trace(n))],
  ...changes,
});
export const pair = (n: number, changes: Row = {}): Row => ({
  prompt: [user(`How much is ${n} plus ${n}?`)],
  chosen: [said(trace(n))],
  rejected: [said(`The answer is ${n}, since twice the same is the same.`)],
  ...changes,
});
/** A question of ours with this answer. */
export const answering = (content: string, question = 'What then?'): Row => ({
  messages: [user(question), said(content)],
});

let files = 0;
function write(rows: readonly (Row | string)[]): string {
  const path = join(folder, `rows-${++files}.jsonl`);
  writeFileSync(path, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return path;
}

export type Options = Partial<ExamineOptions> & { files?: StudentFiles; rows?: Partial<Student> };

export async function examined(
  rows: readonly (Row | string)[],
  { files, rows: how, ...options }: Options = {},
) {
  const student = openStudent(studentDirectory(files), { layout: 'template', ...how });
  const verdicts: RowVerdict[] = [];
  const onVerdict = (verdict: RowVerdict) => verdicts.push(verdict);
  const examination = await examine(write(rows), { student, onVerdict, ...options }, silentProgress);
  return { ...examination, verdicts };
}

/** All that is found: line (0: the file), severity and code, and the side of a pair. */
export async function found(rows: readonly (Row | string)[], options?: Options): Promise<string[]> {
  const { verdicts, summary } = await examined(rows, options);
  const inRows = verdicts.flatMap(({ line, problems }) =>
    problems.map(({ severity, code, side }) => [line, severity, code, ...(side ? [side] : [])].join(' ')),
  );
  const inFile = summary.problems.flatMap((problem) =>
    problem.rows === 0 ? [`0 ${problem.severity} ${problem.code}`] : [],
  );
  return [...inRows, ...inFile];
}

/** The row third of five, the others clean and of its kind. */
export const among = (row: Row | string, kind: (n: number) => Row = demonstration) => [
  kind(1),
  kind(2),
  row,
  kind(4),
  kind(5),
];
export const evaluation = [
  {
    name: 'exam',
    problems: ['How MUCH is  3 plus 3?', 'A farmer has seven sheep and nine goats in his barn today.'],
  },
];
