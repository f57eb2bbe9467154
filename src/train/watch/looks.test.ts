import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { judge, type Logps, type Verdict } from './sentinel.js';
import { freshWatch } from './state.js';
import { Watch, type WatchParts } from './watch.js';

const out = mkdtempSync(join(tmpdir(), 'redistill-looks-'));
afterAll(() => {
  rmSync(out, { recursive: true });
});

const start: Logps = { chosen: -0.36, rejected: -0.4 };
const accuracy = { mean: 0.77, problems: 500 };

/** A run of 100 steps that measured accuracy at the start, and has no more to measure at the step that is looked at. */
function watchOf(act: 'stop' | 'rollback', logps: Logps): Watch {
  const settings = { out, batch_size: 8, optimizer: { lr: 1e-6 }, save: {}, sentinel: { act, every: 10 } };
  const parts = {
    ...{ settings, steps: 100, watched: {}, engine: { weights: {} }, onEvent: () => undefined },
  } as unknown as WatchParts;
  const signs = { start: { logps: start, accuracy }, now: { accuracy } };
  return new Watch(parts, { ...freshWatch(), ...signs, recent: [logps] });
}

describe('a step whose accuracy was not measured', () => {
  it.each<[string, number, Logps, Verdict, boolean]>([
    ['is one to go back to', 10, { chosen: -0.51, rejected: -0.63 }, 'benign decline', true],
    ['is none between two looks', 11, { chosen: -0.51, rejected: -0.63 }, 'benign decline', false],
    // What acquits it is older than the fall.
    ['is none where log-probs accuse it', 10, { chosen: -1.5, rejected: -1.7 }, 'benign decline', false],
  ])('%s', async (_, step, logps, verdict, isHealthy) => {
    const watch = watchOf('rollback', logps);
    const found = await watch.after(step);
    expect(found).toMatchObject({ isHealthy, keep: [] });
    expect(found.ending).toBeUndefined();
    expect(watch.state.healthy).toBe(isHealthy ? step : undefined);
    expect(watch.state.sightings).toMatchObject([{ step, verdict }]);
  });

  it.each<[why: string, Logps, number]>([
    ['the margin hardly grows', { chosen: -1.5, rejected: -1.7 }, 0.76],
    // Of a run that had collapsed log-probs would say it by themselves.
    ['accuracy falls with them', { chosen: -0.76, rejected: -1.6 }, 0.6],
  ])('is judged by the accuracy before it, and once more in the same words: %s', async (why, logps, mean) => {
    const watch = watchOf('stop', logps);
    watch.state.now.accuracy = { ...accuracy, mean };
    const { ending } = await watch.after(11);
    expect(ending).toMatchObject({ kind: 'stop' });
    const now = { logps, accuracy: { ...accuracy, mean } };
    expect(ending!.sentence).toContain(judge({ logps: start, accuracy }, now).sentence);
    expect(ending!.sentence).toContain(why);
    // As where the run goes on from its state.
    expect((await watch.after(11)).ending).toEqual(ending);
  });
});
