/**
 * The curves of docs/guide/choosing-alpha.md: REDI runs of one student on one set of pairs that differ in α and learning rate alone.
 *
 *   npm run bench:curves
 *
 * A toy, so that anybody sees the same within a minute: a Llama of 49,000 parameters learns to write sums of two numbers, right ones and wrong
 * ones alike, and is then trained by REDI on pairs of them. What 32 pairs that are held out say, with the sentinel's verdicts, goes into
 * docs/guide/images/curves.json, of which `npm run docs` makes the picture.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../src/util/random.js';
import type { Sighting } from '../src/train/watch/state.js';
import { turns, writeRows, writeTinyModel } from '../test/support/tinyModel.js';
import { root } from './support.js';

const RUNS = [
  { alpha: 0.8, lr: 3e-4 },
  { alpha: 0.8, lr: 1e-3 },
  { alpha: 0.8, lr: 3e-3 },
  { alpha: 1, lr: 3e-3 },
  { alpha: 0.2, lr: 3e-3 },
];
const PAIRS = 640;

const work = mkdtempSync(join(tmpdir(), 'redistill-curves-'));
const path = (name: string) => join(work, name);

function train(name: string, settings: object): string {
  const out = path(name);
  writeFileSync(`${out}.yaml`, JSON.stringify({ ...settings, out, dtype: 'f32', save: { states: 0 } }));
  const run = spawnSync(process.execPath, [join(root, 'bin/redistill.js'), 'train', `${out}.yaml`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (run.status !== 0) throw new Error(`${name} ended with ${run.status}`);
  return out;
}

/** Pairs of a right and a wrong sum, each of two numbers that no other has. */
function makePairs(): { question: string; right: string; wrong: string }[] {
  const random = new Random(1);
  const upTo = (most: number) => 1 + Math.floor(most * random.nextFloat());
  const pairs = new Map<string, { question: string; right: string; wrong: string }>();
  while (pairs.size < PAIRS) {
    const [a, b] = [upTo(60), upTo(60)];
    const say = (sum: number) => `${a} + ${b} = ${sum}. The answer is ${sum}`;
    const question = `What is ${a} + ${b}?`;
    pairs.set(question, { question, right: say(a + b), wrong: say(a + b + upTo(9)) });
  }
  return [...pairs.values()];
}

const round = (value: number | undefined): number | null =>
  value === undefined ? null : Number(value.toPrecision(4));

/** What the held-out pairs of a run say, and what the sentinel said of it. */
function curvesOf({ alpha, lr }: { alpha: number; lr: number }): object {
  const out = train(`alpha-${alpha}-lr-${lr}`, {
    ...{ model: path('sft/model'), data: path('pairs.jsonl'), batch_size: 8, max_steps: 60 },
    ...{ objective: { name: 'redi', alpha }, optimizer: { lr } },
    ...{ evaluation: { rows: 32, every: 5 }, sentinel: { every: 20 } },
  });
  const measured = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>)
    .filter((line) => 'eval_loss' in line);
  const sightings = JSON.parse(readFileSync(join(out, 'sentinel.json'), 'utf8')) as Sighting[];
  const series = (name: string) => measured.map((line) => round(line[name]));
  return {
    ...{ alpha, lr, steps: measured.map(({ step }) => step), loss: series('eval_loss') },
    ...{ chosen: series('eval_logps/chosen_per_token'), rejected: series('eval_logps/rejected_per_token') },
    sightings: sightings.map(({ step, verdict }) => ({ step, verdict })),
  };
}

try {
  writeTinyModel(path('start'), { max_position_embeddings: 512 });
  const pairs = makePairs();
  const prompt = (question: string) => [{ role: 'user', content: question }];
  const answer = (content: string) => [{ role: 'assistant', content }];
  writeRows(
    path('pairs.jsonl'),
    pairs.map(({ question, right, wrong }) => ({
      ...{ prompt: prompt(question), chosen: answer(right), rejected: answer(wrong) },
    })),
  );
  writeRows(
    path('both.jsonl'),
    pairs.flatMap(({ question, right, wrong }) =>
      [right, wrong].map((text) => ({ messages: turns(question, text) })),
    ),
  );
  train('sft', {
    ...{ model: path('start'), data: path('both.jsonl'), objective: { name: 'sft' } },
    ...{ optimizer: { lr: 3e-3 }, batch_size: 16, epochs: 4 },
  });
  const images = join(root, 'docs/guide/images');
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, 'curves.json'), `${JSON.stringify(RUNS.map(curvesOf), null, 1)}\n`);
} finally {
  rmSync(work, { recursive: true });
}
