/** @file Training runs as a report shows them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { openObjective } from '../../objectives/index.js';
import { FINISHED } from '../../train/stateFolder.js';
import { stepLines } from '../../train/metricsFiles.js';
import { trainSettings } from '../../train/settings.js';
import { SENTINEL_FILE } from '../../train/watch/files.js';
import { explained } from '../../util/fileErrors.js';
import type { Curves, TrainingRun } from '../model.js';
import type { FoundFolder } from './folders.js';
import { flatten, readJson, settingsOf } from './json.js';

/** Points of a curve, at most: more than a screen has pixels. */
const MOST_POINTS = 1500;

type Line = Record<string, number | null>;

/** Reads the training run in a folder; undefined where it has no step yet. */
export async function readRun({ dir, name, record }: FoundFolder): Promise<TrainingRun | undefined> {
  const steps = stepLines(dir).flatMap(lineOf);
  if (steps.length === 0) return undefined;
  const settings = settingsOf(record);
  const finished = existsSync(join(dir, FINISHED));
  const done = steps.at(-1)!.step!;
  const { name: objective, formula } = await objectiveIn(settings.objective);
  const planned = finished ? done : typeof settings.max_steps === 'number' ? settings.max_steps : null;
  return {
    id: name,
    ...{ name, dir, group: name, objective, formula, finished },
    seed: typeof settings.seed === 'number' ? settings.seed : null,
    settings: ownSettings(settings),
    steps: { done, planned },
    curves: curvesOf(withSpeed(dir, steps)),
    measured: measuredIn(dir),
    alerts: (
      readJson(
        join(dir, SENTINEL_FILE),
        z.array(z.looseObject({ step: z.number(), sentence: z.string() })),
      ) ?? []
    ).map(({ step, sentence }) => ({ step, sentence })),
  };
}

/**
 * The name and the formula of an objective. A user's module is not run for a report.
 * @param value as it stands in the settings
 */
async function objectiveIn(value: unknown): Promise<{ name: string; formula: string }> {
  const settings = z
    .looseObject({ name: z.string().optional(), module: z.string().optional() })
    .safeParse(value).data;
  if (settings?.module !== undefined) return { name: settings.module, formula: '' };
  const name = settings?.name ?? 'several terms';
  try {
    const { formula } = await openObjective(value as Parameters<typeof openObjective>[0]);
    return { name, formula };
  } catch {
    return { name, formula: '' }; // of another version
  }
}

/** Settings that everybody has to give. */
const GIVEN = ['model', 'data', 'objective', 'optimizer.lr', 'batch_size', 'epochs', 'max_steps', 'seed'];

/** Settings without those that are as they are by themselves. */
function ownSettings(settings: Readonly<Record<string, unknown>>): TrainingRun['settings'] {
  const all = flatten(settings);
  const { model, data, objective, batch_size, epochs, max_steps } = settings;
  const given = {
    model,
    data,
    objective,
    batch_size,
    epochs,
    max_steps,
    optimizer: { lr: all['optimizer.lr'] },
  };
  const { data: defaults } = trainSettings.safeParse(JSON.parse(JSON.stringify(given)));
  const usual = defaults === undefined ? {} : flatten(defaults);
  const isGiven = (key: string) => GIVEN.some((name) => key === name || key.startsWith(`${name}.`));
  return Object.fromEntries(
    Object.entries(all).filter(([key, value]) => isGiven(key) || usual[key] !== value),
  );
}

/** A line's numbers; none where it is none of ours. By hand, since a run has tens of thousands. */
function lineOf(text: string): Line[] {
  const line = parsed(text);
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return [];
  for (const value of Object.values(line)) if (value !== null && typeof value !== 'number') return [];
  return typeof (line as Line).step === 'number' ? [line as Line] : [];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the last line of a run that is being written
  }
}

const linesOf = (path: string): string[] =>
  existsSync(path) ? explained(path, () => readFileSync(path, 'utf8')).split('\n') : [];

/** The steps with tokens a second and memory, which stand in a file of their own. */
function withSpeed(dir: string, steps: readonly Line[]): readonly Line[] {
  const byStep = new Map(steps.map((line) => [line.step, line]));
  for (const speed of linesOf(join(dir, 'speed.jsonl')).flatMap(lineOf)) {
    const line = byStep.get(speed.step);
    for (const [name, value] of Object.entries(speed)) if (line && !(name in line)) line[name] = value;
  }
  return steps;
}

/** What was measured beside the steps, by its name. */
function measuredIn(dir: string): TrainingRun['measured'] {
  const found = new Map<string, { steps: number[]; values: (number | null)[] }>();
  const beside = linesOf(join(dir, 'metrics.jsonl')).filter((text) => !text.includes('"learning_rate":'));
  for (const line of beside.flatMap(lineOf)) {
    for (const [name, value] of Object.entries(line)) {
      if (name === 'step') continue;
      const series = found.get(name) ?? { steps: [], values: [] };
      found.set(name, series);
      series.steps.push(line.step!);
      series.values.push(value);
    }
  }
  return [...found].map(([name, series]) => ({ name, ...series }));
}

/** Steps as curves; where there are more than fit, buckets of them with mean, least and most. */
export function curvesOf(lines: readonly Line[]): Curves {
  const bucket = Math.ceil(lines.length / MOST_POINTS);
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))].filter((name) => name !== 'step');
  const buckets = Array.from({ length: Math.ceil(lines.length / bucket) }, (_, i) =>
    lines.slice(i * bucket, (i + 1) * bucket),
  );
  return {
    steps: buckets.map((some) => some.at(-1)!.step!),
    bucket,
    series: names.map((name) => {
      const valuesOf = buckets.map((some) =>
        some.map((line) => line[name]).filter((value): value is number => typeof value === 'number'),
      );
      const each = (of: (values: number[]) => number) =>
        valuesOf.map((values) => (values.length === 0 ? null : short(of(values))));
      return {
        name,
        mean: each((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
        ...(bucket > 1 && {
          low: each((values) => Math.min(...values)),
          high: each((values) => Math.max(...values)),
        }),
      };
    }),
  };
}

/** Six digits are more than a picture shows. */
const short = (value: number): number => Number(value.toPrecision(6));

/**
 * Gives runs that differ in nothing but their seed one group, named by what their names have in common.
 */
export function groupRuns(runs: readonly TrainingRun[]): void {
  const kin = new Map<string, TrainingRun[]>();
  for (const run of runs) {
    const others = { ...run.settings };
    delete others.seed;
    const key = JSON.stringify(others);
    kin.set(key, [...(kin.get(key) ?? []), run]);
  }
  for (const group of kin.values()) {
    if (new Set(group.map(({ seed }) => seed)).size < 2) continue;
    const name = commonName(group.map(({ name: one }) => one));
    for (const run of group) run.group = name;
  }
}

/** Names without the parts in which they differ: "redi-s1-student" and "redi-s2-student" → "redi-student". */
function commonName(names: readonly string[]): string {
  const parts = names.map((name) => name.split('-'));
  const same = parts[0]!.filter((part, i) => parts.every((other) => other[i] === part));
  return same.length === 0 ? names[0]! : same.join('-');
}
