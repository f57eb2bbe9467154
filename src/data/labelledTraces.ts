/** @file Reads labelled traces whole, for the pipeline's stage `traces`. */
import { UserError } from '../util/errors.js';
import { readJsonLines } from './jsonl.js';
import { numericAnswer, problemText } from './problems.js';
import { labelledGenerations, modelSolutions, type LabelledTrace } from './traceShapes.js';

/** A problem with its known answer and what was tried. */
export interface LabelledProblem {
  problem: string;
  answer: string;
  traces: LabelledTrace[];
  /** Index of the row in the file, from 0. */
  originalIndex: number;
}

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
            answer: numericAnswer(row.answer, path, line),
          }
        : modelSolutions(row, path, line);
    problems.push({ problem, ...labelled, originalIndex });
  }
  if (problems.length === 0) throw new UserError(`${path} has no rows.`);
  return problems;
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
