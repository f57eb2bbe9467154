import { readJsonLines, RowError, rowError, type BadLine } from '../../data/jsonl.js';
import { isParquet, readParquetRows } from '../../data/parquet.js';
import { isUnpaired, parseTraceRow, parseUnpairedRow } from '../../data/traceShapes.js';
import type { Judgement } from '../../teacher/judgePrompt.js';
import type { TimedVerdict, VerifyItem } from './pool.js';
import { presetNames } from '../options.js';
import type { Preset } from '../verify.js';

/** An answer to be judged right or wrong: a pair row has one, a trace row one a generation. */
export interface Candidate {
  text: string;
  /** The answers that count as right: those of the row, then those re-read from its solution. */
  golds: readonly string[];
}

/** A row with what is to be verified in it. */
export interface RowToVerify {
  file: string;
  line: number;
  /** The row as it was read. */
  fields: Record<string, unknown>;
  preset: Preset;
  problem: string | null;
  candidates: readonly Candidate[];
  /** What a trace row of any shape says; null in a pair row. */
  trace: { problem: string | null; answer: string; generations: readonly string[] } | null;
}

/** What was found about one candidate. */
export interface Finding {
  /** Against the row's own answer. */
  verdict: TimedVerdict;
  /** Against any of `reparsed_answers`; where a row has none, as `verdict` says. The named rules use this one. */
  reparsed: boolean;
  /** Absent where the judge was not asked. */
  judgement?: Judgement;
}

/**
 * Streams the rows of JSON lines and Parquet files, in order: pair rows (`pred`, `gold`, optionally `preset` and
 * `problem`) and trace rows of every shape that `traceShapes` knows, one row each. A row that is neither goes to
 * `onBadRow`.
 * @throws UserError where a file is missing or damaged as a whole
 */
export async function* readRowsToVerify(
  paths: readonly string[],
  preset: Preset,
  onBadRow: (bad: BadLine) => void,
): AsyncGenerator<RowToVerify> {
  for (const file of paths) {
    const rows = isParquet(file) ? readParquetRows(file) : readJsonLines(file, onBadRow);
    for await (const { line, row } of rows) {
      let parsed: RowToVerify;
      try {
        parsed = (isPair(row) ? parsePair : parseTraces)(row, file, line, preset);
      } catch (error) {
        if (!(error instanceof RowError)) throw error;
        onBadRow({ file, line, problem: error.problem, text: JSON.stringify(row) });
        continue;
      }
      yield parsed;
    }
  }
}

type Fields = Record<string, unknown>;

/** Traces of MathCoder's shape have a field `gold` as well, those of Qwen2.5-Math's a list `pred`. */
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
  return { file, line, fields, preset: own, problem, candidates: [{ text, golds: [gold] }], trace: null };
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
  const candidates = generations.map((text) => ({ text, golds }));
  return { file, line, fields, preset, problem, candidates, trace: { problem, answer, generations } };
}

function answerText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : Number.isFinite(value) ? String(value) : undefined;
}

function isPreset(value: unknown): value is Preset {
  return presetNames.some((preset) => preset === value);
}

/** The verifier's items of a row: for each candidate one a gold. */
export function itemsOf({ candidates, preset }: RowToVerify): VerifyItem[] {
  return candidates.flatMap(({ text, golds }) => golds.map((gold) => ({ gold, pred: text, preset })));
}

/** The findings from the verdicts on `itemsOf(row)`. */
export function findingsOf({ candidates }: RowToVerify, verdicts: readonly TimedVerdict[]): Finding[] {
  let next = 0;
  return candidates.map(({ golds }) => {
    const [verdict, ...reparsed] = verdicts.slice(next, (next += golds.length));
    return {
      verdict: verdict!,
      reparsed: reparsed.length === 0 ? verdict!.correct : reparsed.some(({ correct }) => correct),
    };
  });
}

/**
 * The row as it is written: all its fields and the verdicts.
 * @param judged a judge had a say: its list is written, with null where it was not asked or could not tell
 */
export function verifiedRow(
  { fields, trace }: RowToVerify,
  findings: readonly Finding[],
  judged: boolean,
): Record<string, unknown> {
  if (trace === null) {
    const { correct, reason, stage, extracted, ms } = findings[0]!.verdict;
    const { judgement } = findings[0]!;
    return { ...fields, correct, reason, stage, extracted, ms, ...(judgement && { judge: judgement }) };
  }
  return {
    ...trace, // rows of other shapes come back with these names too, so that the file is one of trace rows
    ...fields,
    correctness: {
      ...objectOr(fields.correctness),
      math_verify_answer: findings.map(({ verdict }) => verdict.correct),
      math_verify_reparsed_answer: findings.map(({ reparsed }) => reparsed),
      ...(judged && { llama_verification: findings.map(({ judgement }) => judgement?.correct ?? null) }),
    },
    generation_details: findings.map((finding, i) =>
      detail(objectOr(listOr(fields.generation_details)[i]), finding, judged),
    ),
  };
}

function detail({ judge, ...known }: Fields, { verdict, judgement }: Finding, judged: boolean): Fields {
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
