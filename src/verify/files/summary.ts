import { disagrees } from './disagreements.js';
import type { Finding, RowToVerify } from './verifiedRows.js';

export interface Tally {
  answers: number;
  correct: number;
  /** How many answers have each reason. */
  reasons: Record<string, number>;
}

export interface JudgeTally {
  /** Answers that the judge was to see, now or in an earlier run. */
  judged: number;
  correct: number;
  incorrect: number;
  /** It could not tell, could not be understood or did not reply. */
  unanswered: number;
  /** Answers on which rules and judge differ. */
  disagreements: number;
}

/** What a run has found so far. */
export class Summary {
  rows = 0;
  readonly all = newTally();
  /** By preset. */
  readonly presets: Record<string, Tally> = {};
  readonly judge: JudgeTally = { judged: 0, correct: 0, incorrect: 0, unanswered: 0, disagreements: 0 };

  add({ preset }: RowToVerify, findings: readonly Finding[]): void {
    this.rows++;
    const tally = (this.presets[preset] ??= newTally());
    for (const finding of findings) {
      count(this.all, finding);
      count(tally, finding);
      if (finding.judgement) this.#addJudgement(finding.judgement.correct, disagrees(finding));
    }
  }

  /** For a progress bar. */
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

const newTally = (): Tally => ({ answers: 0, correct: 0, reasons: {} });

function count(tally: Tally, { verdict }: Finding): void {
  tally.answers++;
  if (verdict.correct) tally.correct++;
  tally.reasons[verdict.reason] = (tally.reasons[verdict.reason] ?? 0) + 1;
}
