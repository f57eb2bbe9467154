/**
 * What training needs in memory.
 *
 *   npm run bench:memory [-- --budgets 512,1024,2048 --dtypes bf16,f32 --steps 1 --flat-steps 500]
 *
 * 1. Peak memory of REDI on SmolLM2-135M and GSM8K pairs at several token budgets, with and without recomputation. Each
 *    run is a process of its own (`redistill train`); peak memory is its high-water mark of resident memory.
 * 2. Whether memory stays flat: 500 steps of a small random model in bf16, its traces of ever new lengths. A process an
 *    objective, which collects JavaScript's garbage before each reading: that comes and goes by tens of megabytes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseConfig } from '../src/models/config.js';
import { getModel } from '../src/hub/get.js';
import { createObjective } from '../src/objectives/index.js';
import { seed, setThreads } from '../src/torch/runtime.js';
import { liveTensors } from '../src/torch/tensor.js';
import { Engine } from '../src/train/engine.js';
import { Random } from '../src/util/random.js';
import { formatTable } from '../src/util/table.js';
import { RandomStudent, randomPairs } from './randomModel.js';
import { writePairs } from './pairs.js';
import { machine, trainedSpeeds } from './support.js';

const { values } = parseArgs({
  options: {
    budgets: { type: 'string', default: '512,1024,2048' },
    dtypes: { type: 'string', default: 'bf16,f32' },
    steps: { type: 'string', default: '1' },
    'flat-steps': { type: 'string', default: '500' },
    /** Internal: one objective's flatness. */
    flat: { type: 'string' },
  },
});

const batch = 8;
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** Peak resident memory in bytes of a training run in a process of its own. */
const peakOf = (settings: Record<string, unknown>, work: string): number =>
  trainedSpeeds(settings, work).at(-1)!.peak_memory_bytes;

async function peaks(): Promise<void> {
  const steps = Number(values.steps);
  const budgets = values.budgets.split(',').map(Number);
  const { path: model } = await getModel('smollm2-135m');
  const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
  const data = await writePairs(work, batch * steps);
  const rows: string[][] = [];
  for (const dtype of values.dtypes.split(',')) {
    for (const budget of budgets) {
      const [kept, recomputed] = [false, true].map((recompute) =>
        peakOf(
          {
            ...{ model, data, dtype, recompute, max_steps: steps, batch_size: batch, token_budget: budget },
            ...{ objective: { name: 'redi' }, optimizer: { lr: 1e-6 } },
          },
          work,
        ),
      ) as [number, number];
      rows.push([
        dtype,
        String(budget),
        gigabytes(kept),
        gigabytes(recomputed),
        `${(recomputed / kept).toFixed(2)} ×`,
      ]);
    }
  }
  rmSync(work, { recursive: true });
  process.stdout.write(
    `${machine()}; REDI on SmolLM2-135M, ${batch} GSM8K pairs a step, ${values.steps} steps; peak resident memory of the whole process\n`,
  );
  const heading = ['dtype', 'token budget', 'activations kept', 'recomputed', 'ratio'];
  process.stdout.write(`${formatTable(heading, rows)}\n`);
  process.stdout.write('A token is one that goes through the model, prompts included; none is padding.\n');
}

const small = {
  model_type: 'llama',
  vocab_size: 4096,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  tie_word_embeddings: true,
};

/** Resident memory and live tensors over a long run of `objective`: a row of the table, from a process of its own. */
function flatnessOf(objective: string): string[] {
  const own = [...process.execArgv, process.argv[1]!, '--flat', objective];
  const args = ['--expose-gc', ...own, '--flat-steps', values['flat-steps']];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${objective}: ${run.stderr.slice(-2000)}`);
  return JSON.parse(run.stdout) as string[];
}

async function flatness(objectiveName: string): Promise<string[]> {
  const collect = (globalThis as unknown as { gc: () => void }).gc;
  const steps = Number(values['flat-steps']);
  using student = new RandomStudent(parseConfig(small, 'bench/memory.ts'), 'cpu', 'bf16');
  using engine = new Engine(student.weights);
  const objective = createObjective({ name: objectiveName });
  const random = new Random(7);
  const length = () => 20 + random.nextInt(100);
  const resident: number[] = [];
  const live: number[] = [];
  for (let step = 0; step < steps; step++) {
    const pairs = Array.from({ length: 2 }, () => [length(), length()] as const);
    student.step(engine, objective, randomPairs(pairs, small.vocab_size, random), 256);
    await new Promise((resolve) => setImmediate(resolve)); // as the trainer does: finalizers run
    collect();
    resident.push(process.memoryUsage.rss());
    live.push(liveTensors());
  }
  const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  const early = mean(resident.slice(100, 200));
  const late = mean(resident.slice(-100));
  const tensors = live.slice(100);
  return [
    objectiveName,
    `${(early / 1e6).toFixed(1)} MB`,
    `${(late / 1e6).toFixed(1)} MB`,
    `${((late / early - 1) * 100).toFixed(2)} %`,
    `${Math.min(...tensors)}–${Math.max(...tensors)}`,
  ];
}

setThreads();
seed(1);
if (values.flat !== undefined) {
  process.stdout.write(JSON.stringify(await flatness(values.flat)));
} else {
  await peaks();
  const rows = ['redi', 'simpo'].map(flatnessOf);
  process.stdout.write(
    `\n${values['flat-steps']} steps of a small random model (bf16, 2 pairs of traces of 20 to 119 tokens, budget 256), mean resident memory\n`,
  );
  const heading = ['objective', 'steps 100–200', 'last 100 steps', 'change', 'live tensors after step 100'];
  process.stdout.write(`${formatTable(heading, rows)}\n`);
}
