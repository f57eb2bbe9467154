/**
 * Steps of REDI timed by the clock and by processor time, for comparing two builds on a machine that others use:
 *
 *   npx tsx bench/step.ts [--dist OTHER/dist] [--steps 3] [--token-budget 1024] [--objective redi] [--dtype bf16]
 *
 * Run it for both builds in turn; REDISTILL_ADDON names the other's addon. SmolLM2-135M, 8 GSM8K pairs a step. The first
 * step is left out of the speed; losses and norms show whether both compute the same. The share is that of the time which the
 * products alone would take, measured right after (bench/limit.ts), for this build alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { readConfig } from '../src/models/directory.js';
import { trainRecipe } from '../src/train/settings.js';
import type { StepMetrics, train } from '../src/train/trainer.js';
import { writePairs } from './pairs.js';
import { root } from './support.js';

const { values } = parseArgs({
  options: {
    dist: { type: 'string', default: join(root, 'dist') },
    steps: { type: 'string', default: '3' },
    'token-budget': { type: 'string', default: '1024' },
    objective: { type: 'string', default: 'redi' },
    dtype: { type: 'string', default: 'bf16' },
  },
});

const steps = Number(values.steps);
const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
const recipe = trainRecipe.parse({
  model: (await getModel('smollm2-135m')).path,
  data: await writePairs(work, 8 * steps),
  out: join(work, 'run'),
  objective: { name: values.objective },
  optimizer: { lr: 1e-6 },
  batch_size: 8,
  max_steps: steps,
  token_budget: Number(values['token-budget']),
  dtype: values.dtype,
  doctor: 'off',
});

const trainer = (await import(join(resolve(values.dist), 'train/trainer.js'))) as { train: typeof train };
const done: (StepMetrics & { wall: number; cpu: number })[] = [];
let [before, started] = [process.cpuUsage(), performance.now()];
const onEvent: Parameters<typeof train>[1]['onEvent'] = (event) => {
  if (event.kind === 'step') {
    const { user, system } = process.cpuUsage(before);
    done.push({
      ...event.metrics,
      wall: (performance.now() - started) / 1e3,
      cpu: (user + system) / 1e6,
    });
  }
  [before, started] = [process.cpuUsage(), performance.now()];
};
await trainer.train(recipe, { onEvent });

const tokens = done.at(-1)!.num_tokens - done[0]!.num_tokens;
const total = (of: 'wall' | 'cpu') => done.slice(1).reduce((sum, step) => sum + step[of], 0);
const all = (of: 'loss' | 'grad_norm') => done.map((step) => step[of].toFixed(5)).join(' ');
/** What the products alone would allow: tokens per second, and operations per second. */
async function limits(): Promise<{ tokens: number; flops: number }> {
  const { flopsPerToken, productLimit } = await import('./limit.js'); // it opens this build's addon
  const config = readConfig(recipe.model);
  const flops = productLimit(config, recipe.dtype, Number(values['token-budget']));
  return { tokens: flops / (await flopsPerToken(config, recipe)), flops };
}
const limit = resolve(values.dist) === resolve(root, 'dist') ? await limits() : undefined;
rmSync(work, { recursive: true });
process.stdout.write(
  `${(tokens / total('wall')).toFixed(0)} tokens/s, ${(tokens / total('cpu')).toFixed(0)} per second of processor time, ` +
    `${(done.at(-1)!.peak_memory_bytes / 1e9).toFixed(2)} GB; losses ${all('loss')}; norms ${all('grad_norm')}` +
    (limit === undefined
      ? '\n'
      : `; ${((100 * tokens) / total('wall') / limit.tokens).toFixed(0)} % of ${(limit.flops / 1e9).toFixed(0)} GFLOP/s\n`),
);
