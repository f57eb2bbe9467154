/** @file Training runs as a report shows them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FINISHED } from '../../train/stateFolder.js';
import { trainSettings } from '../../train/settings.js';
import { SENTINEL_FILE } from '../../train/watch/files.js';
import type { Curves, TrainingRun } from '../model.js';
import type { FoundFolder } from './folders.js';
import { flatten, readJson, settingsOf } from './json.js';
import { RunMetrics } from './metrics.js';
import { recordedObjective } from './objective.js';

/** Reads the training run in a folder; undefined where it has no step yet. */
export async function readRun(folder: FoundFolder): Promise<TrainingRun | undefined> {
  const metrics = new RunMetrics(folder.dir);
  metrics.poll(true);
  const finished = existsSync(join(folder.dir, FINISHED));
  const ends = { finished, alerts: alertsIn(join(folder.dir, SENTINEL_FILE)) };
  return runOf(folder, metrics, { ...(await describeRun(folder)), ...ends });
}

/** What does not change while a run goes on. */
export type RunDescription = Pick<TrainingRun, 'objective' | 'formula' | 'seed' | 'settings'>;

/** What a run's record says of it. */
export async function describeRun({ record }: FoundFolder): Promise<RunDescription> {
  const settings = settingsOf(record);
  const { name: objective, formula } = await objectiveIn(settings.objective);
  return {
    ...{ objective, formula, settings: ownSettings(settings) },
    seed: typeof settings.seed === 'number' ? settings.seed : null,
  };
}

/** A run as far as it is; undefined where it has no step yet. */
export function runOf(
  { dir, name, record }: FoundFolder,
  { last, latest, curves, measured }: RunMetrics,
  description: RunDescription & Pick<TrainingRun, 'finished' | 'alerts'>,
): TrainingRun | undefined {
  if (!last) return undefined;
  const { max_steps: most } = settingsOf(record);
  const planned = description.finished ? last.step : typeof most === 'number' ? most : null;
  return {
    ...{ id: name, name, dir, group: name, ...description },
    ...{ steps: { done: last.step, planned }, curves, last: lastValues(curves, latest), measured },
  };
}

/** What is known last of each series that is drawn. */
const lastValues = ({ series }: Curves, latest: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries(
    series.flatMap(({ name }) => {
      const value = latest.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

const sightings = z.array(z.looseObject({ step: z.number(), sentence: z.string() }));

/** What the sentinel has written into a file; nothing where there is none. */
export const alertsIn = (path: string): TrainingRun['alerts'] =>
  (readJson(path, sightings) ?? []).map(({ step, sentence }) => ({ step, sentence }));

/**
 * The name and the formula of an objective.
 * @param value as it stands in the settings
 */
async function objectiveIn(value: unknown): Promise<{ name: string; formula: string }> {
  const settings = z
    .looseObject({ name: z.string().optional(), module: z.string().optional() })
    .safeParse(value).data;
  const name = settings?.module ?? settings?.name ?? 'several terms';
  const objective = await recordedObjective(value);
  return { name, formula: typeof objective === 'string' ? '' : objective.formula };
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

/** Settings in which runs of one kind differ: what is drawn at random, and where the result goes. */
const OWN = ['seed', 'out', 'stage'];

/**
 * Gives runs that differ in nothing but their seed one group, named by what their names have in common.
 */
export function groupRuns(runs: readonly TrainingRun[]): void {
  for (const run of runs) run.group = run.name;
  const kin = new Map<string, TrainingRun[]>();
  for (const run of runs) {
    const others = Object.entries(run.settings).filter(([name]) => !OWN.includes(name));
    const key = JSON.stringify(others);
    kin.set(key, [...(kin.get(key) ?? []), run]);
  }
  for (const group of kin.values()) {
    const seeds = new Set(group.map(({ seed }) => seed)).size;
    if (seeds < 2) continue;
    const common = commonName(group.map(({ name: one }) => one));
    const isTaken = runs.some((run) => !group.includes(run) && [run.name, run.group].includes(common));
    for (const run of group) run.group = isTaken ? `${common} (${seeds} seeds of ${group[0]!.name})` : common;
  }
}

/** Names without the parts in which they differ: "redi-s1-student" and "redi-s2-student" → "redi-student". */
function commonName(names: readonly string[]): string {
  const parts = names.map((name) => name.split('-'));
  const same = parts[0]!.filter((part, i) => parts.every((other) => other[i] === part));
  return same.length === 0 ? names[0]! : same.join('-');
}
