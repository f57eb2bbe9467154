/**
 * Training speed and memory, ours against TRL and a plain PyTorch loop, on the same model, pairs, batch and machine, one after
 * the other.
 *
 *   npm run bench:train -- --python PATH [--dtype bf16] [--steps 6] [--rounds 3] [--objectives redi,sft,simpo,dpo]
 *
 * PATH is a Python with bench/peers/requirements.txt installed. Tokens are those that go through the model and are not
 * padding: of both answers with their prompts for pairs, of the chosen ones with their prompts for SFT. The first step
 * of each run is left out. Peak memory is the process's high-water mark. The share is that of our time which the products
 * alone would take, measured right after each of our runs (bench/limit.ts). `torch.compile` needs a C++ compiler.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getModel } from '../src/hub/get.js';
import { readConfig } from '../src/models/directory.js';
import { trainRecipe } from '../src/train/settings.js';
import { formatTable } from '../src/util/table.js';
import { flopsPerToken, productLimit } from './limit.js';
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
  /** Of the time, what the products alone would take. Ours alone. */
  share?: number;
}

/** A script of bench/peers with its arguments. */
interface Peer {
  name: string;
  script: string;
  args: string[];
}

const trl = (objective: string, name: string): Peer => ({
  name: `TRL: ${name}`,
  script: 'trl_train.py',
  args: ['--objective', objective],
});

const loop = (objective: string): Peer[] => [
  { name: 'plain loop', script: 'torch_loop.py', args: ['--objective', objective] },
  {
    name: 'plain loop, torch.compile',
    script: 'torch_loop.py',
    args: ['--objective', objective, '--compile'],
  },
];

/** What each of ours is held against. */
const peers: Record<string, Peer[]> = {
  redi: [trl('dpo', 'DPOTrainer'), ...loop('redi')],
  sft: [trl('sft', 'SFTTrainer'), ...loop('sft')],
  simpo: [trl('simpo', 'CPOTrainer (simpo, cpo_alpha 0)')],
  dpo: [trl('dpo-precomputed', 'DPOTrainer, reference scored beforehand')],
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

async function ours(objective: string): Promise<Run> {
  const file = join(work, 'recipe.yaml');
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
  writeFileSync(file, JSON.stringify(settings));
  check(process.execPath, [join(root, 'bin/redistill.js'), 'train', file]);
  const rowsOf = (file: string) =>
    readFileSync(join(out, file), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
  const speeds = rowsOf('speed.jsonl');
  const metrics = rowsOf('metrics.jsonl').map((row, i) => ({ ...row, ...speeds[i] }));
  const tokens = metrics.at(-1)!.num_tokens! - metrics[0]!.num_tokens!;
  const seconds = metrics
    .slice(1)
    .reduce(
      (sum, step, i) => sum + (step.num_tokens! - metrics[i]!.num_tokens!) / step.tokens_per_second!,
      0,
    );
  const recipe = trainRecipe.parse(settings);
  const config = readConfig(model);
  const limit = productLimit(config, recipe.dtype, Number(values['token-budget']));
  const tokensPerSecond = tokens / seconds;
  return {
    tokensPerSecond,
    peakBytes: metrics.at(-1)!.peak_memory_bytes!,
    share: (tokensPerSecond * (await flopsPerToken(config, recipe))) / limit,
  };
}

function theirs({ script, args }: Peer): Run {
  const out = join(work, 'peer.json');
  check(values.python!, [
    join(root, 'bench/peers', script),
    ...[...args, '--dtype', values.dtype, '--model', model, '--pairs', pairsFile],
    ...['--steps', String(steps), '--batch', '4', '--accumulation', '2', '--out', out],
  ]);
  const result = JSON.parse(readFileSync(out, 'utf8')) as {
    tokens_per_second: number;
    peak_rss_bytes: number;
  };
  return { tokensPerSecond: result.tokens_per_second, peakBytes: result.peak_rss_bytes };
}

const speeds = (runs: readonly Run[]): number[] => runs.map((run) => run.tokensPerSecond);
const memory = (runs: readonly Run[]): number => median(runs.map((run) => run.peakBytes));

const rows: string[][] = [];
/** Speeds of each objective, in the order of the rounds. */
const all = new Map<string, number[]>();
const has = values.python !== undefined;
const objectives = values.objectives.split(',').map((objective) => {
  if (!peers[objective]) throw new Error(`unknown objective ${objective}`);
  const others = has ? peers[objective] : [];
  return { objective, own: [] as Run[], others: others.map((peer) => ({ peer, runs: [] as Run[] })) };
});
/** Says each result as it comes: peers take minutes, and what was measured stays known when it is stopped. */
function keep(runs: Run[], run: Run, who: string): void {
  runs.push(run);
  const share = run.share === undefined ? '' : `, ${(100 * run.share).toFixed(0)} % of the limit`;
  process.stderr.write(
    `${who}: ${run.tokensPerSecond.toFixed(0)} tokens/s, ${(run.peakBytes / 1e9).toFixed(2)} GB${share}\n`,
  );
}
for (let round = 0; round < Number(values.rounds); round++) {
  for (const { objective, own, others } of objectives) {
    keep(own, await ours(objective), objective);
    for (const { peer, runs } of others) keep(runs, theirs(peer), `${objective}, ${peer.name}`);
  }
}
for (const { objective, own, others } of objectives) {
  all.set(objective, speeds(own));
  const size = (runs: readonly Run[]) => `${(memory(runs) / 1e9).toFixed(2)} GB`;
  const share = `${spread(own.map((run) => 100 * run.share!))} %`;
  rows.push([objective, 'redistill', spread(speeds(own)), size(own), share, '', '']);
  for (const { peer, runs } of others) {
    const least = Math.min(...speeds(own)) / Math.max(...speeds(runs));
    rows.push([
      objective,
      peer.name,
      spread(speeds(runs)),
      size(runs),
      '',
      `${least.toFixed(2)}; ${(median(speeds(own)) / median(speeds(runs))).toFixed(2)} ×`,
      `${(memory(own) / memory(runs)).toFixed(2)} ×`,
    ]);
  }
}
rmSync(work, { recursive: true });

const heading = [
  'objective',
  'who',
  'tokens/s (min–max)',
  'peak',
  'of the limit',
  'ours over it, least; medians',
  'memory',
];
process.stdout.write(
  `${machine()}; ${values.dtype}, batch ${batch} pairs, ${steps} steps, ${values.rounds} rounds\n`,
);
process.stdout.write(`${formatTable(heading, rows)}\n`);
const redi = all.get('redi');
if (redi !== undefined) {
  for (const [objective, speed] of all) {
    if (objective === 'redi') continue;
    const ratios = speed.map((value, round) => value / redi[round]!);
    process.stdout.write(`${objective} / redi, round by round: ${spread(ratios, 3)}\n`);
  }
}
