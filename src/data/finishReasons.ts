/** @file Reads from a row why each of its generations ended, and says which of them were cut off. */

/**
 * Values of `finish_reason` that mean that the model had not finished, in lower case: OpenAI's and vLLM's `length`, and
 * what other servers and libraries say where a limit, a filter or a fault ended the text.
 */
const CUT_OFF = new Set([
  ...['length', 'max_tokens', 'max_output_tokens', 'model_length', 'model_context_window_exceeded', 'limit'],
  ...['content_filter', 'safety', 'recitation'],
  ...['abort', 'aborted', 'cancelled', 'error', 'insufficient_system_resource', 'pause_turn'],
]);

/** True where the value says that the text broke off; no value, or one that nobody knows, does not. */
export function isCutOff(finishReason: unknown): boolean {
  return typeof finishReason === 'string' && CUT_OFF.has(finishReason.toLowerCase());
}

/**
 * Whether each of `count` generations was cut off, by the row's `generation_details[i].finish_reason`, else by its
 * `finish_reasons[i]` (OpenR1-Math), else, in a row of one generation, by its `finish_reason`. Undefined where none was.
 */
export function cutOffOf(row: Record<string, unknown>, count: number): boolean[] | undefined {
  const { generation_details: details, finish_reasons: reasons, finish_reason: only } = row;
  const at = (list: unknown, i: number): unknown =>
    Array.isArray(list) ? (list as unknown[])[i] : undefined;
  const cut = Array.from({ length: count }, (_, i) => {
    const detail = at(details, i) as { finish_reason?: unknown } | null | undefined;
    return isCutOff(detail?.finish_reason ?? at(reasons, i) ?? (count === 1 ? only : undefined));
  });
  return cut.includes(true) ? cut : undefined;
}
