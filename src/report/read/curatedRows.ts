/** @file Reads rows of a curation with what became of them, and looks for their other responses in what was curated. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { responseText } from '../../data/responseText.js';
import type { TraceRow, VerdictList } from '../../data/traceRow.js';
import { readTraceRows } from '../../data/traceRows.js';
import { contentText } from '../../text/messages.js';
import type { RowMessage } from '../../text/template.js';
import { UserError } from '../../util/errors.js';
import { plainNumber } from '../../util/exactJson.js';
import type { Trace } from '../model.js';
import { readJson } from './json.js';
import type { Limits } from './limits.js';
import { DRAWN, linesOf, openRow, type OpenRow, type RowTokens } from './openRow.js';

/** Rows, and how many the files have. */
export interface Rows {
  rows: Map<string, OpenRow>;
  total: number;
}

const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]).nullish(),
});
const messages = z.array(message).min(1);
const trained = z.looseObject({
  messages: messages.optional(),
  prompt: messages.optional(),
  chosen: messages.optional(),
  rejected: messages.optional(),
});
type Trained = z.output<typeof trained>;

const said = (all: Trained['messages']): string => responseText(all!.at(-1) as RowMessage);
const asked = (all: readonly unknown[]): string => {
  const question = (all as RowMessage[]).findLast(({ role }) => role === 'user');
  return question ? contentText(question) : '';
};

/** A number that a row may lack. */
const numberIn = (row: Readonly<Record<string, unknown>>, name: string): number | undefined =>
  plainNumber(row[name]);

const summary = z.looseObject({ sft: z.number(), dropped_rows: z.number() });

/** The rows of sft.jsonl, pref.jsonl and dropped.jsonl, pairs first, as many as fit. */
export function readCurated(dir: string, most: number, characters: number): Rows {
  const rows = new Map<string, OpenRow>();
  const budget = { characters };
  const counts = readJson(join(dir, 'summary.json'), summary);
  const total = counts && counts.sft + counts.dropped_rows;
  const fits = total !== undefined && total <= most;
  const isFull = (share: number) => rows.size >= most * (fits ? 1 : share) || budget.characters <= 0;
  // A row may have several pairs, and its right trace is in both files.
  for (const [file, share] of [
    ['pref', 0.7],
    ['sft', 0.85],
  ] as const)
    for (const row of linesOf(join(dir, `${file}.jsonl`))) {
      if (isFull(share)) break;
      const index = numberIn(row, 'original_index');
      const { data } = trained.safeParse(row);
      if (index !== undefined && data) addTrained(rows, String(index), data, budget);
    }
  for (const row of linesOf(join(dir, 'dropped.jsonl'))) {
    if (isFull(1)) break;
    const index = numberIn(row, 'original_index');
    if (index === undefined || rows.has(String(index))) continue;
    const fate = typeof row.reason === 'string' ? row.reason.replaceAll('_', ' ') : 'no reason';
    rows.set(String(index), openRow(String(index), `dropped: ${fate}`));
  }
  return { rows, total: total ?? rows.size };
}

function addTrained(
  rows: Map<string, OpenRow>,
  id: string,
  { messages: whole, prompt, chosen, rejected, ...row }: Trained,
  budget: { characters: number },
): void {
  const known = rows.get(id);
  const added = known ?? openRow(id, rejected ? 'pair' : 'right alone');
  const put = (key: string, otherwise: number, all: Trained['messages'], reason: string): number => {
    const place = numberIn(row, key) ?? otherwise;
    if (added.traces.has(place)) return place;
    const ended = row[reason];
    const text = said(all);
    budget.characters -= text.length;
    added.traces.set(place, {
      ...{ name: String(place + 1), text, verdicts: [] },
      ...(typeof ended === 'string' && { finishReason: ended }),
    });
    return place;
  };
  const weight = numberIn(row, 'weight');
  const own = weight === undefined ? {} : { weight };
  if (prompt && chosen && rejected) {
    added.problem ||= asked(prompt);
    const right = put('chosen_gen_idx', 0, chosen, 'chosen_finish_reason');
    const wrong = put('rejected_gen_idx', 1, rejected, 'rejected_finish_reason');
    added.made.push({ right, wrong, ...own });
  } else if (whole) {
    added.problem ||= asked(whole);
    const right = put('chosen_gen_idx', 0, whole, 'finish_reason');
    if (!added.made.some((one) => one.right === right)) added.made.push({ right, ...own });
  } else return;
  if (!known) budget.characters -= added.problem.length;
  rows.set(id, added);
}

/**
 * Looks in files of trace rows for the responses of rows that are known, with their verdicts.
 * @returns whether all files could be gone through, and all responses had room
 */
export async function addResponses(
  files: readonly string[],
  rows: ReadonlyMap<string, OpenRow>,
  { searched, rowCharacters }: Limits,
): Promise<boolean> {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  if (bytes > searched) return false;
  let left = rows.size;
  let characters = rowCharacters;
  try {
    for await (const row of readTraceRows(files, () => undefined)) {
      const known = rows.get(String(row.originalIndex));
      if (!known) continue;
      characters -= responsesInto(known, row, characters > 0);
      if (--left === 0) break;
    }
  } catch (error) {
    if (error instanceof UserError) return false; // changed or damaged since it was curated
    throw error;
  }
  return characters > 0;
}

/**
 * Adds all responses of a trace row, with verdicts and tokens where it has them.
 * @param hasRoom whether those that are not known yet are added
 * @returns the characters that were added
 */
export function responsesInto(
  row: OpenRow,
  { problem, answer, generations, ...given }: TraceRow,
  hasRoom = true,
): number {
  let characters = 0;
  row.problem ||= problem ?? '';
  row.gold ??= answer;
  const { llm, mvAnswer, mvReparsed } = given.correctness;
  for (const [i, text] of (generations ?? []).entries()) {
    const known = row.traces.get(i);
    if (!known && !hasRoom) continue;
    const finishReason = given.finishReasons?.[i] ?? known?.finishReason;
    if (!known) characters += text.length;
    // One label stands for both.
    const isLabel = llm !== null && llm === mvReparsed;
    const own = drawnTokens(given.fields, i);
    row.traces.set(i, {
      ...{ name: String(i + 1), text: known?.text ?? text },
      verdicts: [
        ...verdict(mvReparsed ?? mvAnswer, i, isLabel ? 'the labels' : 'the rules'),
        ...(isLabel ? [] : verdict(llm, i, 'the judge')),
      ],
      ...(finishReason != null && { finishReason }),
      ...(own && { own }),
    });
  }
  return characters;
}

const verdict = (list: VerdictList, i: number, by: string): Trace['verdicts'] =>
  list?.[i] === undefined ? [] : [{ by, right: list[i] }];

const drawn = z.looseObject({
  ids: z.array(z.number()),
  logps: z.array(z.number()),
  forced: z.array(z.number()),
});

/** Tokens of a response as a model here drew them, which `--keep-tokens` keeps. */
function drawnTokens({ generation_details: details }: TraceRow['fields'], i: number): RowTokens | undefined {
  const { data } = drawn.safeParse(Array.isArray(details) ? details[i] : undefined);
  if (!data || data.logps.length !== data.ids.length) return undefined;
  return {
    ids: data.ids,
    ...(data.forced.some(Boolean) && { weights: data.forced.map((put) => Number(put === 0)) }),
    columns: new Map([[DRAWN, data.logps]]),
  };
}
