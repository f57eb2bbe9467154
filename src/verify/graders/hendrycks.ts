/** @file Grades as hendrycks/math does, for comparability. */

import { boxedAnswer } from './support/boxedAnswer.js';
import { goldsOf, type GradeItem } from './support/gradeItem.js';
import { normalString } from './support/normalString.js';

/** Compares as `is_equiv` of hendrycks/math: the normal forms as texts, or the texts themselves if one has no such form. */
export function isEquivalent(first: string, second: string): boolean {
  const a = normalString(first);
  const b = normalString(second);
  return a === undefined || b === undefined ? first === second : a === b;
}

/**
 * Grades as hendrycks/math does: the last `\boxed{…}` of the response against the gold (its last box, if it has one)
 * by `isEquivalent`. Only texts are compared: `0.75` is not `\frac{3}{4}`, `4, 2` is not `2, 4`.
 */
export function grade(item: GradeItem): boolean {
  const answer = boxedAnswer(item.pred);
  if (answer === undefined) return false;
  return goldsOf(item).some((gold) => isEquivalent(answer, boxedAnswer(String(gold)) ?? String(gold)));
}
