/** @file Says whose verdict makes a trace right: the judge's, the rules', or both. */
import type { TraceRow } from '../data/traceRow.js';

/**
 * How the verdicts of the LLM judge (`llama_verification`) and of the rules (`math_verify_reparsed_answer`) make a
 * trace right; the names are those of OpenR1-Math. LandMV: both say so (the REDI paper's rule). LorMV: one of them.
 * mv: the rules. llm: the judge.
 */
export const verdictSources = ['LandMV', 'LorMV', 'mv', 'llm'] as const;
export type VerdictSource = (typeof verdictSources)[number];

/** The two verdicts on one generation; no verdict (null) counts as "not right", as in the paper's code. */
export interface TwoVerdicts {
  llm: boolean;
  mv: boolean;
}

/** Indices of a row's generations that may be used as right and as wrong ones, in the row's order. */
export interface Sides {
  right: number[];
  wrong: number[];
}

/**
 * The verdicts on each generation, or null where a list that the rule needs is missing or differs in length from the
 * generations. A list that the rule does not need may be missing; its verdicts read as false.
 */
export function verdictsOf(
  { generations, correctness }: Pick<TraceRow, 'generations' | 'correctness'>,
  rule: VerdictSource,
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
export function isRight({ llm, mv }: TwoVerdicts, rule: VerdictSource): boolean {
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

/** Divides generations into right and wrong ones; `isWrong` defaults to every one that is not right. */
export function sidesBy(
  verdicts: readonly TwoVerdicts[],
  rule: VerdictSource,
  isWrong: (verdict: TwoVerdicts) => boolean = (verdict) => !isRight(verdict, rule),
): Sides {
  const where = (test: (verdict: TwoVerdicts) => boolean) =>
    [...verdicts.keys()].filter((i) => test(verdicts[i]!));
  return { right: where((verdict) => isRight(verdict, rule)), wrong: where(isWrong) };
}
