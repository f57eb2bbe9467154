import type { TraceRow } from '../data/traceRows.js';

/**
 * How the verdicts of the LLM judge (`llama_verification`) and of the rules (`math_verify_reparsed_answer`) make a
 * trace right; the names are those of OpenR1-Math. LandMV: both say so (the REDI paper's rule). LorMV: one of them.
 * mv: the rules. llm: the judge.
 */
export const verdictRules = ['LandMV', 'LorMV', 'mv', 'llm'] as const;
export type VerdictRule = (typeof verdictRules)[number];

/** The two verdicts on one generation; no verdict (null) counts as "not right", as in the paper's code. */
export interface TwoVerdicts {
  llm: boolean;
  mv: boolean;
}

/**
 * The verdicts on each generation, or null where a list that the rule needs is missing or has another length than the
 * generations. A list that the rule does not need may be missing; its verdicts read as false.
 */
export function verdictsOf(
  { generations, correctness }: Pick<TraceRow, 'generations' | 'correctness'>,
  rule: VerdictRule,
): TwoVerdicts[] | null {
  if (!generations) return null;
  const fits = (list: readonly unknown[] | null) => list?.length === generations.length;
  if (rule !== 'mv' && !fits(correctness.llm)) return null;
  if (rule !== 'llm' && !fits(correctness.mvReparsed)) return null;
  return generations.map((_, i) => ({
    llm: correctness.llm?.[i] === true,
    mv: correctness.mvReparsed?.[i] === true,
  }));
}

/** True where the rule calls the trace right. */
export function isRight({ llm, mv }: TwoVerdicts, rule: VerdictRule): boolean {
  switch (rule) {
    case 'LandMV':
      return llm && mv;
    case 'LorMV':
      return llm || mv;
    case 'mv':
      return mv;
    case 'llm':
      return llm;
  }
}
