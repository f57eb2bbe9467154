/** @file Defines the input that all graders for comparability share. */

/** The input of a grader. */
export interface GradeItem {
  /** The gold, or all answers that count as right. */
  gold: string | number | readonly (string | number)[];
  /** The whole response. */
  pred: string;
}

/** Lists the answers that count as right. */
export function goldsOf({ gold }: GradeItem): readonly (string | number)[] {
  return typeof gold === 'object' ? gold : [gold];
}
