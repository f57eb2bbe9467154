/** @file Reads one row of traces, whichever of the shapes it has. Knows nothing of files. */
import { z } from 'zod';
import { contentText } from '../text/messages.js';
import { reasoningFields, type RowMessage } from '../text/template.js';
import { numberText } from '../util/exactJson.js';
import { cutOffOf, finishReasonsOf } from './finishReasons.js';
import { rowError } from './jsonl.js';
import { problemText } from './problems.js';
import { parseRecord, type Text } from './records.js';
import { isPlain, responseText } from './responseText.js';
import type { TraceRow } from './traceRow.js';

/** A trace that somebody has marked right or wrong. */
interface LabelledTrace extends Generation {
  correct: boolean;
}

/** A response, and its message where that is more than a text. */
interface Generation {
  text: string;
  message?: RowMessage | null;
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
  return withContext(shape[1](row, file, line), row);
}

const verdicts = z.array(z.boolean().nullable()).nullish();
const openR1 = z.object({
  problem: z.string().nullish(),
  correctness_math_verify: verdicts,
  correctness_llama: verdicts,
  correctness: z
    .object({
      llama_verification: verdicts,
      math_verify_answer: verdicts,
      math_verify_reparsed_answer: verdicts,
    })
    .nullish(),
});

/** OpenR1-Math-Raw's shape, which `collect` writes as well, and that of OpenR1-Math-220k, whose verdicts are flat. */
function parseOpenR1(row: Fields, file: string, line: number): ParsedRow {
  const parsed = openR1.safeParse(row);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw rowError(file, line, `"${issue.path.join('.')}" does not fit: ${issue.message}`);
  }
  const {
    problem,
    correctness,
    correctness_math_verify: rules = null,
    correctness_llama: judge = null,
  } = parsed.data;
  const generations = generationsOf(row, file, line);
  // 220k's columns; null where nobody asked judge or rules about any of the generations.
  const flat =
    (rules ?? judge)
      ? { llm: judge ?? rules!.map(() => null), mv: rules ?? judge!.map(() => null) }
      : undefined;
  const reparsed = z.array(z.string()).safeParse(row.reparsed_answers);
  // Nobody has looked at the problems of rows that were collected here, and 220k has valid ones only.
  const vouched =
    row.problem_is_valid === undefined && (row.generation_details !== undefined || flat !== undefined);
  return {
    problem: problem ?? null,
    answer: answerText(row.answer),
    source: textOrNull(row.source),
    problemIsValid: vouched ? 'Yes' : textOrNull(row.problem_is_valid),
    ...textsAndMessages(generations),
    correctness: {
      llm: correctness?.llama_verification ?? flat?.llm ?? null,
      mvAnswer: correctness?.math_verify_answer ?? flat?.mv ?? null,
      mvReparsed: correctness?.math_verify_reparsed_answer ?? flat?.mv ?? null,
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
  const generations = generationsOf(row, file, line);
  if (!generations) throw rowError(file, line, `"generations" does not fit: ${GENERATIONS}`);
  const correct = z.array(z.boolean()).safeParse(row.correct);
  if (!correct.success || correct.data.length !== generations.length) {
    throw rowError(
      file,
      line,
      `"correct" must be a list of ${generations.length} booleans, one a generation`,
    );
  }
  return generations.map((generation, i) => ({ ...generation, correct: correct.data[i]! }));
}

/** OpenAI's GSM8K example solutions. */
function parseModelSolutions(row: Fields, file: string, line: number): ParsedRow {
  const { answer, traces } = modelSolutions(row, file, line);
  return labelled(row, problemText(row, file, line), answer, traces);
}

const GENERATIONS = 'it must be a list of texts or messages';

const message = z.looseObject({ role: z.string().optional(), content: z.unknown() });

/** A text or an assistant's message as a generation; undefined for anything else. */
function generationOf(value: unknown): Generation | undefined {
  if (typeof value === 'string') return { text: value };
  const parsed = message.safeParse(value);
  if (!parsed.success || (parsed.data.role ?? 'assistant') !== 'assistant') return undefined;
  const { content } = parsed.data;
  const said = { ...parsed.data, role: 'assistant', content } as RowMessage;
  const isContent =
    typeof content === 'string' || Array.isArray(content) || parsed.data.tool_calls !== undefined;
  return isContent ? { text: responseText(said), message: isPlain(said) ? null : said } : undefined;
}

/** The row's generations, undefined where there are none. Thinking may stand beside them, in lists of their length. @throws RowError */
function generationsOf(row: Fields, file: string, line: number): Generation[] | undefined {
  const { generations: given } = row;
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) throw rowError(file, line, `"generations" does not fit: ${GENERATIONS}`);
  return given.map((value, i) => {
    const generation = generationOf(withThinking(value, row, (list) => (list as unknown[])[i], given.length));
    if (!generation) throw rowError(file, line, `"generations.${i}" does not fit: ${GENERATIONS}`);
    return generation;
  });
}

/** A text with the thinking that stands in another column of its row; `pick` takes it out of a column. */
function withThinking(
  value: unknown,
  row: Fields,
  pick: (column: unknown) => unknown,
  count?: number,
): unknown {
  if (typeof value !== 'string') return value;
  const thoughts = reasoningFields.flatMap((name) => {
    if (count !== undefined && !(Array.isArray(row[name]) && row[name].length === count)) return [];
    const thought = pick(row[name]);
    return typeof thought === 'string' && thought.trim() !== '' ? [[name, thought] as const] : [];
  });
  return thoughts.length === 0
    ? value
    : { role: 'assistant', content: value, ...Object.fromEntries(thoughts) };
}

/** The two lists of a row. */
function textsAndMessages(
  generations: readonly Generation[] | undefined,
): Pick<TraceRow, 'generations' | 'messages'> {
  const messages = generations?.map(({ message: own }) => own ?? null);
  return {
    generations: generations?.map(({ text }) => text) ?? null,
    ...(messages?.some((own) => own !== null) && { messages }),
  };
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
  const traces = labelledGenerations({ ...row, generations: row.code, correct: row.score }, file, line);
  return labelled(row, problemText(row, file, line), answerText(row.gt), traces);
}

function parsePreference(row: Fields, file: string, line: number): ParsedRow {
  const record = parseRecord(row, file, line);
  if (record.kind !== 'preference')
    throw rowError(file, line, 'the fields "chosen" and "rejected" are missing');
  return conversation(record.prompt, row, [
    { ...answerOf(record.chosen), correct: true },
    { ...answerOf(record.rejected), correct: false },
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
  return withContext(parseOneTrace(row, file, line), row);
}

function parseOneTrace(row: Fields, file: string, line: number): ParsedRow {
  if (row.completion === undefined) {
    const generation = generationOf(withThinking(row.trace, row, (thought) => thought));
    if (!generation) throw rowError(file, line, '"trace" must be a text or a message');
    const trace = { ...generation, correct: row.correct === true };
    return labelled(row, problemText(row, file, line), answerText(row.answer), [trace]);
  }
  if (typeof row.label !== 'boolean') throw rowError(file, line, '"label" must be true or false');
  const record = parseRecord({ prompt: row.prompt, completion: row.completion }, file, line);
  if (record.kind !== 'messages') throw rowError(file, line, 'the field "completion" is missing');
  return conversation(record.prompt, row, [{ ...answerOf(record.response, row), correct: row.label }]);
}

/** Columns that the chat template is given. */
const COLUMNS = ['tools', 'chat_template_kwargs'];

/** Adds what every shape may have: why generations ended, a system message, and columns for the chat template. */
function withContext(parsed: ParsedRow, row: Fields): ParsedRow {
  const count = parsed.generations?.length ?? 0;
  const finishReasons = finishReasonsOf(row, count);
  const cutOff = cutOffOf(row, count);
  const columns = COLUMNS.filter((name) => row[name] !== undefined && row[name] !== null);
  const prompt = systemPrompt(parsed, row);
  return {
    ...parsed,
    ...(finishReasons && { finishReasons }),
    ...(cutOff && { cutOff }),
    ...(columns.length > 0 && { columns: Object.fromEntries(columns.map((name) => [name, row[name]])) }),
    ...(prompt && { prompt }),
  };
}

/** A text prompt counts as the user's turn. */
function conversation(prompt: Text, row: Fields, traces: readonly LabelledTrace[]): ParsedRow {
  const messages: readonly RowMessage[] =
    typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  const problem = contentText(messages.findLast(({ role }) => role === 'user') ?? messages.at(-1)!);
  const parsed = labelled(row, problem, answerText(row.answer), traces);
  const bare = messages.length === 1 && messages[0]!.role === 'user' && isPlain(messages[0]!);
  return bare ? parsed : { ...parsed, prompt: [...messages] };
}

/** The messages of a row that has its system message in a column of its own. */
function systemPrompt(
  { prompt, problem }: ParsedRow,
  { system, system_prompt: other }: Fields,
): RowMessage[] | undefined {
  const content = system ?? other;
  if (typeof content !== 'string' || content.trim() === '' || problem === null) return undefined;
  const messages = prompt ?? [{ role: 'user', content: problem }];
  return messages.some(({ role }) => role === 'system')
    ? undefined
    : [{ role: 'system', content }, ...messages];
}

/** The answer as a generation: its message, or a text with the thinking that stands beside it in the row. */
function answerOf(text: Text, row: Fields = {}): Generation {
  return generationOf(
    typeof text === 'string' ? withThinking(text, row, (thought) => thought) : text.at(-1)!,
  )!;
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
    ...textsAndMessages(traces),
    correctness: { llm: correct, mvAnswer: correct, mvReparsed: correct },
    reparsedAnswers: null,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function answerText(value: unknown): string | null {
  return numberText(value) ?? textOrNull(value);
}
