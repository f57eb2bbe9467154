/**
 * The curves of docs/guide/choosing-alpha.md: short REDI runs of one student on one set of pairs that differ in α and learning rate alone.
 *
 *   npm run bench:curves
 *
 * The student is SmolLM2-135M-Instruct as it comes, the pairs are the 96 shortest of examples/gsm8k-solutions; 16 of them are held
 * out, and each run is one pass over the others, 20 steps. What the held-out pairs say, with the sentinel's verdicts, goes into docs/guide/images/curves.json, of which `npm run docs` makes the
 * picture.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sighting } from '../src/train/watch/state.js';
import { root } from './support.js';

const RUNS = [
  { alpha: 0.8, lr: 1e-5 },
  { alpha: 0.8, lr: 3e-5 },
  { alpha: 0.2, lr: 1e-4 },
  { alpha: 0.8, lr: 1e-4 },
  { alpha: 1, lr: 1e-4 },
];

const work = mkdtempSync(join(tmpdir(), 'redistill-curves-'));

function redistill(...args: string[]): void {
  const run = spawnSync(process.execPath, [join(root, 'bin/redistill.js'), ...args], { stdio: 'inherit' });
  if (run.status !== 0) throw new Error(`redistill ${args.join(' ')} ended with ${run.status}`);
}

const round = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(4));

/** What a run measured in each step, and what the sentinel said of it. */
function curvesOf({ alpha, lr }: { alpha: number; lr: number }): object {
  const out = join(work, `alpha-${alpha}-lr-${lr}`);
  const recipe = `${out}.yaml`;
  const settings = {
    ...{ model: 'smollm2-135m', data: join(work, 'pairs/pref.jsonl'), out },
    ...{ objective: { name: 'redi', alpha }, optimizer: { lr }, batch_size: 4, epochs: 1 },
    ...{
      token_budget: 512,
      sentinel: { every: 12 },
      save: { states: 0 },
      evaluation: { rows: 16, every: 4 },
    },
  };
  writeFileSync(recipe, JSON.stringify(settings));
  redistill('train', recipe);
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
  const measured = lines.filter((line) => 'eval_loss' in line);
  const sightings = JSON.parse(readFileSync(join(out, 'sentinel.json'), 'utf8')) as Sighting[];
  rmSync(out, { recursive: true });
  const series = (name: string) => measured.map((line) => round(line[name]));
  return {
    ...{ alpha, lr },
    ...{ steps: measured.map(({ step }) => step), loss: series('eval_loss') },
    ...{ chosen: series('eval_logps/chosen_per_token'), rejected: series('eval_logps/rejected_per_token') },
    sightings: sightings.map(({ step, verdict }) => ({ step, verdict })),
  };
}

try {
  redistill(
    ...[
      'curate',
      join(root, 'examples/gsm8k-solutions/example_model_solutions.jsonl'),
      '--model',
      'smollm2-135m',
    ],
    ...['--no-length-filter', '--max-tokens', '200', '--normalize-answers', '--shortest-pairs', '96'],
    ...['--out', join(work, 'pairs')],
  );
  const images = join(root, 'docs/guide/images');
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, 'curves.json'), `${JSON.stringify(RUNS.map(curvesOf), null, 1)}\n`);
} finally {
  rmSync(work, { recursive: true });
}
