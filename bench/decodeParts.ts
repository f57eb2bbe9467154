/**
 * The parts of a decoding step on the CPU, each by itself: the least milliseconds of many calls, for all layers of SmolLM2-135M
 * in bf16. Every layer has weights, keys and values of its own, so that none is in the processor's cache.
 *
 *   npx tsx bench/decodeParts.ts [--batch 128] [--length 130] [--rounds 10]
 *
 * Run it with REDISTILL_ADDON of two builds in turn to compare them.
 */
import { parseArgs } from 'node:util';
import { addAndNorm } from '../src/models/norm.js';
import { noGrad } from '../src/torch/autograd.js';
import { indices } from '../src/torch/data.js';
import { linearOfFew } from '../src/torch/decoding.js';
import { gatedLinearUnit, rotateHalves } from '../src/torch/fused.js';
import * as ops from '../src/torch/ops.js';
import { setThreads } from '../src/torch/runtime.js';
import { scope, type Tensor } from '../src/torch/tensor.js';
import { chooseTokens } from '../src/generate/sampling.js';
import { leastTimes, machine } from './support.js';

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '128' },
    length: { type: 'string', default: '130' },
    rounds: { type: 'string', default: '10' },
  },
});
setThreads();
const [batch, length, rounds] = [values.batch, values.length, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const [layers, hidden, inner, heads, kvHeads, headDim, vocab] = [30, 576, 1536, 9, 3, 64, 49152] as const;
/** Places of the cache that a row has. */
const room = Math.ceil(length / 64) * 64;

const random = (...shape: number[]): Tensor => ops.toDtype(ops.randn(shape, { dtype: 'f32' }), 'bf16');
const ofLayers = (...shape: number[]) => Array.from({ length: layers }, () => random(...shape));

/** The same of every layer, with what it has. */
function eachLayer<T>(name: string, of: readonly T[], run: (own: T) => void): [string, () => void] {
  return [
    name,
    () => {
      for (const own of of)
        scope(() => {
          run(own);
        });
    },
  ];
}

function projection(name: string, out: number, size: number): [string, () => void] {
  const x = random(batch, size);
  return eachLayer(
    `${name}, ${size} to ${out}`,
    ofLayers(out, size),
    (weight) => void linearOfFew(x, weight),
  );
}

const keys = ofLayers(batch * room, kvHeads, headDim);
const cache = keys.map((key, layer) => ({ key, value: keys[(layer + 1) % layers]! }));
const starts = indices(Array.from({ length: batch }, (_, row) => row * room));
const counts = indices(new Array<number>(batch).fill(length));
const slots = indices(Array.from({ length: batch }, (_, row) => row * room + length - 1));
const [q, newKeys] = [random(batch, heads, headDim), random(batch, kvHeads, headDim)];
const [x, stream, norm] = [random(batch, hidden), random(batch, hidden), random(hidden)];
const [cos, sin] = [random(batch, 1, headDim / 2), random(batch, 1, headDim / 2)];
const [gateUp, both] = [random(batch, 2 * inner), random(batch, heads + kvHeads, headDim)];
/** Peaked, as those of a model are. */
const logits = ops.mulScalar(random(batch, vocab), 4);
const head = random(vocab, hidden);
const uniforms = Float64Array.from({ length: batch }, (_, row) => (row + 0.5) / batch);

const parts: [string, () => void][] = [
  projection('q, k and v', (heads + 2 * kvHeads) * headDim, hidden),
  projection('output', hidden, hidden),
  projection('gate and up', 2 * inner, hidden),
  projection('down', hidden, inner),
  eachLayer(
    `attention to ${length} keys`,
    cache,
    ({ key, value }) => void ops.attendSlots(q, key, value, starts, counts, 0.125, 0),
  ),
  eachLayer('writing keys and values', cache, ({ key, value }) => {
    ops.indexCopy_(key, 0, slots, newKeys);
    ops.indexCopy_(value, 0, slots, newKeys);
  }),
  eachLayer('two sums with their norms', cache, () => {
    void addAndNorm(x, stream, norm, 1e-5, 0);
    void addAndNorm(x, stream, norm, 1e-5, 0);
  }),
  eachLayer('rotation', cache, () => void rotateHalves(both, cos, sin)),
  eachLayer('SwiGLU', cache, () => void gatedLinearUnit(gateUp, 'silu')),
  ['head', () => void linearOfFew(x, head)],
  [
    'choice of tokens',
    () => void chooseTokens(logits, Array(uniforms.length).fill({ temperature: 0.8, topP: 0.95 }), uniforms),
  ],
];

process.stdout.write(`${machine()}; bf16, ${batch} rows\n`);
process.stdout.write(noGrad(() => leastTimes(parts, rounds)));
