/**
 * What `redistill train --estimate` says beside what a run takes.
 *
 *   npm run bench:estimate [-- --budgets 512,1024,2048 --dtype bf16 --pairs 8 --steps 2 --objective redi --saving --lora JSON]
 *
 * SmolLM2-135M on GSM8K pairs, with and without recomputation. Estimate and run are processes of their own (`redistill train`, of
 * the built package); peak memory is the run's high-water mark of resident memory, and a step's time that of its last step. With
 * `--saving` the model's file is in bf16, and checkpoint, best and healthy weights are all written after every step. `--lora '{}'` trains
 * adapters, with these settings.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { loadModel, saveModel } from '../src/models/checkpoint.js';
import type { Estimate } from '../src/train/estimate.js';
import { formatTable } from '../src/util/table.js';
import { writePairs } from './pairs.js';
import { machine, root } from './support.js';

const { values } = parseArgs({
  options: {
    budgets: { type: 'string', default: '512,1024,2048' },
    dtype: { type: 'string', default: 'bf16' },
    pairs: { type: 'string', default: '8' },
    steps: { type: 'string', default: '2' },
    objective: { type: 'string', default: 'redi' },
    saving: { type: 'boolean', default: false },
    lora: { type: 'string' },
  },
});
const [pairs, steps] = [Number(values.pairs), Number(values.steps)];
const saving = {
  ...{ save: { every: 1, keep: 1, states: 1 }, evaluation: { rows: 2, every: 1 } },
  ...{ best: { metric: 'eval_loss' }, sentinel: { act: 'rollback', every: 1 } },
};

const { path } = await getModel('smollm2-135m');
const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
const model = values.saving ? inBf16(path) : path;
const data = await writePairs(work, values.saving ? pairs + saving.evaluation.rows : pairs);

/** The model with a file in bf16, as most have it. */
function inBf16(dir: string): string {
  const out = join(work, 'model');
  const loaded = loadModel(dir, { dtype: 'f32' });
  using transformer = loaded.model;
  const fileDtypes = new Map([...loaded.fileDtypes.keys()].map((name) => [name, 'bf16' as const]));
  saveModel({ ...loaded, fileDtypes }, out, transformer.parameters);
  return out;
}

function redistill(...args: string[]): string {
  const run = spawnSync(process.execPath, [join(root, 'bin/redistill.js'), ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) throw new Error(`redistill ${args.join(' ')}: ${run.stderr.slice(-2000)}`);
  return run.stdout;
}

interface Line {
  tokens_per_second: number;
  peak_memory_bytes: number;
  num_tokens: number;
}

const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** What a run took at its highest, and in its last step. */
function measured(recipe: string, out: string): { memory: number; seconds: number } {
  redistill('train', recipe);
  const speed = linesOf(join(out, 'speed.jsonl')).at(-1)!;
  const ofSteps = linesOf(join(out, 'metrics.jsonl')).filter((line) => 'num_tokens' in line);
  const tokens = ofSteps.map(({ num_tokens }) => num_tokens);
  const last = tokens.at(-1)! - (tokens.at(-2) ?? 0);
  rmSync(out, { recursive: true });
  return { memory: speed.peak_memory_bytes, seconds: last / speed.tokens_per_second };
}

const off = (estimate: number, found: number) => `${(100 * (estimate / found - 1)).toFixed(1)} %`;
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;

const rows: string[][] = [];
for (const budget of values.budgets.split(',').map(Number))
  for (const recompute of [false, true]) {
    const [out, recipe] = [join(work, 'run'), join(work, 'recipe.yaml')];
    const settings = {
      ...{ model, data, out, recompute, dtype: values.dtype, max_steps: steps, batch_size: pairs },
      ...{ token_budget: budget, objective: { name: values.objective }, optimizer: { lr: 1e-6 } },
      ...{ doctor: 'off', schedule: { warmup_ratio: 0 } },
      ...(values.saving && saving),
      ...(values.lora !== undefined && { lora: JSON.parse(values.lora) as object }),
    };
    writeFileSync(recipe, JSON.stringify(settings));
    const estimate = JSON.parse(redistill('train', recipe, '--estimate', '--json')) as Estimate;
    const found = measured(recipe, out);
    rows.push([
      String(budget),
      recompute ? 'yes' : 'no',
      ...[gigabytes(estimate.memory), gigabytes(found.memory), off(estimate.memory, found.memory)],
      ...[estimate.seconds.toFixed(1), found.seconds.toFixed(1), off(estimate.seconds, found.seconds)],
    ]);
    process.stderr.write(`${rows.at(-1)!.join(' | ')}\n`);
  }
rmSync(work, { recursive: true });
process.stdout.write(
  `${machine()}; ${values.objective} on SmolLM2-135M in ${values.dtype}, ${values.pairs} GSM8K pairs a step${values.saving ? ', all weights written after every step' : ''}\n`,
);
const heading = ['token budget', 'recompute', 'memory said', 'taken', 'off', 's a step said', 'taken', 'off'];
process.stdout.write(`${formatTable(heading, rows)}\n`);
