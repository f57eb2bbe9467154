/** @file Reads one row of traces, whichever of the shapes it has. Knows nothing of files. */
import { z } from 'zod';
import { contentText } from '../text/messages.js';
import type { RowMessage } from '../text/template.js';
import { cutOffOf } from './finishReasons.js';
import { rowError } from './jsonl.js';
import { problemText } from './problems.js';
import { parseRecord, type Text } from './records.js';
import type { TraceRow } from './traceRow.js';

/** A trace that somebody has marked right or wrong. */
export interface LabelledTrace {
  text: string;
  correct: boolean;
}

/** What a row says, wherever it stands. */
export type ParsedRow = Omit<TraceRow, 'originalIndex' | 'file' | 'line' | 'fields'>;

type Fields = Record<string, unknown>;
type Parse = (row: Fields, file: string, line: number) => ParsedRow;

/** The shapes in the order in which they are looked for: what a row must have, and how it is read. */
const SHAPES: readonly [(row: Fields) => boolean, Parse][] = [
  [(row) => row.correctness !== undefined, parseOpenR1],
  [(row) => row.ground_truth !== undefined, parseModelSolutions],
  [(row) => Array.isArray(row.samples), parseSamples],
  [(row) => Array.isArray(row.code) && Array.isArray(row.score), parseScoredCode],
  [(row) => row.generations !== undefined && row.correct !== undefined, parseLabelled],
  [(row) => row.chosen !== undefined || row.rejected !== undefined, parsePreference],
  [(row) => row.problem !== undefined || row.generations !== undefined, parseOpenR1],
];

/** @throws RowError naming the field that does not fit */
export function parseTraceRow(row: Fields, file: string, line: number): ParsedRow {
  const shape = SHAPES.find(([fits]) => fits(row));
  if (!shape) {
    throw rowError(
      file,
      line,
      'not a row of traces: it has neither "generations", nor "chosen" and "rejected", nor "completion" and "label"',
    );
  }
  const parsed = shape[1](row, file, line);
  return Array.isArray(row.generations) ? withCutOff(parsed, row) : parsed;
}

const verdicts = z.array(z.boolean().nullable()).nullish();
const openR1 = z.object({
  problem: z.string().nullish(),
  generations: z.array(z.string()).nullish(),
  correctness: z
    .object({
      llama_verification: verdicts,
      math_verify_answer: verdicts,
      math_verify_reparsed_answer: verdicts,
    })
    .nullish(),
});

/** OpenR1-Math-Raw's shape, which `collect` writes as well. */
function parseOpenR1(row: Fields, file: string, line: number): ParsedRow {
  const parsed = openR1.safeParse(row);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw rowError(file, line, `"${issue.path.join('.')}" does not fit: ${issue.message}`);
  }
  const { problem, generations, correctness } = parsed.data;
  const reparsed = z.array(z.string()).safeParse(row.reparsed_answers);
  // Nobody has looked at the problems of rows that were collected here; a row of the data set itself has the field.
  const collected = row.problem_is_valid === undefined && row.generation_details !== undefined;
  return {
    problem: problem ?? null,
    answer: answerText(row.answer),
    source: textOrNull(row.source),
    problemIsValid: collected ? 'Yes' : textOrNull(row.problem_is_valid),
    generations: generations ?? null,
    correctness: {
      llm: correctness?.llama_verification ?? null,
      mvAnswer: correctness?.math_verify_answer ?? null,
      mvReparsed: correctness?.math_verify_reparsed_answer ?? null,
    },
    reparsedAnswers: reparsed.success ? reparsed.data : null,
  };
}

/** {"problem", "answer", "generations", "correct"} */
function parseLabelled(row: Fields, file: string, line: number): ParsedRow {
  const traces = labelledGenerations(row, file, line);
  return labelled(row, problemText(row, file, line), answerText(row.answer), traces);
}

/** The traces of a row with `generations` and `correct`. @throws RowError */
function labelledGenerations(row: Fields, file: string, line: number): LabelledTrace[] {
  const generations = z.array(z.string()).safeParse(row.generations);
  if (!generations.success) throw rowError(file, line, '"generations" must be a list of texts');
  const correct = z.array(z.boolean()).safeParse(row.correct);
  if (!correct.success || correct.data.length !== generations.data.length) {
    throw rowError(
      file,
      line,
      `"correct" must be a list of ${generations.data.length} booleans, one a generation`,
    );
  }
  return generations.data.map((text, i) => ({ text, correct: correct.data[i]! }));
}

/** OpenAI's GSM8K example solutions. */
function parseModelSolutions(row: Fields, file: string, line: number): ParsedRow {
  const { answer, traces } = modelSolutions(row, file, line);
  return labelled(row, problemText(row, file, line), answer, traces);
}

const modelSolution = z.object({ is_correct: z.boolean(), solution: z.string() });

/**
 * Reads answer and traces of a row of OpenAI's GSM8K example solutions: the answer follows `A:` on the last line of
 * `ground_truth`, and the solutions of the models are traces in the order of the row's fields. @throws RowError
 */
function modelSolutions(
  row: Fields,
  file: string,
  line: number,
): { answer: string; traces: LabelledTrace[] } {
  const { ground_truth: truth } = row;
  const answer = typeof truth === 'string' ? /(?:^|\n)A:[ \t]*(\S.*)$/.exec(truth.trimEnd())?.[1] : undefined;
  if (answer === undefined)
    throw rowError(file, line, '"ground_truth" must be a solution that ends in "A: answer"');
  const traces: LabelledTrace[] = [];
  for (const [field, value] of Object.entries(row)) {
    if (typeof value !== 'object' || value === null) continue;
    const solution = modelSolution.safeParse(value);
    if (!solution.success) throw rowError(file, line, `"${field}" must be {"is_correct": …, "solution": …}`);
    traces.push({ text: solution.data.solution, correct: solution.data.is_correct });
  }
  return { answer, traces };
}

const samples = z.array(
  z.object({
    correct: z.boolean(),
    segments: z.array(z.object({ kind: z.enum(['text', 'code', 'execution']), text: z.string() })),
  }),
);
const FENCES = { text: undefined, code: 'python', execution: 'output' } as const;

/** MathCoder's outputs; code and what it printed become fenced blocks of the text. */
function parseSamples(row: Fields, file: string, line: number): ParsedRow {
  const parsed = samples.safeParse(row.samples);
  if (!parsed.success)
    throw rowError(file, line, '"samples" must be a list of {"correct", "segments": [{"kind", "text"}]}');
  const traces = parsed.data.map(({ correct, segments }) => ({
    correct,
    text: segments
      .map(({ kind, text }) => (kind === 'text' ? text : `\`\`\`${FENCES[kind]}\n${text}\n\`\`\``))
      .join('\n'),
  }));
  return labelled(row, problemText(row, file, line), answerText(row.gold), traces);
}

/** The outputs of Qwen2.5-Math's evaluation. */
function parseScoredCode(row: Fields, file: string, line: number): ParsedRow {
  const traces = labelledGenerations({ generations: row.code, correct: row.score }, file, line);
  return labelled(row, problemText(row, file, line), answerText(row.gt), traces);
}

function parsePreference(row: Fields, file: string, line: number): ParsedRow {
  const record = parseRecord(row, file, line);
  if (record.kind !== 'preference')
    throw rowError(file, line, 'the fields "chosen" and "rejected" are missing');
  return conversation(record.prompt, row, [
    { text: answerOf(record.chosen), correct: true },
    { text: answerOf(record.rejected), correct: false },
  ]);
}

/** One generation with its label in a row of its own. */
export function isUnpaired(row: Fields): boolean {
  return (
    (row.completion !== undefined && row.label !== undefined) ||
    (row.trace !== undefined && typeof row.correct === 'boolean')
  );
}

/** @throws RowError naming the field that does not fit */
export function parseUnpairedRow(row: Fields, file: string, line: number): ParsedRow {
  return withCutOff(parseOneTrace(row, file, line), row);
}

function parseOneTrace(row: Fields, file: string, line: number): ParsedRow {
  if (row.completion === undefined) {
    if (typeof row.trace !== 'string') throw rowError(file, line, '"trace" must be a text');
    const trace = { text: row.trace, correct: row.correct === true };
    return labelled(row, problemText(row, file, line), answerText(row.answer), [trace]);
  }
  if (typeof row.label !== 'boolean') throw rowError(file, line, '"label" must be true or false');
  const record = parseRecord({ prompt: row.prompt, completion: row.completion }, file, line);
  if (record.kind !== 'messages') throw rowError(file, line, 'the field "completion" is missing');
  return conversation(record.prompt, row, [{ text: answerOf(record.response), correct: row.label }]);
}

function withCutOff(parsed: ParsedRow, row: Fields): ParsedRow {
  const cutOff = cutOffOf(row, parsed.generations?.length ?? 0);
  return cutOff ? { ...parsed, cutOff } : parsed;
}

/** A text prompt counts as the user's turn. */
function conversation(prompt: Text, row: Fields, traces: readonly LabelledTrace[]): ParsedRow {
  const messages: readonly RowMessage[] =
    typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  const problem = contentText(messages.findLast(({ role }) => role === 'user') ?? messages.at(-1)!);
  const parsed = labelled(row, problem, answerText(row.answer), traces);
  const bare = messages.length === 1 && messages[0]!.role === 'user';
  return bare ? parsed : { ...parsed, prompt: [...messages] };
}

function answerOf(text: Text): string {
  return typeof text === 'string' ? text : contentText(text.at(-1)!);
}

/**
 * The label is the verdict of judge and rules alike; whoever labelled the traces vouches for the problem, unless the row
 * says otherwise.
 */
function labelled(
  row: Fields,
  problem: string,
  answer: string | null,
  traces: readonly LabelledTrace[],
): ParsedRow {
  const correct = traces.map((trace) => trace.correct);
  return {
    problem,
    answer,
    source: textOrNull(row.source),
    problemIsValid: row.problem_is_valid === undefined ? 'Yes' : textOrNull(row.problem_is_valid),
    generations: traces.map(({ text }) => text),
    correctness: { llm: correct, mvAnswer: correct, mvReparsed: correct },
    reparsedAnswers: null,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function answerText(value: unknown): string | null {
  return typeof value === 'number' ? String(value) : textOrNull(value);
}
