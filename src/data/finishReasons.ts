/** @file Reads from a row why each of its generations ended, and says which of them were cut off. */
import { plainNumber } from '../util/exactJson.js';

/**
 * Values of `finish_reason` that mean that the model had not finished, in lower case: OpenAI's and vLLM's `length`, and
 * what other servers and libraries say where a limit, a filter or a fault ended the text.
 */
const CUT_OFF = new Set([
  ...['length', 'max_tokens', 'max_output_tokens', 'max_new_tokens', 'max_length', 'model_length', 'limit'],
  ...['model_context_window_exceeded', 'incomplete'],
  ...['content_filter', 'safety', 'recitation', 'blocklist', 'prohibited_content', 'spii'],
  ...['abort', 'aborted', 'cancelled', 'error', 'timeout', 'insufficient_system_resource', 'pause_turn'],
]);

/** True where the value says that the text broke off; no value, or one that nobody knows, does not. */
export function isCutOff(finishReason: unknown): boolean {
  return typeof finishReason === 'string' && CUT_OFF.has(finishReason.toLowerCase());
}

type Fields = Record<string, unknown>;

/**
 * Why each of `count` generations ended, null where the row does not say, undefined where it says so of none: by its
 * `generation_details[i]`, else a generation's own message, else its `finish_reasons[i]` (OpenR1-Math-220k), else, in a
 * row of one generation, by the row's own fields; the two sides of a pair have columns of their own, as `curate` writes
 * them. Where there is no `finish_reason`, a `stop_reason` or `incomplete_details` (OpenAI's responses) counts.
 */
export function finishReasonsOf(row: Fields, count: number): (string | null)[] | undefined {
  const sides = row.chosen === undefined ? undefined : [row.chosen_finish_reason, row.rejected_finish_reason];
  const list = row.finish_reasons ?? sides;
  const reasons = Array.from(
    { length: count },
    (_, i) => reasonOf(row, i, list) ?? (count === 1 ? reasonIn(row) : undefined) ?? null,
  );
  return reasons.some((reason) => reason !== null) ? reasons : undefined;
}

/**
 * Why the response that a training row teaches ended: by the chosen side's column or the row's own fields, else, in a row
 * of several generations, as `finishReasonsOf` reads that of its `chosen_gen_idx`. Undefined where the row does not say.
 */
export function taughtFinishReason(row: Fields): string | undefined {
  const chosen = row.chosen_finish_reason;
  const own = typeof chosen === 'string' ? chosen : reasonIn(row);
  const index = plainNumber(row.chosen_gen_idx);
  return own ?? (index === undefined ? undefined : reasonOf(row, index, row.finish_reasons));
}

/**
 * Whether each of `count` generations was cut off: its finish reason says so, or OpenR1-Math-220k's
 * `is_reasoning_complete[i]` that its thinking has no end. Undefined where none was.
 */
export function cutOffOf(row: Fields, count: number): boolean[] | undefined {
  const reasons = finishReasonsOf(row, count);
  const cut = Array.from(
    { length: count },
    (_, i) => isCutOff(reasons?.[i]) || at(row.is_reasoning_complete, i) === false,
  );
  return cut.includes(true) ? cut : undefined;
}

/** The reason of one of a row's generations, where there is one to each. */
function reasonOf(
  { generation_details: details, generations }: Fields,
  i: number,
  list: unknown,
): string | undefined {
  const flat = at(list, i);
  return (
    reasonIn(at(details, i)) ?? reasonIn(at(generations, i)) ?? (typeof flat === 'string' ? flat : undefined)
  );
}

/** The reason that an object's fields give. */
function reasonIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { finish_reason: finish, stop_reason: stop, incomplete_details: details } = value as Fields;
  const { reason } = (details ?? {}) as { reason?: unknown };
  return [finish, stop, reason].find((given) => typeof given === 'string');
}

function at(list: unknown, i: number): unknown {
  return Array.isArray(list) ? (list as unknown[])[i] : undefined;
}
