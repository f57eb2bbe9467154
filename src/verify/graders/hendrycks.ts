import { boxedAnswer } from './boxes.js';
import { goldsOf, type GradeItem } from './gradeItem.js';
import { normalString } from './normalString.js';

/** `is_equiv` of hendrycks/math: the normal forms are the same text; where one cannot be made, the texts are the same. */
export function isEquivalent(first: string, second: string): boolean {
  const a = normalString(first);
  const b = normalString(second);
  return a === undefined || b === undefined ? first === second : a === b;
}

/**
 * Grades as hendrycks/math does: the last `\boxed{…}` of the response against the gold (its last box, where it has
 * one) by `isEquivalent`. Strings only: `0.75` is not `\frac{3}{4}`, `4, 2` is not `2, 4`.
 */
export function grade(item: GradeItem): boolean {
  const answer = boxedAnswer(item.pred);
  if (answer === undefined) return false;
  return goldsOf(item).some((gold) => isEquivalent(answer, boxedAnswer(String(gold)) ?? String(gold)));
}
