/** @file Makes curves of steps, line by line: of so many points at most, however long a run is. */
import type { Curves } from '../model.js';

/** Points of a curve, at most: more than a screen has pixels. Even, so that buckets can be joined two by two. */
export const MOST_POINTS = 1500;
/** Series of a run, at most; further names are left out. */
const MOST_SERIES = 256;

/** A line of numbers; what is no number is null. */
export type Line = Record<string, number | null>;

const NOTHING: Line = {};

/** What the mean of each bucket is made of. */
interface Sums {
  place: number;
  sums: number[];
  counts: number[];
}

/**
 * Curves that grow. When there are as many points as fit, each two become one, so that what is kept has a bound and a bucket has a
 * power of two of steps. What comes out depends on the lines alone, not on when they came.
 */
export class CurveBuilder {
  /** The curves as they are now; its lists change as lines come. */
  readonly curves: Curves = { steps: [], bucket: 1, series: [] };
  readonly #sums = new Map<string, Sums>();
  /** Steps in the last bucket. */
  #inLast = 0;
  #changedFrom = 0;

  /** The first point that has changed since this was asked for. */
  takeChanged(): number {
    const from = this.#changedFrom;
    this.#changedFrom = this.curves.steps.length;
    return from;
  }

  /**
   * Adds the line of a step after all others.
   * @param beside what another file says of the step; a name that both have is the line's. Not one object of both, which is made for
   * every step and lives too long
   */
  add(step: number, line: Readonly<Line>, beside: Readonly<Line> = NOTHING): void {
    const { curves } = this;
    if (curves.steps.length === 0 || this.#inLast === curves.bucket) {
      if (curves.steps.length === MOST_POINTS) this.#join();
      this.#begin();
    }
    const { steps } = curves;
    const last = steps.length - 1;
    steps[last] = step;
    this.#inLast++;
    this.#changedFrom = Math.min(this.#changedFrom, last);
    for (const name of Object.keys(beside))
      if (!Object.hasOwn(line, name)) this.#put(name, last, beside[name]!);
    for (const name of Object.keys(line)) this.#put(name, last, line[name]!);
  }

  #put(name: string, at: number, value: number | null): void {
    const sums = this.#seriesOf(name);
    if (sums && value !== null) this.#count(sums, at, value);
  }

  /** Begins a bucket. */
  #begin(): void {
    const { steps, series } = this.curves;
    steps.push(0);
    for (const { mean, low, high } of series) {
      mean.push(null);
      low?.push(null);
      high?.push(null);
    }
    for (const { sums, counts } of this.#sums.values()) {
      sums.push(0);
      counts.push(0);
    }
    this.#inLast = 0;
  }

  #seriesOf(name: string): Sums | undefined {
    const known = this.#sums.get(name);
    const { series, steps, bucket } = this.curves;
    if (known || name === 'step' || series.length === MOST_SERIES) return known;
    const none = () => steps.map(() => null);
    series.push({ name, mean: none(), ...(bucket > 1 && { low: none(), high: none() }) });
    const sums = { place: series.length - 1, sums: steps.map(() => 0), counts: steps.map(() => 0) };
    this.#sums.set(name, sums);
    this.#changedFrom = 0;
    return sums;
  }

  #count({ place, sums, counts }: Sums, at: number, value: number): void {
    const { mean, low, high } = this.curves.series[place]!;
    sums[at]! += value;
    counts[at]!++;
    mean[at] = short(sums[at]! / counts[at]!);
    if (low) low[at] = Math.min(low[at] ?? Infinity, short(value));
    if (high) high[at] = Math.max(high[at] ?? -Infinity, short(value));
  }

  /** Joins each two buckets, all of which are full. */
  #join(): void {
    const { curves } = this;
    const half = curves.steps.length / 2;
    const joined = <T>(values: readonly T[], of: (first: T, second: T) => T) =>
      Array.from({ length: half }, (_, i) => of(values[2 * i]!, values[2 * i + 1]!));
    curves.steps = joined(curves.steps, (_, second) => second);
    curves.bucket *= 2;
    for (const sums of this.#sums.values()) {
      const series = curves.series[sums.place]!;
      series.low = joined(series.low ?? series.mean, (a, b) => known(Math.min, a, b));
      series.high = joined(series.high ?? series.mean, (a, b) => known(Math.max, a, b));
      sums.sums = joined(sums.sums, (a, b) => a + b);
      sums.counts = joined(sums.counts, (a, b) => a + b);
      series.mean = sums.sums.map((sum, i) => (sums.counts[i] === 0 ? null : short(sum / sums.counts[i]!)));
    }
    this.#changedFrom = 0;
  }
}

const known = (of: (a: number, b: number) => number, a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : of(a, b);

/** Six digits are more than a picture shows. */
const short = (value: number): number => Number(value.toPrecision(6));
