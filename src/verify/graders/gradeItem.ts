/** What a grader is asked. */
export interface GradeItem {
  /** The answer, or all answers that count as right. */
  gold: string | number | readonly (string | number)[];
  /** The whole response. */
  pred: string;
}

/** The answers that count as right. */
export function goldsOf({ gold }: GradeItem): readonly (string | number)[] {
  return typeof gold === 'object' ? gold : [gold];
}
