/** @file Makes the rows of sft.jsonl and pref.jsonl. Writes no file. */
import type { RowMessage } from '../text/template.js';
import type { CandidateRow, Pair, Trace } from './candidateRow.js';

const answer = ({ message, text }: Trace): RowMessage => message ?? { role: 'assistant', content: text };

/** A row of sft.jsonl: TRL's conversational language-modelling format, with where it comes from. */
export function sftRow(row: CandidateRow, trace: Trace): Record<string, unknown> {
  return {
    messages: [...row.prompt, answer(trace)],
    ...row.columns,
    ...(trace.finishReason !== undefined && { finish_reason: trace.finishReason }),
    chosen_gen_idx: trace.index,
    source: row.source,
    uuid: row.uuid,
    original_index: row.originalIndex,
  };
}

/** A row of pref.jsonl: TRL's conversational preference format with explicit prompt, and where it comes from. */
export function prefRow(row: CandidateRow, { chosen, rejected, lengths }: Pair): Record<string, unknown> {
  return {
    prompt: row.prompt,
    chosen: [answer(chosen)],
    rejected: [answer(rejected)],
    ...row.columns,
    ...(chosen.finishReason !== undefined && { chosen_finish_reason: chosen.finishReason }),
    ...(rejected.finishReason !== undefined && { rejected_finish_reason: rejected.finishReason }),
    source: row.source,
    uuid: row.uuid,
    original_index: row.originalIndex,
    chosen_gen_idx: chosen.index,
    rejected_gen_idx: rejected.index,
    ...(lengths && {
      prompt_len: lengths.prompt,
      chosen_len: lengths.chosen,
      rejected_len: lengths.rejected,
    }),
  };
}

/** Writes the right trace to sft.jsonl and all pairs to pref.jsonl. */
export const plainRun = {
  write: (row: CandidateRow, pairs: readonly Pair[]) => ({
    sft: [sftRow(row, row.right)],
    pref: pairs.map((pair) => prefRow(row, pair)),
  }),
};
