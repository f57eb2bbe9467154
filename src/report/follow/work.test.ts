/** Work of every kind is told of while somebody is at it, when nobody is any more, and when it is done. */
import { expect, it } from 'vitest';
import { ResultFolders } from '../../../test/support/resultFolders.js';
import { KINDS, model } from '../../../test/support/resultKinds.js';
import { stageKinds } from '../../pipeline/stages/index.js';
import { withFolder } from '../../util/folderLock.js';
import type { Activity } from '../live.js';
import { resultOf } from '../read/results.js';
import { Watcher } from './watcher.js';

const results = new ResultFolders();
const OTHERS = [...Object.keys(stageKinds), 'benchmark', 'study'];

async function lookedAt(watcher: Watcher): Promise<Pick<Activity, 'name' | 'kind' | 'state'>[]> {
  await watcher.look();
  return watcher.live.activities.map(({ name, kind, state }) => ({ name, kind, state }));
}

it.each(OTHERS)('%s is running, then stopped, then done', async (kind) => {
  const settings = { model, data: 'x.jsonl', objective: { name: 'sft' } };
  results.record('work', kind, { settings });
  using watcher = new Watcher(results.top);
  const one = { name: 'work', kind };
  await withFolder(results.path('work'), async () => {
    expect(await lookedAt(watcher)).toEqual([{ ...one, state: 'running' }]);
  });
  expect(await lookedAt(watcher)).toEqual([{ ...one, state: 'stopped' }]);
  results.write(`work/${resultOf(kind)!}`, '{}');
  const end = await lookedAt(watcher);
  // What takes no time is not worth a line once it is done.
  const isQuick = ['get', 'choose', 'table', 'compare'].includes(kind);
  expect(end).toEqual(isQuick ? [] : [{ ...one, state: 'done' }]);
});

it('a result is among the files that its stage writes', () => {
  for (const [kind, { writes }] of Object.entries(stageKinds)) expect(writes, kind).toContain(resultOf(kind));
});

it('a pipeline counts its stages, and says what is at work in it; a link leads to what there is', async () => {
  const stages = ['curate', 'doctor', 'redi'].map((name) => ({ name, kind: name, config: {} }));
  results.record('pipe', 'run', { recipe: { stages } });
  results.record('pipe/curate', 'curate', { settings: { data: 'x.jsonl' } });
  using watcher = new Watcher(results.top);
  await withFolder(results.path('pipe'), () =>
    withFolder(results.path('pipe/curate'), async () => {
      await watcher.look();
    }),
  );
  const known = ({ name, state, done, planned, unit }: Activity) => ({ name, state, done, planned, unit });
  expect(watcher.live.activities.map(known)).toEqual([
    { name: 'pipe', state: 'running', done: 0, planned: 3, unit: 'stage' },
    { name: 'pipe/curate', state: 'running', done: null, planned: null, unit: 'stage' },
  ]);
  results.write('pipe/stages.json', { stages: { curate: {}, elsewhere: {} } });
  results.write('pipe/curate/summary.json', { rows: 1, sft: 1, pref: 0 });
  results.write('pipe/curate/sft.jsonl', []);
  await watcher.look();
  const [pipe] = watcher.live.activities.filter(({ kind }) => kind === 'run');
  expect(known(pipe!)).toEqual({ name: 'pipe', state: 'stopped', done: 1, planned: 3, unit: 'stage' });
  expect(watcher.live.activities.find(({ kind }) => kind === 'curate')).toMatchObject({
    ...{ state: 'done', link: 'traces/pipe/curate' },
  });
  results.write('pipe/stages.json', { stages: { curate: {}, doctor: {}, redi: {} } });
  await watcher.look();
  expect(watcher.live.activities.find(({ kind }) => kind === 'run')!.state).toBe('done');
});

it('a folder of every kind of result is listed with all of them', async () => {
  for (const make of Object.values(KINDS)) make(results);
  using watcher = new Watcher(results.top);
  const listed = (await lookedAt(watcher)).map(({ kind }) => kind).sort();
  expect(listed).toEqual(
    Object.keys(KINDS)
      .filter((kind) => !['get', 'choose', 'table', 'compare'].includes(kind))
      .sort(),
  );
});
