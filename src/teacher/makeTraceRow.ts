/** @file A problem and its answers as a trace row. The one shape in which answers are stored, whoever asked for them. */
import type { AnsweredRow } from './responses.js';
import type { AnswerSettings } from './settings.js';
import type { JournalEntry, Turn } from './states.js';

/** Fields of OpenR1-Math's rows that speak of the generations that a row came with. */
const OF_EARLIER_TRACES = new Set([
  ...['generations', 'generations_count', 'correctness', 'correctness_math_verify', 'correctness_llama'],
  ...['correctness_count', 'finish_reasons', 'is_reasoning_complete', 'messages', 'generation_details'],
  ...['correct', 'teacher', 'sampling'],
]);

/** Whether a problem's field is one of its traces' as well; those of the problem and of its answer have other names there. */
const isCarried = (name: string, problemField: string): boolean =>
  !OF_EARLIER_TRACES.has(name) &&
  name !== 'reparsed_answers' &&
  (name === 'problem' || name !== problemField);

const problemFieldOf = (
  fields: Readonly<Record<string, unknown>>,
  { problem_field: field }: Pick<AnswerSettings, 'problem_field'>,
): string => field ?? (typeof fields.problem === 'string' ? 'problem' : 'question');

/** The field of a problem that its trace has under the same name but with another content, or not at all; undefined where there is none. */
export const fieldNotCarried = (
  names: readonly string[],
  fields: Readonly<Record<string, unknown>>,
  settings: Pick<AnswerSettings, 'problem_field'>,
): string | undefined => names.find((name) => !isCarried(name, problemFieldOf(fields, settings)));

/** The answers to the questions before the last one, as rows have them. */
export const earlierTurns = ({ earlier_turns: turns = [] }: JournalEntry): Omit<Turn, 'tokens' | 'drawn'>[] =>
  turns.map(({ tokens, drawn, ...turn }) => ({ ...turn, ...drawn, ...tokens }));

/**
 * The fields are those of OpenR1-Math-Raw and our own; the problem row's other fields are carried along.
 * @param sampling what of the settings an answer depends on
 * @param correctness the lists of verdicts, one entry an answer
 * @param detail what is added about an answer in `generation_details`
 */
export function traceRow(
  { row, entries }: AnsweredRow,
  model: string,
  settings: AnswerSettings,
  sampling: Readonly<Record<string, unknown>>,
  correctness: Record<string, boolean[]> | undefined,
  detail: (entry: JournalEntry, index: number) => Record<string, unknown>,
): Record<string, unknown> {
  const { id, problem, golds, originalIndex, fields } = row;
  const problemField = problemFieldOf(fields, settings);
  const { answer_field: answerField = 'answer' } = settings;
  const carried = Object.entries(fields).filter(([name]) => isCarried(name, problemField));
  const [answer, ...others] = golds;
  const given = fields[answerField];
  // GSM8K has the worked solution where the answer is looked for.
  const solution = typeof given === 'string' && given.trim() !== answer && { solution: given };
  return {
    original_index: originalIndex,
    ...solution,
    ...Object.fromEntries(carried),
    id,
    problem,
    answer,
    ...(others.length > 0 && { reparsed_answers: others }),
    generations: entries.map(({ text }) => text),
    generations_count: entries.length,
    ...(correctness && { correctness }),
    teacher: model,
    sampling,
    generation_details: entries.map((entry, index) => ({
      finish_reason: entry.finish_reason,
      prompt_tokens: entry.prompt_tokens,
      completion_tokens: entry.completion_tokens,
      ...entry.drawn,
      ...entry.tokens,
      ...(entry.earlier_turns && { earlier_turns: earlierTurns(entry) }),
      ...detail(entry, index),
    })),
  };
}
