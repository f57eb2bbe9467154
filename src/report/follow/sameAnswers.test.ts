/** `watch` says of a folder what `report` says of it, whatever is in it, and of what is under way that it is. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { BesideRuns } from '../../../test/support/besideRuns.js';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { KINDS, model } from '../../../test/support/resultKinds.js';
import { withFolder } from '../../util/folderLock.js';
import { temporaryName } from '../../util/temporary.js';
import type { Report } from '../model.js';
import { readReport } from '../read/report.js';
import { TELLING } from '../read/told.js';
import { Watcher } from './watcher.js';

const results = new ResultFolders();
const saidIn = ({ sentences, answers, stages, comparisons, tables = [] }: Report) => ({
  ...{ sentences, answers, stages, comparisons, tables },
});

async function watched(): Promise<Report> {
  using watcher = new Watcher(results.top);
  // A step waits a look for what is measured of it.
  for (let look = 0; look < 2; look++) await watcher.look();
  return watcher.report;
}

const said = ({ answers }: Report, question: string) =>
  answers.find((one) => one.question === question)!.sentences.join(' ');

it.each(Object.keys(KINDS))('of %s alone', async (kind) => {
  KINDS[kind]!(results);
  const { report } = await readReport([results.top]);
  expect(saidIn(await watched())).toEqual(saidIn(report));
});

it('of all of them, with a study and evaluations that came of each other', async () => {
  for (const make of Object.values(KINDS)) make(results);
  for (const name of ['before', 'after']) results.evaluation(name, { file: 'compared.jsonl', of: 'c' });
  new BesideRuns(results.path('more')).study('study', 0.25);
  const stages = [{ name: 'redi', kind: 'train', config: {} }];
  results.record('pipe', 'run', { recipe: { stages } });
  results.training('pipe/redi', { model });
  results.evaluation('x-first', { time: 1, file: 'other.jsonl', of: 'other', settings: { model } });
  results.evaluation('a-last', {
    time: 2,
    file: 'other.jsonl',
    of: 'other',
    settings: { model: 'pipe/redi/model' },
  });
  const { report } = await readReport([results.top]);
  expect(report.comparisons.filter(({ study }) => study !== undefined)).not.toEqual([]);
  expect(report.comparisons.map(({ name }) => name)).toContain('a-last against x-first');
  expect(saidIn(await watched())).toEqual(saidIn(report));
});

it.each([...TELLING, 'train'])(
  'says of %s that it is under way, and not how to begin it again',
  async (kind) => {
    const settings = { model, data: 'x/problems.jsonl', before: 'a', after: 'b', objective: { name: 'sft' } };
    results.record('work', kind, { settings });
    if (kind === 'train') results.write('work/metrics.jsonl', [{ step: 1, loss: 1, learning_rate: 1 }]);
    let now = Date.now();
    using watcher = new Watcher(results.top, { now: () => now });
    await withFolder(results.path('work'), async () => {
      for (let look = 0; look < 2; look++) await watcher.look();
    });
    expect(said(watcher.report, 'What was done?')).toContain('it is under way');
    expect(said(watcher.report, 'What next?')).toBe('Wait for work, which is under way.');
    expect(said(watcher.report, 'What did it cost, and what went wrong?')).not.toContain('come to its end');
    // It has ended: no file has changed.
    now += 120_000;
    expect(await watcher.look()).toBeDefined();
    expect(said(watcher.report, 'What was done?')).toContain('it is not finished');
    expect(said(watcher.report, 'What next?')).toContain('goes on');
  },
);

it('says of a pipeline under way what is still to come', async () => {
  const stages = ['samples', 'redi'].map((name) => ({ name, kind: 'collect', config: {} }));
  results.record('pipe', 'run', { recipe: { stages } });
  results.record('pipe/samples', 'collect', { settings: { model, data: 'x/problems.jsonl' } });
  mkdirSync(results.path('pipe'), { recursive: true });
  using watcher = new Watcher(results.top);
  await withFolder(results.path('pipe'), async () => {
    await watcher.look();
  });
  expect(watcher.report.stages.map(({ state }) => state)).toEqual(['under way', 'not begun']);
  expect(said(watcher.report, 'What did it cost, and what went wrong?')).toContain(
    'Still to come: samples, redi.',
  );
  expect(said(watcher.report, 'What next?')).toBe('Wait for pipe, which is under way.');
  await watcher.look();
  expect(said(watcher.report, 'What did it cost, and what went wrong?')).toContain(
    'Not done: samples, redi.',
  );
  expect(said(watcher.report, 'What next?')).toContain('The same “redistill run” goes on');
});

it('calls the same things under way in its table and in its sentences: by a lock, by what was just written, and no longer than that', async () => {
  results.training('work', { model, objective: { name: 'sft' } });
  rmSync(results.path('work', 'finished.json'));
  let now = Date.now();
  using watcher = new Watcher(results.top, { now: () => now });
  const told = async () => {
    for (let look = 0; look < 2; look++) await watcher.look();
    const [, end] = /; it is (under way|not finished)\.$/.exec(said(watcher.report, 'What was done?'))!;
    return [watcher.live.activities[0]!.state, end];
  };
  // The library writes without a lock.
  expect(await told()).toEqual(['running', 'under way']);
  now += 120_000;
  expect(await told()).toEqual(['stopped', 'not finished']);
  await withFolder(results.path('work'), async () => {
    expect(await told()).toEqual(['running', 'under way']);
    now += 600_000;
    expect(await told()).toEqual(['stalled', 'under way']);
  });
  now = Date.now();
  expect(await told()).toEqual(['running', 'under way']);
  // A process that was killed leaves its lock.
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const mark = basename(temporaryName(results.path('work', 'lock')));
  results.write(`work/${mark.replace(`-${process.pid}.`, `-${dead}.`)}`, '');
  expect(await told()).toEqual(['stopped', 'not finished']);
});
