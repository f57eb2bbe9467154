/**
 * The parts of a training step on the CPU, each by itself: the least milliseconds of many calls, for a layer of SmolLM2-135M,
 * its head and its optimizer, in bf16.
 *
 *   npx tsx bench/parts.ts [--tokens 1024] [--rounds 30]
 *
 * Run it with REDISTILL_ADDON of two builds in turn to compare them.
 */
import { parseArgs } from 'node:util';
import { ChunkedHead } from '../src/models/head.js';
import { addAndNorm, addRmsNormBackward, rmsNorm, rmsNormBackward } from '../src/models/norm.js';
import { backward } from '../src/torch/autograd.js';
import { indices } from '../src/torch/data.js';
import { attendPack, gatedLinearUnit, linear, rotateHalves } from '../src/torch/fused.js';
import * as ops from '../src/torch/ops.js';
import { AdamW, globalNorm } from '../src/torch/optim.js';
import { setThreads } from '../src/torch/runtime.js';
import { scope, type Tensor } from '../src/torch/tensor.js';
import { leastTimes, machine } from './support.js';

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '1024' }, rounds: { type: 'string', default: '30' } },
});
setThreads();
const tokens = Number(values.tokens);
const [hidden, inner, heads, kvHeads, headDim, vocab] = [576, 1536, 9, 3, 64, 49152] as const;
/** Sequences of a pack, as long as GSM8K's pairs are; the last takes what is left. */
const lengths = Array.from({ length: Math.ceil(tokens / 256) }, (_, i) => Math.min(256, tokens - 256 * i));

const random = (...shape: number[]): Tensor => ops.toDtype(ops.randn(shape, { dtype: 'f32' }), 'bf16');
const recorded = (...shape: number[]): Tensor => {
  const x = random(...shape);
  x.requiresGrad = true;
  return x;
};

/** The forward and the backward of something that autograd records, for inputs that are made once. */
function passes(
  name: string,
  run: (...inputs: Tensor[]) => Tensor,
  ...inputs: Tensor[]
): [string, () => void][] {
  const grad = scope(() => random(...run(...inputs).shape));
  const both = () => {
    backward([run(...inputs)], [grad]);
    for (const input of inputs) input.grad = null;
  };
  return [
    [`${name}, forward`, () => void run(...inputs)],
    [`${name}, forward and backward`, both],
  ];
}

/** A projection, whose weight's gradient is added to a float32 sum. */
function projection(name: string, out: number, size: number): [string, () => void][] {
  const [weight, sum] = [recorded(out, size), ops.zeros([out, size], { dtype: 'f32' })];
  return passes(
    `${name}, ${size} to ${out}`,
    (x) => linear(x, weight, undefined, sum),
    recorded(tokens, size),
  );
}

/** The head over as many response tokens as a pack has, two of three. */
function headPart(): [string, () => void] {
  const count = Math.ceil((2 * tokens) / 3);
  const [x, weight] = [random(count, hidden), random(vocab, hidden)];
  const sum = ops.zeros([vocab, hidden], { dtype: 'f32' });
  const targets = indices(Int32Array.from({ length: count }, (_, i) => (i * 31) % vocab));
  const head = new ChunkedHead(weight);
  const gradient = new Float64Array(count).fill(1e-3);
  return [`head, ${count} tokens, backward`, () => void head.backward(x, targets, gradient, sum)];
}

/** The optimizer on matrices as large as half of the model together. */
function optimizerParts(): [string, () => void][] {
  const make = () => Array.from({ length: 24 }, () => ops.randn([3072, 1024], { dtype: 'f32' }));
  const [masters, grads] = [make(), make()];
  const narrow = masters.map((master) => ops.toDtype(master, 'bf16'));
  const optimizer = new AdamW(masters, { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 });
  return [
    ['norm, 75 M', () => void globalNorm(grads)],
    [
      'AdamW, 75 M',
      () => {
        optimizer.step(grads, 1e-6);
      },
    ],
    [
      'copy to bf16, 75 M',
      () => {
        ops.foreachCopy_(narrow, masters);
      },
    ],
    [
      'zeros, 75 M',
      () => {
        ops.foreachZero_(grads);
      },
    ],
    [
      'scaling, AdamW, copy and zeros at once, 75 M',
      () => {
        optimizer.update(grads, 1e-6, { factor: 0.5, copies: narrow });
      },
    ],
  ];
}

const [x, normWeight, normGrad] = [random(tokens, hidden), random(hidden), random(tokens, hidden)];
/** Is added to, again and again. */
const stream = ops.zerosLike(x);
const weightGrad = ops.zeros([hidden], { dtype: 'f32' });
const [cos, sin] = [random(tokens, 1, headDim / 2), random(tokens, 1, headDim / 2)];
const parts: [string, () => void][] = [
  ...projection('q, k and v', 960, hidden),
  ...projection('output', hidden, hidden),
  ...projection('gate and up', 2 * inner, hidden),
  ...projection('down', hidden, inner),
  ...passes('SwiGLU', (gateUp) => gatedLinearUnit(gateUp, 'silu'), recorded(tokens, 2 * inner)),
  ...passes('rotation', (qk) => rotateHalves(qk, cos, sin), recorded(tokens, heads + kvHeads, headDim)),
  ...passes(
    'attention',
    (q, k, v) => attendPack(q, k, v, lengths, 0.125),
    recorded(tokens, heads, headDim),
    recorded(tokens, kvHeads, headDim),
    recorded(tokens, kvHeads, headDim),
  ),
  ['RMSNorm, forward', () => void rmsNorm(x, normWeight, 1e-5, 0)],
  ['RMSNorm, backward', () => void rmsNormBackward(x, normWeight, 1e-5, 0, normGrad, weightGrad)],
  ['residual sum', () => void ops.add(x, normGrad)],
  ['residual sum and RMSNorm, forward', () => void addAndNorm(x, stream, normWeight, 1e-5, 0)],
  [
    'residual sum and RMSNorm, backward',
    () => {
      addRmsNormBackward(x, normWeight, 1e-5, 0, normGrad, weightGrad, stream);
    },
  ],
  headPart(),
  ...optimizerParts(),
];

process.stdout.write(`${machine()}; bf16, ${tokens} tokens\n`);
process.stdout.write(leastTimes(parts, Number(values.rounds)));
