/**
 * @file What `redistill watch` tells a page while runs go on, as JSON: first a report as it is, then what changes of it. Knows nothing
 * of servers and of pages, so that both go by the same words.
 */
import type { Curves, Report, TrainingRun } from './model.js';

/** Work under way in a folder, or that was. */
export interface Activity {
  /** Its place under the folder that is watched. */
  name: string;
  /** Its command: `train`, `evaluate`, `collect`, `curate`, `run`, … */
  kind: string;
  /** `stalled`: its process lives, but nothing has been written for minutes. `stopped`: nobody works on it, and it is not done. */
  state: 'running' | 'stalled' | 'stopped' | 'done';
  /** Milliseconds since 1970, of the last change of a file of results; null where there is none yet. */
  changed: number | null;
  unit: 'step' | 'response' | 'stage';
  /** null where its files say nothing before its end. */
  done: number | null;
  planned: number | null;
  secondsLeft: number | null;
  /** Where the report has its figures, once it has any. */
  link?: string;
  /** Responses that have a verdict, and how many of them are right; absent where none has. */
  graded?: { right: number; of: number };
  /** The last responses that came, the newest first. */
  samples: LiveSample[];
}

/** A response that has just come. */
export interface LiveSample {
  /** Which problem of the file, and which of its samples. */
  problem: string;
  text: string;
  /** Characters of the whole text, of which the beginning is here. */
  length: number;
  finishReason: string;
  tokens: number | null;
  /** Absent where the file has none, such as of a grader that is asked when all responses are there; `by` is absent where it is the rules. */
  verdict?: { right: boolean; by?: string; extracted: string | null; reason: string };
}

/** How much of the machine is in use. */
export interface SystemLoad {
  processors: number;
  /** The share of all processors that worked since the last look. */
  busy: number;
  /** Bytes. */
  memory: { total: number; used: number };
}

export interface Live {
  /** Milliseconds since 1970. */
  time: number;
  /** The folder that is watched. */
  dir: string;
  load: SystemLoad;
  activities: Activity[];
  /** What could not be read, and what is left out, a sentence each. */
  notes: string[];
}

/** Everything, for a page that knows nothing yet. */
export interface Snapshot {
  report: Report;
  /** By the place of each set of evaluations: where its texts are asked for. It changes with the texts. */
  texts: string[];
}

/** What of a report is told whole where it changes. */
export type ReportParts = Omit<Report, 'runs' | 'format'>;

/** A series from a point on: so many points are kept, and these follow. */
export interface SeriesChange {
  from: number;
  steps: number[];
  values: (number | null)[];
}

/** A run that is new or has gone on. */
export interface RunChange {
  run: Omit<TrainingRun, 'curves' | 'measured'>;
  /** As in the report, without the points before `from`, which are as they were. */
  curves: Curves & { from: number };
  /** All that is measured, in order. */
  measured: ({ name: string } & SeriesChange)[];
}

export interface Change {
  parts: Partial<ReportParts>;
  texts?: string[];
  /** The ids of all runs in order. */
  order: string[];
  runs: RunChange[];
}

/** Makes a report what it is after a change. What did not change is the same object. */
export function applyChange({ report, texts }: Snapshot, change: Change): Snapshot {
  const before = new Map(report.runs.map((run) => [run.id, run]));
  const changed = new Map(change.runs.map((one) => [one.run.id, one]));
  const runs = change.order.map((id) => {
    const then = before.get(id);
    const now = changed.get(id);
    if (now) return applyRun(then, now);
    if (!then) throw new RangeError('the change is of another report');
    return then;
  });
  return { report: { ...report, ...change.parts, runs }, texts: change.texts ?? texts };
}

type Values = (number | null)[];

function applyRun(before: TrainingRun | undefined, { run, curves, measured }: RunChange): TrainingRun {
  const { from, steps, bucket, series } = curves;
  const kept = <T>(values: readonly T[] | undefined): T[] => {
    if ((values?.length ?? 0) < from) throw new RangeError('the change is of another report');
    return values?.slice(0, from) ?? [];
  };
  const then = new Map(before?.curves.series.map((one) => [one.name, one]));
  const joined = (old: Values | undefined, added: Values) => [...kept(old), ...added];
  return {
    ...run,
    curves: {
      steps: [...kept(before?.curves.steps), ...steps],
      bucket,
      series: series.map(({ name, mean, low, high }) => {
        const old = then.get(name);
        return {
          ...{ name, mean: joined(old?.mean, mean) },
          ...(low && { low: joined(old?.low, low) }),
          ...(high && { high: joined(old?.high, high) }),
        };
      }),
    },
    measured: measured.map(({ name, from: place, steps: added, values }) => {
      const old = before?.measured.find((one) => one.name === name);
      if ((old?.steps.length ?? 0) < place) throw new RangeError('the change is of another report');
      return {
        name,
        steps: [...(old?.steps.slice(0, place) ?? []), ...added],
        values: [...(old?.values.slice(0, place) ?? []), ...values],
      };
    }),
  };
}
