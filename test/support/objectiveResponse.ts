/** @file A response as the equations of objectives see it, and the sums and means that they take. */
import type { ReadValues, SequenceInfo } from '../../src/objectives/index.js';

const { exp, max, min } = Math;
export const sigmoid = (x: number) => 1 / (1 + exp(-x));
export const clip = (x: number, low: number, high: number) => min(max(x, low), high);
export const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
export const mean = (values: readonly number[]) => total(values) / values.length;

/** A response as the equations see it: `l` moves, `f` is where the formula has sg. */
export class Response {
  readonly w: number[];
  readonly N: number;
  constructor(
    readonly info: SequenceInfo,
    readonly l: number[],
    readonly f: number[],
    readonly reads: ReadValues = {},
  ) {
    this.w = [...(info.tokenWeights ?? l.map(() => 1))];
    this.N = total(this.w.map(Math.abs));
  }
  x = (name: string) => this.info.scalars![name]!;
  at = (name: string) => [...this.info.columns![name]!];
  /** Σ w·value over the tokens. */
  over = (value: (l: number, f: number, t: number) => number) =>
    total(this.l.map((l, t) => this.w[t]! * value(l, this.f[t]!, t)));
  get S() {
    return this.over((l) => l);
  }
  get M() {
    return this.S / this.N;
  }
  get right() {
    return this.x('reward') > 0;
  }
  /** The student's and the teacher's probabilities of a token's ids and, last, of all others. */
  classes(t: number): { p: number[]; q: number[] } {
    const { starts, logps } = this.info.topK!.teacher_topk!;
    const [p, q] = [logps!, this.reads.teacher_topk!].map((values) => {
      const own = [...values.subarray(starts[t], starts[t + 1])].map(exp);
      return [...own, 1 - total(own)];
    });
    return { p: p!, q: q! };
  }
  /** Σ w·value over the tokens at which a verdict is read; `v` and `u` are its log-probs and those of the other, with references. */
  verdicts(value: (v: [l: number, r: number], u: [l: number, r: number], all: number[]) => number): number {
    const { starts, logps } = this.info.topK!.verdict!;
    const t = [...starts].findIndex((start, at) => start !== starts[at + 1]);
    const all = [...this.reads.verdict!];
    const at = (i: number): [number, number] => [all[i]!, logps![i]!];
    return this.w[t]! * value(at(this.right ? 0 : 1), at(this.right ? 1 : 0), all);
  }
  /** log π/reference of the whole response. */
  gap = (name: string, frozen = false) => this.over((l, f, t) => (frozen ? f : l) - this.at(name)[t]!);
}
