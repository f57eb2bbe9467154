/** @file A training run that is followed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FINISHED } from '../../train/stateFolder.js';
import { SENTINEL_FILE } from '../../train/watch/files.js';
import type { RunChange } from '../live.js';
import type { TrainingRun } from '../model.js';
import type { FoundFolder } from '../read/folders.js';
import { settingsOf } from '../read/json.js';
import type { Lineage } from '../read/lineage.js';
import { RunMetrics } from '../read/metrics.js';
import { alertsIn, describeRun, runOf, type RunDescription } from '../read/runs.js';
import { activityOf, type Activity } from './activity.js';
import { SeenFile, stateOf } from './seen.js';

export class FollowedRun {
  #folder: FoundFolder;
  readonly #metrics: RunMetrics;
  readonly #alerts: SeenFile<TrainingRun['alerts']>;
  readonly #finished: string;
  #described: { record: FoundFolder['record']; description: RunDescription } | undefined;
  #run: TrainingRun | undefined;
  #ends = '';
  /** What was told of it last, without its curves. */
  #told = '';

  constructor(folder: FoundFolder) {
    this.#folder = folder;
    this.#metrics = new RunMetrics(folder.dir);
    this.#alerts = new SeenFile(join(folder.dir, SENTINEL_FILE), alertsIn);
    this.#finished = join(folder.dir, FINISHED);
  }

  /** The run as far as it was when it was looked at last; undefined where it has no step yet. */
  get run(): TrainingRun | undefined {
    return this.#run;
  }

  /** Takes what a record says that is new; to be awaited before a look. */
  async describe(folder: FoundFolder, lineage?: Lineage): Promise<void> {
    this.#folder = folder;
    if (this.#described?.record === folder.record) return;
    this.#described = { record: folder.record, description: await describeRun(folder, lineage) };
    this.#ends = '';
  }

  /** Reads what has been added. @returns whether anything changed */
  poll(): boolean {
    const hasGrown = this.#metrics.poll();
    const ends = `${stateOf(this.#finished)}/${stateOf(this.#alerts.path)}`;
    if (!this.#described || (!hasGrown && ends === this.#ends)) return false;
    this.#ends = ends;
    const finished = existsSync(this.#finished);
    const { description } = this.#described;
    this.#run = runOf(this.#folder, this.#metrics, { ...description, finished, alerts: this.#alerts.value });
    return true;
  }

  /** What has changed since this was asked for; undefined where nothing has. */
  takeChange(): RunChange | undefined {
    if (!this.#run) return undefined;
    const { curves, measured, ...run } = this.#run;
    const changed = this.#metrics.takeChanged();
    const told = JSON.stringify(run);
    const isNew =
      told !== this.#told ||
      changed.steps < curves.steps.length ||
      measured.some(({ name, steps }) => (changed.measured.get(name) ?? 0) < steps.length);
    if (!isNew) return undefined;
    this.#told = told;
    const from = changed.steps;
    return {
      run,
      curves: {
        ...{ from, bucket: curves.bucket, steps: curves.steps.slice(from) },
        series: curves.series.map(({ name, mean, low, high }) => ({
          ...{ name, mean: mean.slice(from) },
          ...(low && { low: low.slice(from) }),
          ...(high && { high: high.slice(from) }),
        })),
      },
      measured: measured.map(({ name, steps, values }) => {
        const place = changed.measured.get(name) ?? 0;
        return { name, from: place, steps: steps.slice(place), values: values.slice(place) };
      }),
    };
  }

  /** How far it is. */
  activity(now: number): Activity {
    const { last, stepSeconds, changed } = this.#metrics;
    const done = last?.step ?? 0;
    const planned = this.#run?.steps.planned ?? this.#plannedByEpochs();
    const left =
      planned === null || stepSeconds === undefined ? null : Math.max(0, planned - done) * stepSeconds;
    return activityOf(this.#folder, now, {
      ...{ unit: 'step', done, planned, secondsLeft: left, changed, samples: [] },
      finished: this.#finished,
      ...(this.#run && { link: `runs/${this.#run.id}` }),
    });
  }

  /** Steps of as many epochs as are to be, by how far the last one is in its own. */
  #plannedByEpochs(): number | null {
    const { epochs } = settingsOf(this.#folder.record);
    const { last } = this.#metrics;
    const planned = Math.round(((last?.step ?? NaN) * Number(epochs)) / (last?.epoch ?? NaN));
    return typeof epochs === 'number' && Number.isFinite(planned) ? planned : null;
  }
}
