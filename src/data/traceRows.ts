/** @file Streams trace rows of any shape from files. What the shapes are stands in traceShapes.ts. */
import { plainNumber, writeJson } from '../util/exactJson.js';
import { RowError, type BadLine } from './jsonl.js';
import { readRows } from './readRows.js';
import type { TraceRow } from './traceRow.js';
import { isUnpaired, parseTraceRow, parseUnpairedRow, type ParsedRow } from './traceShapes.js';

/**
 * Streams trace rows from files, whatever of these shapes each row has:
 *
 *     OpenR1-Math-Raw     problem, answer, source, problem_is_valid, generations, correctness: {…}
 *     labelled rows       problem, answer, generations, correct
 *     GSM8K solutions     question, ground_truth, <model>: {is_correct, solution}
 *     MathCoder outputs   question, gold, samples: [{segments, correct}]
 *     Qwen2.5-Math        question, gt, code, score
 *     TRL preferences     prompt, chosen, rejected in TRL's three layouts: a right and a wrong generation
 *     unpaired rows       prompt, completion, label (as for KTO), or problem, trace, correct: one generation a row
 *
 * One label stands for the verdicts of judge and rules alike. Unpaired rows of one prompt become one trace row; they
 * are held in memory and come when all files are read. A row that fits none of the shapes goes to `onBadRow`.
 * @param open gives the rows of a file
 * @throws UserError where a file is missing or damaged as a whole
 */
export async function* readTraceRows(
  paths: readonly string[],
  onBadRow: (bad: BadLine) => void,
  open: typeof readRows = readRows,
): AsyncGenerator<TraceRow> {
  const unpaired = new Map<string, TraceRow>();
  let ordinal = 0;
  for (const file of paths) {
    const onBadLine = (bad: BadLine) => {
      ordinal++;
      onBadRow(bad);
    };
    for await (const { line, row } of open(file, onBadLine)) {
      const originalIndex = indexOf(row) ?? ordinal;
      ordinal++;
      let parsed: ParsedRow;
      try {
        if (isUnpaired(row)) {
          gather(unpaired, { originalIndex, file, line, fields: row, ...parseUnpairedRow(row, file, line) });
          continue;
        }
        parsed = parseTraceRow(row, file, line);
      } catch (error) {
        if (!(error instanceof RowError)) throw error;
        onBadRow({ file, line, problem: error.problem, text: writeJson(row) });
        continue;
      }
      yield { originalIndex, file, line, fields: row, ...parsed };
    }
  }
  yield* unpaired.values();
}

function indexOf({ original_index: given }: Record<string, unknown>): number | undefined {
  const index = plainNumber(given);
  return index !== undefined && Number.isSafeInteger(index) && index >= 0 ? index : undefined;
}

/** Adds one generation to the row of its prompt. */
function gather(rows: Map<string, TraceRow>, row: TraceRow): void {
  const key = JSON.stringify([row.problem, row.prompt, row.columns]);
  const known = rows.get(key);
  if (!known) {
    rows.set(key, row);
    return;
  }
  const before = known.generations!.length;
  join(known, row, 'cutOff', before, false);
  join(known, row, 'finishReasons', before, null);
  join(known, row, 'messages', before, null);
  known.generations!.push(...row.generations!);
  known.correctness.llm!.push(...row.correctness.llm!);
  // The three lists of a labelled row are one.
}

/** Adds to a list that stands beside the generations, and of which those that lack it have `none`. */
function join<K extends 'cutOff' | 'finishReasons' | 'messages'>(
  known: TraceRow,
  row: TraceRow,
  name: K,
  before: number,
  none: NonNullable<TraceRow[K]>[number],
): void {
  if (!known[name] && !row[name]) return;
  const lists = known as Record<K, unknown[] | undefined>;
  lists[name] = [...(known[name] ?? Array.from({ length: before }, () => none)), ...(row[name] ?? [none])];
}
