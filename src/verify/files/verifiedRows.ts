/**
 * @file Reads rows to verify and writes verified ones: which fields hold responses, golds and verdicts. Verifies
 * nothing.
 */

import { RowError, rowError, type BadLine } from '../../data/jsonl.js';
import { readRows } from '../../data/readRows.js';
import { isUnpaired, parseTraceRow, parseUnpairedRow } from '../../data/traceShapes.js';
import { numberText, writeJson } from '../../util/exactJson.js';
import { presetNames, type Preset } from '../presets.js';
import type { Judgement } from './judgement.js';
import type { TimedVerdict, VerifyItem } from './pool.js';

/** A response to verify: a pair row has one, a trace row one per generation. */
export interface ResponseToVerify {
  text: string;
  /** The answers that count as right: the row's own, then those re-read from its solution (`reparsed_answers`). */
  golds: readonly string[];
}

/** A row with the responses to verify in it. */
export interface RowToVerify {
  file: string;
  line: number;
  /** The row as it was read. */
  fields: Record<string, unknown>;
  preset: Preset;
  problem: string | null;
  responses: readonly ResponseToVerify[];
  /** The content of a trace row, whatever its shape; null for a pair row. */
  trace: { problem: string | null; answer: string; generations: readonly string[] } | null;
}

/** What the rules, and the judge if it was asked, say about one response. */
export interface Assessment {
  /** The rules' verdict against the row's own answer. */
  verdict: TimedVerdict;
  /** Whether any of `reparsed_answers` is given; `verdict.correct` if the row has none. The curation rules use it. */
  reparsed: boolean;
  /** Absent if the judge was not asked. */
  judgement?: Judgement;
}

/**
 * Streams the rows of files, in order: pair rows (`pred`, `gold`, optionally `preset` and
 * `problem`) and trace rows of every shape that `traceShapes` knows. A row that is neither goes to `onBadRow`.
 * @throws UserError if a file is missing or damaged as a whole
 */
export async function* readRowsToVerify(
  paths: readonly string[],
  preset: Preset,
  onBadRow: (bad: BadLine) => void,
): AsyncGenerator<RowToVerify> {
  for (const file of paths) {
    for await (const { line, row } of readRows(file, onBadRow)) {
      let parsed: RowToVerify;
      try {
        parsed = (isPair(row) ? parsePair : parseTraces)(row, file, line, preset);
      } catch (error) {
        if (!(error instanceof RowError)) throw error;
        onBadRow({ file, line, problem: error.problem, text: writeJson(row) });
        continue;
      }
      yield parsed;
    }
  }
}

type Fields = Record<string, unknown>;

/** Tells pair rows from trace rows. Traces of MathCoder's shape have `gold` too, those of Qwen2.5-Math's a list `pred`. */
function isPair({ gold, pred, generations, samples, code }: Fields): boolean {
  if (gold !== undefined && pred !== undefined) return true;
  return (gold !== undefined || pred !== undefined) && ![generations, samples, code].some(Array.isArray);
}

function parsePair(fields: Fields, file: string, line: number, preset: Preset): RowToVerify {
  const gold = answerText(fields.gold);
  const text = answerText(fields.pred);
  if (gold === undefined) throw rowError(file, line, '"gold" must be a text or a number');
  if (text === undefined) throw rowError(file, line, '"pred" must be a text or a number');
  const own = fields.preset ?? preset;
  if (!isPreset(own)) throw rowError(file, line, `"preset" must be one of ${presetNames.join(', ')}`);
  const problem = typeof fields.problem === 'string' ? fields.problem : null;
  return { file, line, fields, preset: own, problem, responses: [{ text, golds: [gold] }], trace: null };
}

function parseTraces(fields: Fields, file: string, line: number, preset: Preset): RowToVerify {
  const row = isUnpaired(fields) ? parseUnpairedRow(fields, file, line) : parseTraceRow(fields, file, line);
  const { problem, answer, generations } = row;
  if (generations === null)
    throw rowError(file, line, '"generations" is missing: there is nothing to verify');
  if (answer === null) throw rowError(file, line, '"answer" is missing: there is nothing to verify against');
  const details = fields.generation_details;
  if (Array.isArray(details) && details.length !== generations.length) {
    const counts = `${details.length} entries for ${generations.length} generations`;
    throw rowError(file, line, `"generation_details" has ${counts}`);
  }
  const golds = [answer, ...(row.reparsedAnswers ?? []).filter((text) => text.trim() !== '')];
  const responses = generations.map((text) => ({ text, golds }));
  return { file, line, fields, preset, problem, responses, trace: { problem, answer, generations } };
}

function answerText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : numberText(value);
}

function isPreset(value: unknown): value is Preset {
  return presetNames.some((preset) => preset === value);
}

/** Lists the verifier's items of a row: one for each response and gold. */
export function itemsOf({ responses, preset }: RowToVerify): VerifyItem[] {
  return responses.flatMap(({ text, golds }) => golds.map((gold) => ({ gold, pred: text, preset })));
}

/** Assembles the assessments of a row's responses from the verdicts on `itemsOf(row)`. */
export function assessmentsOf({ responses }: RowToVerify, verdicts: readonly TimedVerdict[]): Assessment[] {
  let next = 0;
  return responses.map(({ golds }) => {
    const [verdict, ...reparsed] = verdicts.slice(next, (next += golds.length));
    return {
      verdict: verdict!,
      reparsed: reparsed.length === 0 ? verdict!.correct : reparsed.some(({ correct }) => correct),
    };
  });
}

/**
 * Gives the row as it is written: all its fields and the verdicts.
 * @param judged whether there was a judge: then its list is written, with null where it was not asked or could not tell
 */
export function verifiedRow(
  { fields, trace }: RowToVerify,
  assessments: readonly Assessment[],
  judged: boolean,
): Record<string, unknown> {
  if (trace === null) {
    const { correct, reason, stage, extracted, ms } = assessments[0]!.verdict;
    const { judgement } = assessments[0]!;
    return { ...fields, correct, reason, stage, extracted, ms, ...(judgement && { judge: judgement }) };
  }
  return {
    ...trace, // rows of other shapes get these names too, so that the output is a file of trace rows
    ...fields,
    correctness: {
      ...objectOr(fields.correctness),
      math_verify_answer: assessments.map(({ verdict }) => verdict.correct),
      math_verify_reparsed_answer: assessments.map(({ reparsed }) => reparsed),
      ...(judged && { llama_verification: assessments.map(({ judgement }) => judgement?.correct ?? null) }),
    },
    generation_details: assessments.map((assessment, i) =>
      detail(objectOr(listOr(fields.generation_details)[i]), assessment, judged),
    ),
  };
}

function detail({ judge, ...known }: Fields, { verdict, judgement }: Assessment, judged: boolean): Fields {
  const { correct, reason, stage, extracted } = verdict;
  const second = judged ? judgement : judge;
  return {
    ...known,
    verdict: { correct, reason, stage, extracted },
    ...(second !== undefined && { judge: second }),
  };
}

function listOr(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function objectOr(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
