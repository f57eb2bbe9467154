/**
 * The curves of docs/guide/choosing-alpha.md: short REDI runs of one student on one set of pairs that differ in α and learning rate alone.
 *
 *   npm run bench:curves -- --model DIR --data PAIRS [--steps 14]
 *
 * DIR is a student and PAIRS its own right and wrong answers, such as `runs/quickstart/sft/model` and `runs/quickstart/own/pref.jsonl`. What 8
 * pairs that are held out say, with the sentinel's verdicts, goes into docs/guide/images/curves.json, of which `npm run docs` makes the picture.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Sighting } from '../src/train/watch/state.js';
import { root } from './support.js';

const RUNS = [
  { alpha: 0.8, lr: 1e-5 },
  { alpha: 0.8, lr: 3e-5 },
  { alpha: 0.8, lr: 1e-4 },
  { alpha: 0.2, lr: 1e-4 },
];

const { values } = parseArgs({
  options: { model: { type: 'string' }, data: { type: 'string' }, steps: { type: 'string', default: '14' } },
});
const { model, data } = values;
if (model === undefined || data === undefined)
  throw new Error('name a student with --model and its pairs with --data');

const work = mkdtempSync(join(tmpdir(), 'redistill-curves-'));

const round = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(4));

/** What the held-out pairs of a run say, and what the sentinel said of it. */
function curvesOf({ alpha, lr }: { alpha: number; lr: number }): object {
  const out = join(work, `alpha-${alpha}-lr-${lr}`);
  const recipe = `${out}.yaml`;
  const settings = {
    ...{ model, data, out, batch_size: 8, max_steps: Number(values.steps), token_budget: 512 },
    ...{ objective: { name: 'redi', alpha }, optimizer: { lr }, evaluation: { rows: 8, every: 3 } },
    ...{ sentinel: { every: 7 }, save: { states: 0 } },
  };
  writeFileSync(recipe, JSON.stringify(settings));
  const run = spawnSync(process.execPath, [join(root, 'bin/redistill.js'), 'train', recipe], {
    stdio: 'inherit',
  });
  if (run.status !== 0) throw new Error(`the run with α ${alpha} and lr ${lr} ended with ${run.status}`);
  const measured = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>)
    .filter((line) => 'eval_loss' in line);
  const sightings = JSON.parse(readFileSync(join(out, 'sentinel.json'), 'utf8')) as Sighting[];
  rmSync(out, { recursive: true });
  const series = (name: string) => measured.map((line) => round(line[name]));
  return {
    ...{ alpha, lr, steps: measured.map(({ step }) => step), loss: series('eval_loss') },
    ...{ chosen: series('eval_logps/chosen_per_token'), rejected: series('eval_logps/rejected_per_token') },
    sightings: sightings.map(({ step, verdict }) => ({ step, verdict })),
  };
}

try {
  const images = join(root, 'docs/guide/images');
  mkdirSync(images, { recursive: true });
  const done: object[] = [];
  for (const run of RUNS) {
    done.push(curvesOf(run));
    writeFileSync(join(images, 'curves.json'), `${JSON.stringify(done, null, 1)}\n`);
  }
} finally {
  rmSync(work, { recursive: true });
}
