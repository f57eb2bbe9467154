import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LiveRun } from '../../../test/support/liveRuns.js';
import { Random } from '../../util/random.js';
import { applyChange, type Snapshot } from '../live.js';
import type { TrainingRun } from '../model.js';
import { readReport } from '../read/report.js';
import { Watcher } from './watcher.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-follow-'));
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

/** Somebody who knows nothing but what a watcher says, over a wire. */
class Follower {
  readonly watcher: Watcher;
  known: Snapshot;

  constructor(dir: string, now?: () => number) {
    this.watcher = new Watcher(dir, now && { now });
    this.known = this.#over(this.watcher.snapshot);
  }

  async look(): Promise<Snapshot> {
    const change = await this.watcher.look();
    if (change) this.known = applyChange(this.known, this.#over(change));
    return this.known;
  }

  #over<T>(value: T): T {
    return JSON.parse(JSON.stringify(value)) as T;
  }
}

/** A report names folders from the one that it is of; a page that is watched, by their paths. */
const placeless = (runs: readonly TrainingRun[]) => runs.map((run) => ({ ...run, dir: '' }));

const seriesOf = (run: TrainingRun, name: string) => run.curves.series.find((one) => one.name === name)!;

describe('a run that is followed', () => {
  const buckets = new Set<number>();
  it.each([1, 2, 3, 4, 5])(
    'is what a whole reading says, however it is killed and goes on (%i)',
    async (seed) => {
      const dir = join(top, `killed-${seed}`);
      const random = new Random(seed);
      const below = (n: number) => Math.floor(random.nextFloat() * n);
      const run = new LiveRun(join(dir, 'redi'));
      const follower = new Follower(dir);
      for (let turn = 0; turn < 60; turn++) {
        run.run(1 + below(seed * 60));
        if (below(4) === 0) run.measure('eval_accuracy', random.nextFloat());
        if (below(6) === 0) run.resume(Math.floor(run.step * (1 - random.nextFloat() ** 2)));
        if (below(3) > 0) await follower.look();
        const { steps } = follower.known.report.runs[0]?.curves ?? { steps: [] };
        expect(steps.every((step, i) => i === 0 || step > steps[i - 1]!)).toBe(true);
      }
      const { report } = await follower.look();
      const whole = (await readReport([dir])).report;
      expect(placeless(report.runs)).toEqual(placeless(whole.runs));
      const { steps, values } = run.plainly();
      expect(steps).toEqual(Array.from({ length: run.step }, (_, i) => i + 1));
      const [{ curves }] = report.runs as [TrainingRun];
      expect(curves.steps.at(-1)).toBe(run.step);
      expect(curves.steps).toHaveLength(Math.ceil(run.step / curves.bucket));
      expect(curves.bucket).toBe(2 ** Math.max(0, Math.ceil(Math.log2(run.step / 1500))));
      buckets.add(curves.bucket);
      for (const name of ['loss', 'tokens_per_second', 'logps/rejected_per_token']) {
        const plain = values(name) as number[];
        const means = curves.steps.map((_, i) => {
          const some = plain.slice(i * curves.bucket, (i + 1) * curves.bucket);
          return some.reduce((sum, value) => sum + value, 0) / some.length;
        });
        for (const [i, mean] of seriesOf(report.runs[0]!, name).mean.entries())
          expect(Math.abs(mean! - means[i]!)).toBeLessThan(1e-5 * Math.abs(means[i]!));
      }
    },
  );

  it('has been long and short', () => {
    expect([...buckets].sort()).toEqual([1, 2, 4]);
  });

  it('is followed where a file is cut in its place, and where a line comes in pieces', async () => {
    const dir = join(top, 'pieces');
    mkdirSync(join(dir, 'a'), { recursive: true });
    const path = join(dir, 'a', 'metrics.jsonl');
    const line = (step: number, loss = step) => `${JSON.stringify({ step, loss, learning_rate: 1 })}\n`;
    const follower = new Follower(dir);
    const losses = async () => {
      await follower.look();
      const { report } = await follower.look(); // nobody writes speeds here: they are waited for once
      return report.runs[0] && seriesOf(report.runs[0], 'loss').mean;
    };
    writeFileSync(path, line(1).slice(0, 12));
    expect(await losses()).toBeUndefined();
    appendFileSync(path, line(1).slice(12) + line(2).slice(0, -1));
    expect(await losses()).toEqual([1]);
    appendFileSync(path, '\n');
    expect(await losses()).toEqual([1, 2]);
    truncateSync(path, line(1).length);
    expect(await losses()).toEqual([1]);
    // Cut and grown beyond where it was between two looks.
    truncateSync(path, 0);
    appendFileSync(path, line(1, 7) + line(2, 8) + line(3, 9) + line(4, 10));
    expect(await losses()).toEqual([7, 8, 9, 10]);
    appendFileSync(
      path,
      `${'x'.repeat(3_000_000)}\n{"step":4,"loss":1,"learning_rate":1}\nnull\n[]\n${line(5)}`,
    );
    expect(await losses()).toEqual([7, 8, 9, 10, 5]);
    rmSync(path);
    expect(await losses()).toBeUndefined();
  });

  it('gets the speed that comes after its step', async () => {
    const dir = join(top, 'late');
    mkdirSync(join(dir, 'a'), { recursive: true });
    const add = (name: string, line: object) => {
      appendFileSync(join(dir, 'a', name), `${JSON.stringify(line)}\n`);
    };
    const follower = new Follower(dir);
    const speeds = async () => {
      const { report } = await follower.look();
      return report.runs[0] && seriesOf(report.runs[0], 'tokens_per_second').mean;
    };
    add('metrics.jsonl', { step: 1, loss: 1, learning_rate: 1 });
    add('speed.jsonl', { step: 1, tokens_per_second: 11 });
    expect(await speeds()).toEqual([11]);
    add('metrics.jsonl', { step: 2, loss: 1, learning_rate: 1 });
    expect(await speeds()).toEqual([11]);
    expect(await speeds()).toEqual([11, null]);
    add('speed.jsonl', { step: 2, tokens_per_second: 12 });
    await follower.look();
    expect(await speeds()).toEqual([11, 12]);
  });

  it('is running, stalled, stopped or done, with the time that is left', async () => {
    const dir = join(top, 'states');
    const run = new LiveRun(join(dir, 'redi'));
    run.run(100);
    let now = Date.now();
    const follower = new Follower(dir, () => now);
    await follower.look();
    const state = () => follower.watcher.live.activities[0]!;
    expect(state()).toMatchObject({
      state: 'running',
      done: 100,
      planned: 1_000,
      unit: 'step',
      link: 'runs/redi',
    });
    expect(state().secondsLeft).toBeGreaterThan((900 * 100) / 57.2);
    expect(state().secondsLeft).toBeLessThan((900 * 100) / 50);
    now += 2 * 60_000;
    expect(state()).toMatchObject({ state: 'stopped', secondsLeft: null });
    // As the lock of a process that lives: this one.
    const { temporaryName } = await import('../../util/temporary.js');
    writeFileSync(temporaryName(join(run.dir, 'lock')), '');
    expect(state().state).toBe('running');
    now += 6 * 60_000;
    expect(state().state).toBe('stalled');
    rmSync(temporaryName(join(run.dir, 'lock')));
    run.finish();
    run.alert('collapse: so it is');
    const { report } = await follower.look();
    expect(state()).toMatchObject({ state: 'done', planned: 100, samples: [] });
    expect(report.runs[0]).toMatchObject({
      finished: true,
      alerts: [{ step: 100, sentence: 'collapse: so it is' }],
    });
  });
});

describe('an evaluation under way', () => {
  it('shows how far it is and its last responses, until it has results', async () => {
    const dir = join(top, 'evaluation');
    const own = join(dir, 'after');
    mkdirSync(own, { recursive: true });
    const settings = { samples: 2, skip: 5, count: 10 };
    writeFileSync(
      join(own, 'redistill.json'),
      JSON.stringify({ made_by: 'redistill', command: 'evaluate', version: '0.1.0', settings }),
    );
    const journal = join(own, 'journal.jsonl');
    writeFileSync(
      journal,
      `${JSON.stringify({ journal: 'redistill answers', version: 2, problems: { rows: 40, sha256: 'x' }, settings: {} })}\n`,
    );
    let now = Date.now();
    const follower = new Follower(dir, () => now);
    await follower.look();
    for (let i = 0; i < 5; i++) {
      const entry = {
        id: { problem: i, sample: 0 },
        text: `${i} ${'x'.repeat(5_000)}`,
        finish_reason: 'stop',
      };
      appendFileSync(journal, `${JSON.stringify({ ...entry, completion_tokens: 9 })}\n`);
    }
    now += 10_000;
    await follower.look();
    const [activity] = follower.watcher.live.activities;
    expect(activity).toMatchObject({
      kind: 'evaluate',
      state: 'running',
      unit: 'response',
      done: 5,
      planned: 20,
    });
    expect(activity!.secondsLeft).toBeCloseTo(30);
    expect(activity!.samples.map(({ problem }) => problem)).toEqual(
      [4, 3, 2].map((i) => `problem ${i}, sample 0`),
    );
    expect(activity!.samples[0]!.text).toHaveLength(1_500);
    expect(activity!.samples[0]!.length).toBe(5_002);
    expect(follower.known.report.evaluations).toEqual([]);
  });

  it('is told of where its rows are damaged, and shown when they are whole', async () => {
    const dir = join(top, 'damaged');
    const own = join(dir, 'after');
    mkdirSync(own, { recursive: true });
    const row = (id: string, correct: boolean) =>
      `${JSON.stringify({
        ...{ id, problem: `what is ${id}?`, answer: '1', generations: ['1'] },
        generation_details: [
          { finish_reason: 'stop', completion_tokens: 3, grades: { verify: { correct, extracted: '1' } } },
        ],
      })}\n`;
    writeFileSync(join(own, 'samples.jsonl'), `${row('a', true)}{"id":`);
    const follower = new Follower(dir);
    expect((await follower.look()).report.evaluations).toEqual([]);
    expect(follower.watcher.live.notes).toEqual([expect.stringContaining('after is left out: ')]);
    writeFileSync(join(own, 'samples.jsonl'), row('a', true) + row('b', false));
    const { report, texts } = await follower.look();
    expect(report.evaluations[0]!.columns[0]!.grades.verify!.passAt1).toBe(0.5);
    expect(follower.watcher.live.notes).toEqual([]);
    const chunk = () => follower.watcher.chunk(texts[0]!, 0)?.map(({ id }) => id);
    expect([chunk(), chunk()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(follower.watcher.chunk(texts[0]!, 1)).toBeUndefined();
    expect(follower.watcher.chunk('0'.repeat(32), 0)).toBeUndefined();
    const before = report.evaluations;
    expect((await follower.look()).report.evaluations).toBe(before); // nothing is read again for nothing
    writeFileSync(join(own, 'samples.jsonl'), row('a', true) + row('b', true));
    const after = await follower.look();
    expect(after.report.evaluations[0]!.columns[0]!.grades.verify!.passAt1).toBe(1);
    expect(after.texts).not.toEqual(texts);
    expect(chunk()).toBeUndefined();
    follower.watcher[Symbol.dispose]();
  });
});

describe('a folder of runs', () => {
  it('may come later, and fifty in it are followed, each where it is', async () => {
    const dir = join(top, 'fifty');
    const follower = new Follower(dir);
    expect((await follower.look()).report.runs).toEqual([]);
    const runs = Array.from(
      { length: 50 },
      (_, i) => new LiveRun(join(dir, `run-${i}`), { seed: 1, batch_size: i + 1 }),
    );
    for (const [i, run] of runs.entries()) run.run(i + 1);
    const { report } = await follower.look();
    expect(report.runs.map(({ id, steps }) => [id, steps.done])).toEqual(
      runs.map((_, i) => [`run-${i}`, i + 1]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    const names = () => follower.watcher.live.activities.map(({ name }) => name);
    const inOrder = names();
    const first = report.runs.find(({ id }) => id === 'run-3');
    runs[7]!.run(5);
    const later = new LiveRun(join(dir, 'a-later-one'));
    later.run(2);
    const after = (await follower.look()).report;
    expect(names()).toEqual([...inOrder, 'a-later-one']);
    expect(after.runs.find(({ id }) => id === 'run-3')).toBe(first);
    expect(after.runs.at(-1)!.id).toBe('a-later-one'); // what is there keeps its place and its colour
    expect(after.runs.find(({ id }) => id === 'run-7')!.steps.done).toBe(13);
    rmSync(join(dir, 'run-20'), { recursive: true });
    expect((await follower.look()).report.runs).toHaveLength(50);
    const whole = (await readReport([dir])).report;
    const byId = (all: TrainingRun[]) => new Map(all.map((run) => [run.id, run]));
    expect(byId(placeless(follower.known.report.runs))).toEqual(byId(placeless(whole.runs)));
  });

  it('refuses a file in its place', () => {
    const path = join(top, 'file');
    writeFileSync(path, '');
    expect(() => new Watcher(path)).toThrow('is a file: name a folder of runs');
    expect(readFileSync(path, 'utf8')).toBe('');
  });
});
