import { Random } from '../../../src/util/random.js';
import type { Preset } from '../../../src/verify/verify.js';

/** A gold and a response, right or wrong by the way they were made. */
export interface MadePair {
  gold: string;
  pred: string;
  expected: boolean;
  /** The kind of mistake that would give it another verdict: A7, B5, "notation". */
  kind: string;
  /** How it was made. */
  rule: string;
  preset?: Preset;
}

/** Draws from lists and collects pairs of one kind. */
export class Maker {
  readonly random: Random;
  readonly pairs: MadePair[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** A whole number from `from` to `to`. */
  int(from: number, to: number): number {
    return from + this.random.nextInt(to - from + 1);
  }

  /** Like `int`, but none of `others`. */
  other(from: number, to: number, ...others: number[]): number {
    for (;;) {
      const drawn = this.int(from, to);
      if (!others.includes(drawn)) return drawn;
    }
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.nextInt(list.length)]!;
  }

  /** `count` different members of a list. */
  some<T>(list: readonly T[], count: number): T[] {
    return this.shuffled(list).slice(0, count);
  }

  shuffled<T>(list: readonly T[]): T[] {
    const items = [...list];
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.random.nextInt(at + 1);
      [items[at], items[other]] = [items[other]!, items[at]!];
    }
    return items;
  }

  /** Another order than the given one, of a list with different members. */
  disordered<T>(list: readonly T[]): T[] {
    for (;;) {
      const items = this.shuffled(list);
      if (items.some((item, index) => item !== list[index])) return items;
    }
  }

  right(kind: string, gold: string, ...preds: string[]): void {
    for (const pred of preds) this.pairs.push({ gold, pred, expected: true, kind, rule: kind });
  }

  wrong(kind: string, gold: string, ...preds: string[]): void {
    for (const pred of preds) this.pairs.push({ gold, pred, expected: false, kind, rule: kind });
  }
}
