/** @file Counts the steps of a solution where its text marks them. */

/** Steps of a text, in the two ways in which texts mark them; 0 where it has none of the kind. */
export interface StepCounts {
  /** The calculator's marks, `<<16-3=13>>` (GSM8K). */
  marks: number;
  /** Lines that begin with `Step 3`, or where there are none, with `3.` or `3)`. Signs of Markdown may stand before. */
  numbered: number;
}

export function countSteps(text: string): StepCounts {
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
  const headings = count(/^[\s#>*_-]*Step\s+\d+/gim);
  return {
    marks: count(/<<[^<>]*>>/g),
    numbered: headings > 0 ? headings : count(/^[\s#>*_-]*\d+[.)]\s/gm),
  };
}

/** Whether two texts have equally many steps, by the first kind that both mark; true where they share none. */
export function equalSteps(a: StepCounts, b: StepCounts): boolean {
  if (a.marks > 0 && b.marks > 0) return a.marks === b.marks;
  return a.numbered === 0 || b.numbered === 0 || a.numbered === b.numbered;
}
