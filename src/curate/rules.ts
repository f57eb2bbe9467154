import type { TraceRow } from '../data/traceRows.js';
import { isRight, verdictsOf, type TwoVerdicts, type VerdictRule } from './verdictRules.js';

/**
 * `redi`: D_SFT and D_Pref of the REDI paper (arXiv 2505.24850). `ablation`: its experiment on what the verdicts are
 * worth, which trains half of the problems on their wrong traces.
 */
export const rules = ['redi', 'ablation'] as const;
export type Rule = (typeof rules)[number];

/** Why a row is in neither set. */
export const dropReasons = [
  'invalid_problem',
  'cn_k12',
  'empty_problem',
  'no_generations',
  'verdicts_missing',
  'no_correct_trace',
  'length',
  'duplicate',
  'contaminated',
  'not_selected',
] as const;
export type DropReason = (typeof dropReasons)[number];

/** Indices of a row's generations that may be used as right and as wrong ones, in the row's order. */
export interface Sides {
  right: number[];
  wrong: number[];
}

/**
 * The paper's rules in the order of its code: the problem must be marked valid, not come from cn_k12, not be empty,
 * have generations and the verdict lists that the rule needs, one verdict a generation, and a right trace among them.
 *
 * Right is what the verdict rule says; wrong is every other trace (`redi`) or one that neither judge nor rules call
 * right (`ablation`). A blank generation is neither: there is nothing in it to train on.
 */
export function judgeRow(row: TraceRow, rule: Rule, verdictRule: VerdictRule): DropReason | Sides {
  const { problem, generations } = row;
  if (row.problemIsValid?.trim().toLowerCase() !== 'yes') return 'invalid_problem';
  if (row.source === 'cn_k12') return 'cn_k12';
  if (!problem || problem.trim() === '') return 'empty_problem';
  if (!generations || generations.length === 0) return 'no_generations';
  const verdicts = verdictsOf(row, verdictRule);
  if (!verdicts) return 'verdicts_missing';

  const isWrong = (verdict: TwoVerdicts) =>
    rule === 'redi' ? !isRight(verdict, verdictRule) : !verdict.llm && !verdict.mv;
  const indices = [...generations.keys()].filter((i) => !isBlank(generations[i]!));
  const right = indices.filter((i) => isRight(verdicts[i]!, verdictRule));
  const wrong = indices.filter((i) => isWrong(verdicts[i]!));
  return right.length === 0 ? 'no_correct_trace' : { right, wrong };
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}
