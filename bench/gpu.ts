/**
 * A REDI step of a Qwen2.5-1.5B-sized model with random weights on a GPU: tokens a second, MFU and peak memory at long
 * traces. Needs no model file, tokenizer or data.
 *
 *   npm run bench:gpu                                   [-- --steps 3 --tflops 989]
 *   npm run bench:gpu -- --device cpu --tiny            the same code on a tiny model, to see that it runs
 *
 * Where npm is not at hand: `npx tsc -p tsconfig.bench.json` on another machine, then copy dist-bench/ and
 * node_modules/, compile native/ with CMake and `REDISTILL_ADDON=…/redistill.node node dist-bench/bench/gpu.js`.
 *
 * bf16 compute with float32 masters, gradients and moments; AdamW; a step is one pair of two traces of equal length.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { parseConfig, type ModelConfig } from '../src/models/config.js';
import { parameterSpecs } from '../src/models/parameters.js';
import { createObjective } from '../src/objectives/index.js';
import { isOutOfMemory } from '../src/torch/errors.js';
import { native } from '../src/torch/native.js';
import {
  memoryStats,
  openDevice,
  seed,
  setThreads,
  synchronize,
  torchVersion,
} from '../src/torch/runtime.js';
import { Engine } from '../src/train/engine.js';
import { UserError } from '../src/util/errors.js';
import { formatTable } from '../src/util/table.js';
import { RandomStudent, randomPairs } from './randomModel.js';
import { machine, median, spread } from './support.js';

const { values } = parseArgs({
  options: {
    device: { type: 'string', default: 'cuda' },
    steps: { type: 'string', default: '3' },
    tiny: { type: 'boolean', default: false },
    tflops: { type: 'string', default: '989' },
  },
});
const { device, tiny } = values;
const onGpu = device !== 'cpu';

/** https://huggingface.co/Qwen/Qwen2.5-1.5B, config.json. */
const qwen = {
  model_type: 'qwen2',
  vocab_size: 151_936,
  hidden_size: 1536,
  intermediate_size: 8960,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  max_position_embeddings: 131_072,
  tie_word_embeddings: true,
};
const tinyQwen = {
  ...qwen,
  vocab_size: 1000,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
};

/** Weights of the matrix products: those of the blocks, and the output head once. */
function productWeights(config: ModelConfig): number {
  let count = config.vocabSize * config.hiddenSize;
  for (const [name, { shape }] of parameterSpecs(config)) {
    if (name.startsWith('layers.') && shape.length === 2) count += shape[0]! * shape[1]!;
  }
  return count;
}

/** Floating-point operations of a step over traces of `length` tokens: 6N a token and causal attention. */
function stepFlops(config: ModelConfig, length: number, traces: number): number {
  const attention = 6 * config.attention.length * config.heads * config.headDim * length;
  return traces * length * (6 * productWeights(config) + attention);
}

/** What the machine is, from the driver's own tool; libtorch's CPU half does not know the card's name. */
function gpuName(): string {
  const query = ['--query-gpu=name', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? (stdout.split('\n')[0] ?? '').trim() : 'unknown GPU';
}

/** Seconds a step, the first left out; undefined where the memory did not suffice. */
function measure(
  student: RandomStudent,
  length: number,
  tracesAPack: number,
  recompute: boolean,
): number[] | undefined {
  const { config } = student.weights.model;
  const objective = createObjective({ name: 'redi' });
  const sequences = randomPairs([[length, length]], config.vocabSize);
  using engine = new Engine(student.weights, recompute);
  const seconds: number[] = [];
  try {
    for (let step = 0; step <= Number(values.steps); step++) {
      synchronize(device);
      const started = performance.now();
      student.step(engine, objective, sequences, tracesAPack * length);
      synchronize(device);
      if (step > 0) seconds.push((performance.now() - started) / 1000);
    }
    return seconds;
  } catch (error) {
    if (isOutOfMemory(error)) return undefined;
    throw error;
  }
}

function main(): void {
  setThreads();
  openDevice(device);
  seed(1);
  const config = parseConfig(tiny ? tinyQwen : qwen, 'bench/gpu.ts');
  using student = new RandomStudent(config, device, 'bf16');
  const peakFlops = Number(values.tflops) * 1e12;
  const weights = productWeights(config);
  process.stdout.write(
    `${onGpu ? `${gpuName()}; ` : ''}${machine()}; libtorch ${torchVersion()}; REDI, bf16, ${(weights / 1e6).toFixed(1)} M ` +
      `weights in products; a step is one pair; ${values.steps} steps after a first\n`,
  );

  const rows: string[][] = [];
  for (const length of tiny ? [64, 150] : [8192, 20_000]) {
    for (const tracesAPack of [1, 2]) {
      for (const recompute of [false, true]) {
        if (onGpu) {
          native.emptyCache(device);
          native.resetPeakMemory(device);
        }
        const seconds = measure(student, length, tracesAPack, recompute);
        const peak = `${(memoryStats(device).peakAllocated / 1e9).toFixed(2)} GB`;
        const setting = [String(length), String(tracesAPack), recompute ? 'yes' : 'no'];
        if (seconds === undefined) {
          rows.push([...setting, 'out of memory', '–', '–']);
          continue;
        }
        const mfu = stepFlops(config, length, 2) / median(seconds) / peakFlops;
        rows.push([
          ...setting,
          spread(seconds.map((s) => (2 * length) / s)),
          onGpu ? `${(100 * mfu).toFixed(1)} %` : '–',
          peak,
        ]);
      }
    }
  }
  const heading = ['tokens a trace', 'traces a pack', 'recompute', 'tokens/s (min–max)', 'MFU', 'peak'];
  process.stdout.write(`${formatTable(heading, rows)}\n`);
  process.stdout.write(
    'A token is one that goes through the model; none is padding. MFU: 6·N·tokens + causal attention, 6·layers·heads·headDim·S ' +
      `a token of a trace of S, over ${values.tflops} TFLOP/s (dense bf16 of an H100 or H200 is 989); N = block weights + output ` +
      'head once; recomputation is not counted. ' +
      (onGpu
        ? "Peak memory is the allocator's.\n"
        : "Peak memory is the process's high-water mark, which only grows from row to row.\n"),
  );
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stdout.write(`bench/gpu was not run: ${error.message}.\n`);
}
