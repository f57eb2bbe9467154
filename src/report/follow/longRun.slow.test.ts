/** Eight hours of runs at a look each two seconds, with a clock of the test's own: what a watcher holds does not grow. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, it } from 'vitest';
import { BesideRuns } from '../../../test/support/besideRuns.js';
import { LiveRun } from '../../../test/support/liveRuns.js';
import { applyChange, type Change } from '../live.js';
import { eventBytes } from './clients.js';
import { EventLog } from './eventLog.js';
import { Watcher } from './watcher.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-hours-'));
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Bytes in use, after what waits for its turn has had it. */
const heap = async () => {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  return process.memoryUsage().heapUsed;
};

const ROWS = 40;
/** Makes rows, the doctor's findings and a table anew, and looks at all of them. @returns how many of the new ones were seen */
async function lookBeside(
  beside: BesideRuns,
  look: number,
  watcher: Watcher,
  take: (change: Change) => void,
) {
  for (const name of ['pairs', 'second', 'third']) beside.curation(name, ROWS, `${'x'.repeat(100)} ${look}`);
  beside.doctor('check', ROWS, `word ${look}`);
  beside.study('study', look / 1e6);
  take((await watcher.look())!);
  let seen = 0;
  for (const { asked } of watcher.report.traces!) {
    const { rows } = (await watcher.traces(asked!))!;
    for (const chunk of rows.chunks.keys()) {
      const some = await watcher.tracedRows(asked!, chunk);
      seen += some!.filter(({ traces }) => traces[0]!.text.includes(`x ${look} `)).length;
    }
  }
  return seen + watcher.examinedRows(watcher.report.examinations![0]!.asked!)!.length;
}

/**
 * Bytes that may be there beside what was after two hours: curves have between 750 and 1,500 points. Whoever kept the lines of the
 * six hours would have more than that.
 */
const GROWTH = 4e6;
/** Bytes of a run of thirteen series and all that is remembered of its changes. */
const A_RUN = 4e6;

it('holds after eight hours what it held after two', async () => {
  const [LOOKS, RUNS] = [14_400, 2];
  {
    // What is made once, for whichever rows.
    const dir = join(top, 'first');
    using first = new Watcher(dir);
    await lookBeside(new BesideRuns(dir), 1, first, () => undefined);
    rmSync(dir, { recursive: true });
  }
  const before = await heap();
  let now = Date.now();
  using watcher = new Watcher(top, { now: () => now });
  const log = new EventLog('ab', { bytes: 1 << 20, events: 2_000 });
  let known = watcher.snapshot;
  const runs = Array.from(
    { length: RUNS },
    (_, i) => new LiveRun(join(top, `run-${i}`), { batch_size: i + 1 }),
  );
  const evaluation = join(top, 'evaluation');
  mkdirSync(evaluation);
  writeFileSync(
    join(evaluation, 'redistill.json'),
    JSON.stringify({ made_by: 'redistill', command: 'evaluate' }),
  );
  // Somebody looks at rows of traces and of the doctor now and then, while these are made anew.
  const beside = new BesideRuns(top);
  let seen = 0;
  const [held, sizes] = [[], []] as [number[], number[]];
  let most = 0;
  for (let look = 1; look <= LOOKS; look++) {
    now += 2_000;
    for (const run of runs)
      run.run(1, { 'rewards/margins': 1, 'rewards/chosen': 2, 'rewards/rejected': 1, clipped_share: 0 });
    if (look % 100 === 0) runs[0]!.measure('eval_accuracy', look);
    if (look % 1_000 === 0) runs[1]!.resume(runs[1]!.step - 50);
    const entry = { id: { problem: look, sample: 0 }, text: 'x'.repeat(200), finish_reason: 'stop' };
    appendFileSync(join(evaluation, 'journal.jsonl'), `${JSON.stringify(entry)}\n`);
    const change = (await watcher.look())!;
    log.add((id) => eventBytes('change', change, id));
    known = applyChange(known, change);
    most = Math.max(most, watcher.live.activities.length);
    if (look % 450 === 0)
      seen += await lookBeside(beside, look, watcher, (news) => {
        known = applyChange(known, news);
      });
    if (look % 3_600 !== 0) continue;
    held.push(await heap());
    now += 10 * 60_000; // nobody asks for these rows any more
    await watcher.look();
    sizes.push(await heap());
  }
  console.log(
    `heap beyond the start, every two hours: ${sizes.map((size) => ((size - before) / 1e6).toFixed(1)).join(', ')} MB`,
  );
  expect(known.report.runs.map(({ steps }) => steps.done)).toEqual([LOOKS, LOOKS - 14 * 50]);
  // The evaluation; three collections, what was curated of each and its columns; what the doctor found, and the study.
  expect(most).toBe(RUNS + 1 + 3 * 3 + 2);
  expect(seen).toBe((LOOKS / 450) * 4 * ROWS);
  const points = Math.max(...known.report.runs.map(({ curves }) => curves.steps.length));
  expect(points).toBeLessThanOrEqual(1_500);
  expect(known.report).toEqual(JSON.parse(JSON.stringify(watcher.report)));
  console.log(
    `with rows that are looked at ${held.map((size) => ((size - before) / 1e6).toFixed(1)).join(', ')} MB`,
  );
  for (const all of [sizes, held]) expect(Math.max(...all) - all[0]!).toBeLessThan(GROWTH);
  expect(sizes.at(-1)! - before).toBeLessThan(RUNS * A_RUN);
}, 1_200_000);
