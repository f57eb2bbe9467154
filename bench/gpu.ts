/**
 * Checks and measures redistill on a GPU with a Qwen2.5-1.5B-sized model of random weights: attention against float64, the
 * same step twice, training steps against what the matrix products alone allow, packs of random lengths, decoding. Needs
 * no model file, tokenizer or data. It writes OUT/gpu.json and OUT/gpu.md after every line.
 *
 *   npm run bench:gpu                                   [-- --out DIR --steps 3 --seconds 240 --only attention,train]
 *   npm run bench:gpu -- --device cpu --tiny            the same code on a tiny model, to see that it runs
 *
 * Where npm, Node or a network are not at hand: scripts/gpu-check.sh.
 */
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDevice, seed, setThreads, torchVersion } from '../src/torch/runtime.js';
import { messageOf, UserError } from '../src/util/errors.js';
import { checkAttention, checkMemory, checkRepeat } from './gpu/checks.js';
import { benchConfig } from './gpu/model.js';
import { Report } from './gpu/report.js';
import {
  measureDecoding,
  measureLongAttention,
  measureParts,
  measureProducts,
  measureTraining,
  type TrainRow,
} from './gpu/speed.js';
import { RandomStudent } from './randomModel.js';
import { machine } from './support.js';

const parts = ['attention', 'repeat', 'products', 'train', 'parts', 'long', 'decode', 'memory'] as const;
const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda' },
    out: { type: 'string', default: join(tmpdir(), 'redistill-gpu') },
    steps: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '240' },
    only: { type: 'string', default: parts.join(',') },
    tiny: { type: 'boolean', default: false },
  },
});
const { device, tiny } = values;

/** What the machine is, from the driver's own tool; libtorch's CPU half does not know the card's name. */
function gpuName(): string {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0] ?? '').trim() : 'none';
}

/** From what fits everywhere to what may not fit. */
const trainRows: TrainRow[] = [
  { objective: 'redi', length: 8192, tracesAPack: 2, recompute: false },
  { objective: 'redi', length: 8192, tracesAPack: 1, recompute: false },
  { objective: 'sft', length: 8192, tracesAPack: 2, recompute: false },
  { objective: 'simpo', length: 8192, tracesAPack: 2, recompute: false },
  { objective: 'redi', length: 16_384, tracesAPack: 1, recompute: true },
  { objective: 'redi', length: 20_000, tracesAPack: 1, recompute: true },
  { objective: 'redi', length: 20_000, tracesAPack: 1, recompute: false },
];

function main(): void {
  setThreads();
  openDevice(device);
  const config = benchConfig(tiny);
  const scale = tiny ? 64 : 1;
  const report = new Report(values.out, {
    ...{ date: new Date().toISOString().slice(0, 10), GPU: device === 'cpu' ? 'none' : gpuName() },
    ...{ host: machine(), libtorch: torchVersion() },
  });
  const wanted = values.only.split(',');
  const part = (name: (typeof parts)[number], body: () => void) => {
    if (!wanted.includes(name)) return;
    if (report.seconds > Number(values.seconds)) {
      process.stdout.write(`${name} was left out: no time is left\n`);
      return;
    }
    try {
      body();
    } catch (error) {
      process.stdout.write(`${name} FAILED: ${messageOf(error)}\n`);
      process.exitCode = 1;
    }
  };
  part('attention', () => {
    if (!checkAttention(report, device)) process.exitCode = 1;
  });
  part('repeat', () => {
    checkRepeat(report, benchConfig(true), device);
  });
  let limit: number | undefined;
  part('products', () => {
    limit = measureProducts(report, config, device, 16_384 / scale);
  });
  part('train', () => {
    seed(1);
    using student = new RandomStudent(config, device, 'bf16');
    const options = { steps: Number(values.steps), limit };
    for (const row of trainRows) {
      if (report.seconds > Number(values.seconds)) break;
      measureTraining(report, student, device, { ...row, length: Math.ceil(row.length / scale) }, options);
    }
  });
  part('parts', () => {
    measureParts(report, config, device, 16_384 / scale);
  });
  part('long', () => {
    if (device !== 'cpu') measureLongAttention(report, config, device);
  });
  part('decode', () => {
    for (const [rows, columns] of [
      [64, 512],
      [256, 4096],
    ] as const) {
      measureDecoding(report, config, device, { rows, columns: columns / scale });
    }
  });
  part('memory', () => {
    if (device !== 'cpu') checkMemory(report, config, device, 100);
  });
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stdout.write(`bench/gpu was not run: ${error.message}.\n`);
  process.exitCode = 1;
}
