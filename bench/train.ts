/**
 * Training speed and memory, ours against TRL, on the same model, pairs, batch and machine, one after the other.
 *
 *   npm run bench:train -- --python PATH [--dtype bf16] [--steps 6] [--rounds 3] [--objectives redi,sft,simpo,dpo]
 *
 * PATH is a Python with bench/peers/requirements.txt installed. Tokens are those that go through the model and are not
 * padding: of both answers with their prompts for pairs, of the chosen ones with their prompts for SFT. The first step
 * of each run is left out. Peak memory is the process's high-water mark.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { formatTable } from '../src/util/table.js';
import { writePairs } from './pairs.js';
import { machine, median, root, spread } from './support.js';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    dtype: { type: 'string', default: 'bf16' },
    steps: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    objectives: { type: 'string', default: 'redi,sft,simpo,dpo' },
    'token-budget': { type: 'string', default: '1024' },
  },
});

interface Run {
  tokensPerSecond: number;
  peakBytes: number;
}

/** What each of ours is held against in TRL. */
const peers: Record<string, { objective: string; name: string }> = {
  redi: { objective: 'dpo', name: 'DPOTrainer' },
  sft: { objective: 'sft', name: 'SFTTrainer' },
  simpo: { objective: 'simpo', name: 'CPOTrainer (simpo, cpo_alpha 0)' },
  dpo: { objective: 'dpo-precomputed', name: 'DPOTrainer, reference scored beforehand' },
};

const batch = 8;
const steps = Number(values.steps);
const work = mkdtempSync(join(tmpdir(), 'redistill-bench-'));
const { path: model } = await getModel('smollm2-135m');
const pairsFile = await writePairs(work, batch * steps);

function check(command: string, args: readonly string[]): void {
  const run = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${run.stderr.slice(-2000)}`);
}

function ours(objective: string): Run {
  const recipe = join(work, 'recipe.yaml');
  const out = join(work, 'run');
  rmSync(out, { recursive: true, force: true });
  const settings = {
    model,
    data: pairsFile,
    out,
    objective: { name: objective },
    optimizer: { lr: 1e-6 },
    batch_size: batch,
    epochs: 1,
    token_budget: Number(values['token-budget']),
    dtype: values.dtype,
  };
  writeFileSync(recipe, JSON.stringify(settings));
  check(process.execPath, [join(root, 'bin/redistill.js'), 'train', recipe]);
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const metrics = lines.map((line) => JSON.parse(line) as Record<string, number>);
  const tokens = metrics.at(-1)!.num_tokens! - metrics[0]!.num_tokens!;
  const seconds = metrics
    .slice(1)
    .reduce(
      (sum, step, i) => sum + (step.num_tokens! - metrics[i]!.num_tokens!) / step.tokens_per_second!,
      0,
    );
  return { tokensPerSecond: tokens / seconds, peakBytes: metrics.at(-1)!.peak_memory_bytes! };
}

function theirs(objective: string): Run {
  const out = join(work, 'peer.json');
  check(values.python!, [
    join(root, 'bench/peers/trl_train.py'),
    ...['--objective', objective, '--dtype', values.dtype, '--model', model, '--pairs', pairsFile],
    ...['--steps', String(steps), '--batch', '4', '--accumulation', '2', '--out', out],
  ]);
  const result = JSON.parse(readFileSync(out, 'utf8')) as {
    tokens_per_second: number;
    peak_rss_bytes: number;
  };
  return { tokensPerSecond: result.tokens_per_second, peakBytes: result.peak_rss_bytes };
}

const rows: string[][] = [];
const medians = new Map<string, number>();
for (const objective of values.objectives.split(',')) {
  const peer = peers[objective];
  if (!peer) throw new Error(`unknown objective ${objective}`);
  const own: Run[] = [];
  const other: Run[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    own.push(ours(objective));
    if (values.python !== undefined) other.push(theirs(peer.objective));
  }
  const speed = own.map((run) => run.tokensPerSecond);
  medians.set(objective, median(speed));
  const memory = median(own.map((run) => run.peakBytes));
  const row = [objective, spread(speed), `${(memory / 1e9).toFixed(2)} GB`];
  if (other.length > 0) {
    const peerSpeed = other.map((run) => run.tokensPerSecond);
    const peerMemory = median(other.map((run) => run.peakBytes));
    row.push(
      peer.name,
      spread(peerSpeed),
      `${(peerMemory / 1e9).toFixed(2)} GB`,
      `${(median(speed) / median(peerSpeed)).toFixed(2)} ×`,
      `${(memory / peerMemory).toFixed(2)} ×`,
    );
  }
  rows.push(row);
}
rmSync(work, { recursive: true });

const heading = ['objective', 'tokens/s (min–max)', 'peak'];
if (values.python !== undefined) heading.push('TRL', 'tokens/s (min–max)', 'peak', 'speed', 'memory');
process.stdout.write(
  `${machine()}; ${values.dtype}, batch ${batch} pairs, ${steps} steps, ${values.rounds} rounds\n`,
);
process.stdout.write(`${formatTable(heading, rows)}\n`);
const redi = medians.get('redi');
if (redi !== undefined) {
  for (const [objective, speed] of medians) {
    if (objective !== 'redi') process.stdout.write(`${objective} / redi: ${(speed / redi).toFixed(3)}\n`);
  }
}
