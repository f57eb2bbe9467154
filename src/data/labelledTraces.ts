import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { readJsonLines, rowError } from './jsonl.js';
import { problemText } from './problems.js';

/** A solution that somebody has marked right or wrong. */
export interface LabelledTrace {
  text: string;
  correct: boolean;
}

/** A problem with its known answer and what was tried. */
export interface LabelledProblem {
  problem: string;
  answer: string;
  traces: LabelledTrace[];
  /** Index of the row in the file, from 0. */
  originalIndex: number;
}

const ModelSolution = z.object({ is_correct: z.boolean(), solution: z.string() });

/**
 * Reads labelled traces, one problem a row of JSON lines, in either shape:
 *
 *     {"problem": …, "answer": …, "generations": ["…", …], "correct": [true, …]}
 *     {"question": …, "ground_truth": "… A: 18", "<model>": {"is_correct": true, "solution": "…"}, …}
 *
 * The second is that of OpenAI's GSM8K example solutions; its models become traces in the order of the row's fields.
 * Throws a UserError with file, line and field at the first row that does not fit.
 */
export function readLabelledTraces(path: string): LabelledProblem[] {
  const problems: LabelledProblem[] = [];
  for (const { line, row } of readJsonLines(path)) {
    const originalIndex = problems.length;
    const problem = problemText(row, path, line);
    const labelled =
      row.ground_truth === undefined
        ? {
            traces: labelledGenerations(row, path, line),
            answer: String(row.answer),
          }
        : modelSolutions(row, path, line);
    problems.push({ problem, ...labelled, originalIndex });
  }
  if (problems.length === 0) throw new UserError(`${path} has no rows.`);
  return problems;
}

/** The traces of a row with `generations` and `correct`. */
export function labelledGenerations(
  row: Record<string, unknown>,
  path: string,
  line: number,
): LabelledTrace[] {
  const generations = z.array(z.string()).safeParse(row.generations);
  if (!generations.success) throw rowError(path, line, '"generations" must be a list of texts');
  const correct = z.array(z.boolean()).safeParse(row.correct);
  if (!correct.success || correct.data.length !== generations.data.length) {
    throw rowError(
      path,
      line,
      `"correct" must be a list of ${generations.data.length} booleans, one a generation`,
    );
  }
  return generations.data.map((text, i) => ({ text, correct: correct.data[i]! }));
}

/** Answer and traces of a row of OpenAI's GSM8K example solutions. */
export function modelSolutions(
  row: Record<string, unknown>,
  path: string,
  line: number,
): Pick<LabelledProblem, 'answer' | 'traces'> {
  const truth = typeof row.ground_truth === 'string' ? /^A:[ \t]*(\S.*)$/m.exec(row.ground_truth)?.[1] : undefined;
  if (!truth) throw rowError(path, line, '"ground_truth" must be a solution that ends in "A: number"');
  const traces: LabelledTrace[] = [];
  for (const [field, value] of Object.entries(row)) {
    if (typeof value !== 'object' || value === null) continue;
    const solution = ModelSolution.safeParse(value);
    if (!solution.success) throw rowError(path, line, `"${field}" must be {"is_correct": …, "solution": …}`);
    traces.push({ text: solution.data.solution, correct: solution.data.is_correct });
  }
  return { answer: truth, traces };
}

/**
 * Rewrites a last line `A: 18` or `#### 18` to `The answer is 18`, the form that the students here are taught; a text
 * that ends otherwise (a trace that was cut off) stays as it is.
 */
export function normalizeFinalAnswer(text: string): string {
  const trimmed = text.trimEnd();
  const start = trimmed.lastIndexOf('\n') + 1;
  const last = /^(?:A:|####)[ \t]*(\S.*)$/.exec(trimmed.slice(start));
  return last ? `${trimmed.slice(0, start)}The answer is ${last[1]!}` : text;
}

/** The same problems with every trace's text rewritten. */
export function mapTraces(
  problems: readonly LabelledProblem[],
  rewrite: (text: string) => string,
): LabelledProblem[] {
  return problems.map((problem) => ({
    ...problem,
    traces: problem.traces.map((trace) => ({ ...trace, text: rewrite(trace.text) })),
  }));
}
