/** @file Curves of runs, made ready to draw: runs of a group as one line with a band, smoothed where that is wished. */
import type { TrainingRun } from '../model.js';

type Values = (number | null)[];

/** Runs that differ in their seeds alone. */
export interface Group {
  name: string;
  /** Its place among the groups, which gives its colour. */
  place: number;
  runs: TrainingRun[];
}

/** A line of a figure. */
export interface Line {
  name: string;
  /** Of its group. */
  place: number;
  isDashed: boolean;
  steps: readonly number[];
  values: Values;
  /** The edges of its band. */
  low?: Values | undefined;
  high?: Values | undefined;
}

export function groupsOf(runs: readonly TrainingRun[]): Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const group = groups.get(run.group) ?? { name: run.group, place: groups.size, runs: [] };
    group.runs.push(run);
    groups.set(run.group, group);
  }
  return [...groups.values()];
}

interface Series {
  steps: readonly number[];
  mean: Values;
  low?: Values | undefined;
  high?: Values | undefined;
}

/** A series of a run: one of its steps, or what was measured beside them. */
function seriesOf({ curves, measured }: TrainingRun, name: string): Series | undefined {
  const series = curves.series.find((one) => one.name === name);
  if (series) return { ...series, steps: curves.steps };
  const beside = measured.find((one) => one.name === name);
  return beside && { steps: beside.steps, mean: beside.values };
}

/** The values of a series at other steps: between two of its own on the line between them, outside of them none. */
export function valuesAt(steps: readonly number[], from: Series): Values {
  let next = 0;
  return steps.map((step) => {
    while (next < from.steps.length && from.steps[next]! < step) next++;
    const after = from.mean[next] ?? null;
    if (from.steps[next] === step) return after;
    const before = from.mean[next - 1] ?? null;
    if (next === 0 || before === null || after === null) return null;
    const share = (step - from.steps[next - 1]!) / (from.steps[next]! - from.steps[next - 1]!);
    return before + share * (after - before);
  });
}

export function unionOf(all: readonly (readonly number[])[]): number[] {
  const [first] = all;
  const isSame = (steps: readonly number[]) =>
    steps.length === first!.length && steps.every((step, i) => step === first![i]);
  if (first && all.every(isSame)) return [...first];
  return [...new Set(all.flat())].sort((a, b) => a - b);
}

/** The line of a group by the name of a series; undefined where no run has it. */
export function lineOf({ name: group, place, runs }: Group, name: string): Line | undefined {
  const all = runs.map((run) => seriesOf(run, name)).filter((series) => series !== undefined);
  const [only] = all;
  if (!only?.mean.some((value) => value !== null)) return undefined;
  const drawn = { name: group, place, isDashed: false };
  if (all.length === 1)
    return { ...drawn, steps: only.steps, values: only.mean, low: only.low, high: only.high };
  const steps = unionOf(all.map((series) => series.steps));
  const each = all.map((series) => valuesAt(steps, series));
  const known = steps.map((_, i) =>
    each.map((values) => values[i] ?? null).filter((value) => value !== null),
  );
  const made = (of: (values: number[]) => number) =>
    known.map((values) => (values.length === 0 ? null : of(values)));
  return {
    ...{ ...drawn, steps },
    values: made((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
    low: made((values) => Math.min(...values)),
    high: made((values) => Math.max(...values)),
  };
}

/** A weighted mean of a value and those before it, whose weights halve every `half` values; its beginning is not drawn to 0. */
export function smoothed(values: Values, half: number): Values {
  const keep = 0.5 ** (1 / half);
  let [sum, weight] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = keep * sum + value;
    weight = keep * weight + 1;
    return sum / weight;
  });
}

export function smoothLine(line: Line): Line {
  const half = Math.max(2, line.values.length / 50);
  return {
    ...line,
    values: smoothed(line.values, half),
    low: line.low && smoothed(line.low, half),
    high: line.high && smoothed(line.high, half),
  };
}

/** Whether a line has a logarithm everywhere. */
export const isPositive = ({ values, low }: Line): boolean =>
  [...values, ...(low ?? [])].every((value) => value === null || value > 0);

export const lastOf = (values: Values): number | null => values.findLast((value) => value !== null) ?? null;
