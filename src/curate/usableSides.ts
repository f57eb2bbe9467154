/** @file Decides whether a row can be used at all and which of its traces are right and wrong. */
import type { TraceRow } from '../data/traceRow.js';
import type { CurationRule } from './rules/rule.js';
import { verdictsOf, type Sides, type VerdictSource } from './verdictSources.js';

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

/**
 * Applies the paper's conditions in the order of its code: the problem must be marked valid, not come from cn_k12, not
 * be empty, have generations and the verdict lists that the rule needs, one verdict a generation, and a right trace
 * among them. A blank generation is neither right nor wrong: there is nothing in it to train on. One that was cut off is
 * wrong, whatever its verdicts: the answer that they found may be one on the way.
 */
export function usableSides(
  row: TraceRow,
  rule: CurationRule,
  verdictRule: VerdictSource,
): DropReason | Sides {
  const { problem, generations } = row;
  if (row.problemIsValid?.trim().toLowerCase() !== 'yes') return 'invalid_problem';
  if (row.source === 'cn_k12') return 'cn_k12';
  if (!problem || problem.trim() === '') return 'empty_problem';
  if (!generations || generations.length === 0) return 'no_generations';
  const verdicts = verdictsOf(row, verdictRule);
  if (!verdicts) return 'verdicts_missing';

  const { cutOff = [] } = row;
  const sides = rule.sides(
    verdicts.map((verdict, i) => (cutOff[i] ? { llm: false, mv: false } : verdict)),
    verdictRule,
  );
  const written = (indices: readonly number[]) => indices.filter((i) => !isBlank(generations[i]!));
  const right = written(sides.right);
  return right.length === 0 ? 'no_correct_trace' : { right, wrong: written(sides.wrong) };
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}
