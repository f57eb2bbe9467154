import { setImmediate as breathe } from 'node:timers/promises';
import { UserError } from '../util/errors.js';
import { FileReplacement } from '../util/files.js';
import type { Journal } from './journal.js';
import { readProblemRows, rowsDigest, type ProblemRow } from './problemRows.js';
import { storedSampling, type CollectSettings } from './settings.js';
import { journalEntry, type JournalEntry, type ProblemState } from './states.js';

/** Fields of OpenR1-Math's rows that speak of the generations that a row came with. */
const OF_EARLIER_TRACES = new Set([
  ...['generations', 'generations_count', 'correctness', 'correctness_math_verify', 'correctness_llama'],
  ...['correctness_count', 'finish_reasons', 'is_reasoning_complete', 'messages', 'generation_details'],
  ...['correct', 'teacher', 'sampling'],
]);

/**
 * Replaces the file by one row for every problem with traces, in input order, its traces in the order of their numbers.
 * The fields are those of OpenR1-Math-Raw and our own; the problem row's other fields are carried along.
 * @throws UserError where the problem file is not the one that was read before
 */
export async function writeTraceRows(
  path: string,
  problems: { path: string; digest: string },
  states: readonly ProblemState[],
  journal: Journal,
  settings: CollectSettings,
  signal?: AbortSignal,
): Promise<void> {
  using file = new FileReplacement(path);
  const digest = rowsDigest();
  let index = 0;
  for (const row of readProblemRows(problems.path, () => undefined)) {
    digest.add(row);
    const places = states[index]?.traces.filter((place) => place !== undefined) ?? [];
    const entries = places.map((place) => journalEntry.parse(journal.read(place)));
    if (entries.length > 0) file.write(`${JSON.stringify(traceRow(row, entries, settings))}\n`);
    if (++index % 64 === 0) await breathe(); // lets Ctrl-C through
    signal?.throwIfAborted();
  }
  if (digest.value() !== problems.digest)
    throw new UserError(
      `${problems.path} was changed in the meantime: put it back and run the same command again.`,
    );
  file.commit();
}

function traceRow(
  { problem, golds, originalIndex, fields }: ProblemRow,
  entries: readonly JournalEntry[],
  settings: CollectSettings,
): Record<string, unknown> {
  const carried = Object.entries(fields).filter(
    ([name]) => !OF_EARLIER_TRACES.has(name) && !(name === 'question' && fields.problem === undefined),
  );
  const answer = golds[0]!;
  // GSM8K has the worked solution where the answer is looked for.
  const solution = typeof fields.answer === 'string' &&
    fields.answer.trim() !== answer && { solution: fields.answer };
  return {
    original_index: originalIndex,
    ...solution,
    ...Object.fromEntries(carried),
    problem,
    answer,
    generations: entries.map(({ text }) => text),
    generations_count: entries.length,
    correctness: {
      math_verify_answer: entries.map(({ verdict }) => verdict.correct),
      math_verify_reparsed_answer: entries.map(({ right }) => right),
    },
    teacher: settings.model,
    sampling: storedSampling(settings),
    generation_details: entries.map(({ finish_reason, prompt_tokens, completion_tokens, verdict }) => ({
      finish_reason,
      prompt_tokens,
      completion_tokens,
      verdict,
    })),
  };
}
