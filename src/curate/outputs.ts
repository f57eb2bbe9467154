import type { ChatMessage } from '../text/template.js';
import type { Candidate, Pair, Trace } from './candidates.js';
import type { Assignment } from './ablation.js';

const answer = (trace: Trace): ChatMessage => ({ role: 'assistant', content: trace.text });

/** A row of sft.jsonl: TRL's conversational language-modelling format, with where it comes from. */
export function sftRow(candidate: Candidate, trace: Trace): Record<string, unknown> {
  return {
    messages: [...candidate.prompt, answer(trace)],
    chosen_gen_idx: trace.index,
    source: candidate.source,
    uuid: candidate.uuid,
    original_index: candidate.originalIndex,
  };
}

/** A row of pref.jsonl: TRL's conversational preference format with explicit prompt, and where it comes from. */
export function prefRow(candidate: Candidate, { chosen, rejected, lengths }: Pair): Record<string, unknown> {
  return {
    prompt: candidate.prompt,
    chosen: [answer(chosen)],
    rejected: [answer(rejected)],
    source: candidate.source,
    uuid: candidate.uuid,
    original_index: candidate.originalIndex,
    chosen_gen_idx: chosen.index,
    rejected_gen_idx: rejected.index,
    ...(lengths && {
      prompt_len: lengths.prompt,
      chosen_len: lengths.chosen,
      rejected_len: lengths.rejected,
    }),
  };
}

/** What the ablation trains on first: the wrong trace of group 2, the right trace of all others. */
export function ablationSftRow(candidate: Candidate, assignment: Assignment | undefined) {
  const trace = assignment?.group === 2 ? candidate.pairs[0]!.rejected : candidate.right;
  return {
    ...sftRow(candidate, trace),
    sft_source: assignment
      ? `group${assignment.group}_${assignment.group === 1 ? 'correct' : 'incorrect'}`
      : 'typeB_correct',
    problem_type: assignment ? 'A' : 'B',
    group_assignment: assignment?.group ?? null,
  };
}

/** The pair with its sides exchanged. */
export function inverted({ chosen, rejected, lengths, excess }: Pair): Pair {
  return {
    chosen: rejected,
    rejected: chosen,
    ...(lengths && { lengths: { ...lengths, chosen: lengths.rejected, rejected: lengths.chosen } }),
    excess,
  };
}
