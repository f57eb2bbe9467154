/** @file Counts the verdicts of one run over files. */

import { disagrees } from './disagreements.js';
import type { Assessment, RowToVerify } from './verifiedRows.js';

/** Counts of verdicts. */
export interface VerdictCounts {
  answers: number;
  correct: number;
  /** The number of answers for each reason. */
  reasons: Record<string, number>;
}

/** Counts of the judge's verdicts. */
export interface JudgeCounts {
  /** Answers that were put to the judge, now or in an earlier run. */
  judged: number;
  correct: number;
  incorrect: number;
  /** The judge could not tell, could not be understood or did not reply. */
  unanswered: number;
  /** Answers on which rules and judge differ. */
  disagreements: number;
}

/** Counts the verdicts of a run while it goes on. */
export class VerdictTally {
  rows = 0;
  readonly all = newCounts();
  /** By preset. */
  readonly presets: Record<string, VerdictCounts> = {};
  readonly judge: JudgeCounts = { judged: 0, correct: 0, incorrect: 0, unanswered: 0, disagreements: 0 };

  add({ preset }: RowToVerify, assessments: readonly Assessment[]): void {
    this.rows++;
    const counts = (this.presets[preset] ??= newCounts());
    for (const assessment of assessments) {
      count(this.all, assessment);
      count(counts, assessment);
      if (assessment.judgement) this.#addJudgement(assessment.judgement.correct, disagrees(assessment));
    }
  }

  /** Describes the share of right answers, for a progress bar. */
  get note(): string {
    const { answers, correct } = this.all;
    return answers === 0 ? '' : `${((100 * correct) / answers).toFixed(1)} % right`;
  }

  #addJudgement(correct: boolean | null, differs: boolean): void {
    this.judge.judged++;
    if (correct === null) this.judge.unanswered++;
    else if (correct) this.judge.correct++;
    else this.judge.incorrect++;
    if (differs) this.judge.disagreements++;
  }
}

const newCounts = (): VerdictCounts => ({ answers: 0, correct: 0, reasons: {} });

function count(counts: VerdictCounts, { verdict }: Assessment): void {
  counts.answers++;
  if (verdict.correct) counts.correct++;
  counts.reasons[verdict.reason] = (counts.reasons[verdict.reason] ?? 0) + 1;
}
