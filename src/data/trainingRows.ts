import type { LabelledProblem } from './labelledTraces.js';

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

/** A row for supervised fine-tuning, as TRL reads it. */
export interface DemonstrationRow {
  messages: Turn[];
  /** Which of the problem's traces it is. */
  chosen_gen_idx: number;
  original_index: number;
}

/** A right and a wrong trace of one problem: TRL's conversational preference format with explicit prompt. */
export interface PairRow {
  prompt: Turn[];
  chosen: Turn[];
  rejected: Turn[];
  chosen_gen_idx: number;
  rejected_gen_idx: number;
  original_index: number;
}

/** The length of a whole conversation, in tokens as a rule: the caller has the tokenizer and the template. */
export type MeasureLength = (messages: readonly Turn[]) => number;

/** Traces that are longer with their prompt are left out before any choice is made. */
export interface LengthLimit {
  measure: MeasureLength;
  maximum: number;
}

/** D_SFT: of every problem its first right trace that fits, or all of them, in file order. */
export function demonstrations(
  problems: readonly LabelledProblem[],
  take: 'first' | 'all',
  limit?: LengthLimit,
): DemonstrationRow[] {
  return problems.flatMap((problem) => {
    const right = fitting(problem, true, limit);
    return (take === 'first' ? right.slice(0, 1) : right).map(({ messages, index }) => ({
      messages,
      chosen_gen_idx: index,
      original_index: problem.originalIndex,
    }));
  });
}

/**
 * D_Pref: of every problem that has both, its first right and first wrong trace that fit, or every combination of
 * right and wrong, in file order.
 */
export function preferencePairs(
  problems: readonly LabelledProblem[],
  take: 'first' | 'all',
  limit?: LengthLimit,
): PairRow[] {
  const end = take === 'first' ? 1 : undefined;
  return problems.flatMap((problem) => {
    const wrong = fitting(problem, false, limit).slice(0, end);
    return fitting(problem, true, limit)
      .slice(0, end)
      .flatMap((chosen) =>
        wrong.map((rejected) => ({
          prompt: chosen.messages.slice(0, 1),
          chosen: chosen.messages.slice(1),
          rejected: rejected.messages.slice(1),
          chosen_gen_idx: chosen.index,
          rejected_gen_idx: rejected.index,
          original_index: problem.originalIndex,
        })),
      );
  });
}

/** The `count` pairs that are shortest, both sides with their prompt together, in the order they came; ties to the earlier. */
export function shortestPairs(pairs: readonly PairRow[], count: number, measure: MeasureLength): PairRow[] {
  return pairs
    .map((pair, at) => ({
      pair,
      at,
      length: measure([...pair.prompt, ...pair.chosen]) + measure([...pair.prompt, ...pair.rejected]),
    }))
    .sort((a, b) => a.length - b.length || a.at - b.at)
    .slice(0, count)
    .sort((a, b) => a.at - b.at)
    .map(({ pair }) => pair);
}

interface Candidate {
  messages: Turn[];
  index: number;
}

function fitting(problem: LabelledProblem, correct: boolean, limit?: LengthLimit): Candidate[] {
  const candidates = problem.traces.flatMap((trace, index): Candidate[] => {
    if (trace.correct !== correct || trace.text.trim() === '') return [];
    const messages: Turn[] = [
      { role: 'user', content: problem.problem },
      { role: 'assistant', content: trace.text },
    ];
    return [{ messages, index }];
  });
  return limit ? candidates.filter(({ messages }) => limit.measure(messages) <= limit.maximum) : candidates;
}
