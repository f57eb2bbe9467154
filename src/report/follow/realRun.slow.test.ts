/** A run of the command line that is killed and resumed while somebody watches. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { expectDone, tinyCommands } from '../../../test/support/tinyCommands.js';
import { Cli } from '../../../test/support/tinyModel.js';
import { applyChange, type Activity } from '../live.js';
import type { TrainingRun } from '../model.js';
import { readReport } from '../read/report.js';
import { Watcher } from './watcher.js';

const { path, pairs, recipe } = tinyCommands();

it('is followed from its beginning to its end, and cut back with it', async () => {
  const top = path('runs');
  const out = join(top, 'redi');
  using watcher = new Watcher(top);
  let known = watcher.snapshot;
  const states: Activity['state'][] = [];
  const lengths: number[] = [];
  const look = async () => {
    const change = await watcher.look();
    if (change) known = applyChange(known, change);
    const steps = known.report.runs[0]?.curves.steps ?? [];
    expect(steps.every((step, i) => step === i + 1)).toBe(true); // no gap, and none twice
    lengths.push(steps.length);
    const state = watcher.live.activities[0]?.state;
    if (state !== undefined && state !== states.at(-1)) states.push(state);
  };
  /** Looks again and again until something is true. */
  const lookUntil = async (isSo: () => boolean) => {
    for (const end = Date.now() + 100_000; !isSo(); await new Promise((resolve) => setTimeout(resolve, 20))) {
      expect(Date.now()).toBeLessThan(end);
      await look();
    }
  };
  const settings = { data: pairs, objective: { name: 'redi' }, max_steps: 600, out, save: { every: 50 } };
  const first = new Cli(['train', recipe(settings)]);
  await lookUntil(() => lengths.at(-1)! > 120 && existsSync(join(out, 'states')));
  await first.stop('SIGKILL');
  await lookUntil(() => states.at(-1) === 'stopped');
  const before = lengths.at(-1)!;
  const second = new Cli(['train', '--resume', out]);
  let end: Awaited<typeof second.finished> | undefined;
  void second.finished.then((finished) => (end = finished));
  await lookUntil(() => end !== undefined);
  expectDone(end!);
  await look();
  expect(states).toEqual(['running', 'stopped', 'running', 'done']);
  expect(Math.min(...lengths.slice(lengths.indexOf(before)))).toBeLessThan(before);
  expect(lengths.at(-1)).toBe(600);
  const { runs } = (await readReport([top])).report;
  // A report names what it is of without the path of the machine, which a page that is watched may show.
  const placeless = (list: readonly TrainingRun[]) =>
    JSON.parse(
      JSON.stringify(list.map((run) => ({ ...run, dir: '' })))
        .replaceAll(top, 'runs')
        .replaceAll(`${dirname(dirname(top))}/`, ''),
    ) as unknown;
  expect(placeless(known.report.runs)).toEqual(placeless(runs));
  const last = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trimEnd().split('\n').at(-1)!;
  expect(runs[0]!.steps.done).toBe((JSON.parse(last) as { step: number }).step);
});
