/** @file Grades as the published GSM8K tables do, for comparability. */

import { goldsOf, type GradeItem } from './support/gradeItem.js';

/**
 * Grades GSM8K answers by the exact match of lm-evaluation-harness's `strict-match`: the first `#### <number>` of the
 * response against the gold, with commas, dollar signs and a final point dropped from both. OpenAI's own check uses
 * the same pattern and drops only commas. `#### $18` has no number after the mark and is wrong, `#### 18.0` is not 18.
 * The gold is a number or a whole worked solution that ends with `#### <number>`.
 */
export function grade(item: GradeItem): boolean {
  const answer = /#### (-?[0-9.,]+)/.exec(item.pred)?.[1];
  if (answer === undefined) return false;
  return goldsOf(item).some((gold) => comparable(String(gold)) === comparable(answer));
}

function comparable(text: string): string {
  const mark = text.lastIndexOf('#### ');
  const answer = mark < 0 ? text : text.slice(mark + '#### '.length);
  return answer.replace(/[,$]/g, '').replace(/\.$/, '').toLowerCase();
}
