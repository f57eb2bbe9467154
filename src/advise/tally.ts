/** @file Counts what advice needs of the samples of problems: verdicts, and lengths of right and wrong samples. Reads no file. */
import { meanOf as mean, type Sample } from '../rewards/sample.js';

/** What is compared within a problem that has right and wrong samples. */
export interface Sides {
  /** The mean over such problems of the mean length of their right samples, and of the wrong ones. */
  rightLength: number;
  wrongLength: number;
  /** The geometric mean over problems of wrong length / right length. */
  ratio: number;
  /** The share of a problem's right × wrong pairs in which the wrong one is longer, equal ones by half: the mean over problems. */
  wrongLonger: number;
  /** Its standard error, by problem; 0 where all problems are alike. */
  standardError: number;
  /** The share of pairs, likewise, in which α·(right length) exceeds the wrong length. */
  lowered: number;
  /** Problems with p̂/(1 − p̂) ≤ α by their own samples. */
  beyondOwnBound: number;
}

/** Counts over all problems. */
export interface Tally {
  problems: number;
  samples: number;
  right: number;
  noRight: number;
  noWrong: number;
  /** Problems that have right and wrong samples. */
  mixed: number;
  /** Each problem has one right and one wrong sample. */
  arePairs: boolean;
  /** What lengths count; absent where that differs from row to row. */
  unit?: Unit;
  /** Absent where no problem is mixed. */
  sides?: Sides;
}

type Unit = 'tokens' | 'characters';

/** Adds problems up one by one. */
export class TallyMaker {
  readonly #alpha: number | undefined;
  readonly #units = new Set<Unit>();
  #counts = { problems: 0, samples: 0, right: 0, noRight: 0, noWrong: 0, mixed: 0, pairs: 0 };
  #sums = { right: 0, wrong: 0, logRatio: 0, longer: 0, longerSquared: 0, lowered: 0, beyond: 0 };

  /** @param alpha the weight of wrong samples, if there is one */
  constructor(alpha: number | undefined) {
    this.#alpha = alpha;
  }

  /** @param samples of one problem, one at least */
  add(samples: readonly Sample[], unit: Unit): void {
    const lengths = (label: boolean) =>
      samples.filter(({ right }) => right === label).map(({ length }) => length);
    const [right, wrong] = [lengths(true), lengths(false)];
    const counts = this.#counts;
    counts.problems++;
    counts.samples += samples.length;
    counts.right += right.length;
    if (right.length === 0) counts.noRight++;
    if (wrong.length === 0) counts.noWrong++;
    if (right.length === 0 || wrong.length === 0) return;
    counts.mixed++;
    if (samples.length === 2) counts.pairs++;
    this.#units.add(unit);
    this.#compare(right, wrong);
  }

  #compare(right: readonly number[], wrong: readonly number[]): void {
    const sums = this.#sums;
    const [rightMean, wrongMean] = [mean(right), mean(wrong)];
    sums.right += rightMean;
    sums.wrong += wrongMean;
    sums.logRatio += Math.log(wrongMean / rightMean);
    const overPairs = (of: (chosen: number, rejected: number) => number) =>
      mean(right.flatMap((chosen) => wrong.map((rejected) => of(chosen, rejected))));
    const longer = overPairs((chosen, rejected) => (Math.sign(rejected - chosen) + 1) / 2);
    sums.longer += longer;
    sums.longerSquared += longer ** 2;
    const alpha = this.#alpha ?? 0;
    sums.lowered += overPairs((chosen, rejected) => (alpha * chosen > rejected ? 1 : 0));
    if (right.length / wrong.length <= alpha) sums.beyond++;
  }

  get tally(): Tally {
    const { pairs, ...counts } = this.#counts;
    const { mixed: n } = counts;
    const sums = this.#sums;
    const [unit] = this.#units;
    const wrongLonger = sums.longer / n;
    const variance = n > 1 ? Math.max(0, (sums.longerSquared - n * wrongLonger ** 2) / (n - 1)) : 0;
    return {
      ...counts,
      arePairs: pairs === counts.problems,
      ...(unit && this.#units.size === 1 && { unit }),
      ...(n > 0 && {
        sides: {
          rightLength: sums.right / n,
          wrongLength: sums.wrong / n,
          ratio: Math.exp(sums.logRatio / n),
          wrongLonger,
          standardError: Math.sqrt(variance / n),
          lowered: sums.lowered / n,
          beyondOwnBound: sums.beyond,
        },
      }),
    };
  }
}
