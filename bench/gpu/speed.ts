/** @file How fast a GPU trains and decodes, against what its matrix products alone allow, and where the time goes. */
import type { ModelConfig } from '../../src/models/config.js';
import { ChunkedHead } from '../../src/models/head.js';
import { rmsNorm, rmsNormBackward } from '../../src/models/norm.js';
import { packSequences } from '../../src/models/pack.js';
import { createObjective } from '../../src/objectives/index.js';
import { Decoder } from '../../src/generate/decoder.js';
import { chooseTokens } from '../../src/generate/sampling.js';
import { backward, noGrad } from '../../src/torch/autograd.js';
import { fromArray, indices } from '../../src/torch/data.js';
import { isOutOfMemory } from '../../src/torch/errors.js';
import { attendLong, gatedLinearUnit } from '../../src/torch/fused.js';
import { native } from '../../src/torch/native.js';
import * as ops from '../../src/torch/ops.js';
import { memoryStats, synchronize } from '../../src/torch/runtime.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';
import { Engine } from '../../src/train/engine.js';
import { randomPairs, RandomStudent, randomTransformer } from '../randomModel.js';
import { median, spread } from '../support.js';
import { stepFlops } from './model.js';
import type { Report } from './report.js';

/** Milliseconds of each call after two that warm up, the device idle before and after. */
function milliseconds(device: string, calls: number, body: () => void): number[] {
  const times: number[] = [];
  for (let call = -2; call < calls; call++) {
    synchronize(device);
    const started = performance.now();
    scope(body);
    synchronize(device);
    if (call >= 0) times.push(performance.now() - started);
  }
  return times;
}

/** Measures bf16 products of the model's own shapes, `tokens` rows at a time. @returns FLOP/s over all of them */
export function measureProducts(report: Report, config: ModelConfig, device: string, tokens: number): number {
  const { hiddenSize: hidden, heads, kvHeads, headDim, intermediateSize, vocabSize, attention } = config;
  const shapes: [name: string, inputs: number, outputs: number, times: number][] = [
    ['qkv', hidden, (heads + 2 * kvHeads) * headDim, attention.length],
    ['output', heads * headDim, hidden, attention.length],
    ['gate and up', hidden, 2 * intermediateSize, attention.length],
    ['down', intermediateSize, hidden, attention.length],
    ['head', hidden, vocabSize, 1],
  ];
  let [flops, seconds] = [0, 0];
  for (const [name, inputs, outputs, times] of shapes) {
    scope(() => {
      const random = (shape: number[]) => ops.randn(shape, { dtype: 'bf16', device });
      const [x, weight, grad] = [
        [tokens, inputs],
        [outputs, inputs],
        [tokens, outputs],
      ].map(random) as [Tensor, Tensor, Tensor];
      const spent = median(
        milliseconds(device, 5, () => {
          ops.mm(x, ops.t(weight));
          ops.mm(grad, weight);
          ops.mm(ops.t(grad), x);
        }),
      );
      const count = 6 * tokens * inputs * outputs;
      flops += times * count;
      seconds += (times * spent) / 1000;
      const row = { product: name, shape: `${tokens} × ${inputs} × ${outputs}` };
      report.add('Products in bf16: forward, and both of backward', {
        ...row,
        ms: spent.toFixed(2),
        'TFLOP/s': (count / spent / 1e9).toFixed(0),
      });
    });
  }
  return flops / seconds;
}

export interface TrainRow {
  objective: 'redi' | 'sft' | 'simpo';
  length: number;
  tracesAPack: number;
  recompute: boolean;
}

/** Optimizer steps of one pair of traces of equal length (of two traces for sft), the first left out. */
export function measureTraining(
  report: Report,
  student: RandomStudent,
  device: string,
  { objective: name, length, tracesAPack, recompute }: TrainRow,
  { steps, limit }: { steps: number; limit: number | undefined },
): void {
  const { config } = student.weights.model;
  const onGpu = device !== 'cpu';
  if (onGpu) {
    native.emptyCache(device);
    native.resetPeakMemory(device);
  }
  const objective = createObjective({ name });
  const sequences = randomPairs([[length, length]], config.vocabSize).map((sequence, group) =>
    name === 'sft' ? { ...sequence, role: 'chosen' as const, group } : sequence,
  );
  const setting = { objective: name, 'tokens a trace': length, 'traces a pack': tracesAPack };
  const heading = { ...setting, recompute: recompute ? 'yes' : 'no' };
  const title = 'Training steps, bf16';
  using engine = new Engine(student.weights, recompute);
  const seconds: number[] = [];
  try {
    for (let step = 0; step <= steps; step++) {
      synchronize(device);
      const started = performance.now();
      student.step(engine, objective, sequences, tracesAPack * length);
      synchronize(device);
      if (step > 0) seconds.push((performance.now() - started) / 1000);
    }
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    report.add(title, { ...heading, 'tokens/s': 'out of memory' });
    return;
  }
  const flops = stepFlops(config, length, 2) / median(seconds);
  report.add(title, {
    ...heading,
    'tokens/s': spread(seconds.map((s) => (2 * length) / s)),
    'TFLOP/s': (flops / 1e12).toFixed(0),
    'of the products': limit === undefined ? '–' : `${((100 * flops) / limit).toFixed(0)} %`,
    'peak, GB': (memoryStats(device).peakAllocated / 1e9).toFixed(2),
  });
}

/** The parts of a layer's work on `tokens` tokens of one trace, each forward and backward on its own. */
export function measureParts(report: Report, config: ModelConfig, device: string, tokens: number): void {
  const { hiddenSize: hidden, heads, kvHeads, headDim, intermediateSize: inner, normEps, vocabSize } = config;
  const layers = config.attention.length;
  const part = (name: string, times: number, body: () => void) => {
    const spent = milliseconds(device, 5, body);
    report.add(`Parts of a step of ${tokens} tokens, forward and backward`, {
      part: name,
      ms: spread(spent, 2),
      'times a step': times,
      'ms a step': (times * median(spent)).toFixed(1),
    });
  };
  scope(() => {
    const random = (shape: number[]) => ops.randn(shape, { dtype: 'bf16', device });
    const leaf = (shape: number[]) => {
      const tensor = random(shape);
      tensor.requiresGrad = true;
      return tensor;
    };
    const [x, g] = [random([tokens, hidden]), random([tokens, hidden])];
    const weight = ops.ones([hidden], { dtype: 'bf16', device });
    const weightGrad = ops.zeros([hidden], { dtype: 'f32', device });
    part('RMSNorm', 2 * layers + 1, () => {
      noGrad(() => rmsNorm(x, weight, normEps, 0));
      rmsNormBackward(x, weight, normEps, 0, g, weightGrad);
    });
    const both = leaf([tokens, 2 * inner]);
    const innerGrad = random([tokens, inner]);
    part('SwiGLU', layers, () => {
      backward([gatedLinearUnit(both, 'silu')], [innerGrad]);
      both.grad = null;
    });
    using model = randomTransformer({ ...config, attention: config.attention.slice(0, 1) }, device, 'bf16');
    const { context } = packSequences(model, [new Int32Array(tokens)]);
    const [q, k, v] = [heads, kvHeads, kvHeads].map((count) => leaf([tokens, count, headDim])) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const attentionGrad = random([tokens, heads * headDim]);
    part('attention', layers, () => {
      backward([context.attend(0, q, k, v)], [attentionGrad]);
      for (const tensor of [q, k, v]) tensor.grad = null;
    });
    part('attention branch', layers, () => {
      const normed = leaf([tokens, hidden]);
      backward([model.branches[0]![0]!.run(normed, context)], [g]);
    });
    part('MLP branch', layers, () => {
      const normed = leaf([tokens, hidden]);
      backward([model.branches[0]![1]!.run(normed, context)], [g]);
    });
    const headWeight = random([vocabSize, hidden]);
    const headGrad = ops.zeros([vocabSize, hidden], { dtype: 'f32', device });
    const targets = indices(new Int32Array(tokens).fill(7), device);
    using head = new ChunkedHead(headWeight);
    part('head', 1, () => {
      head.backward(x, targets, new Float64Array(tokens).fill(1e-3), headGrad);
    });
  });
}

/** Attention of a layer over packs of equal lengths, forward and backward: all by flash, and each sequence by cuDNN. */
export function measureLongAttention(report: Report, config: ModelConfig, device: string): void {
  const { heads, kvHeads, headDim, attentionScale: scale } = config;
  const tokens = 16_384;
  for (const sequences of [1, 2, 4, 8, 16]) {
    const length = tokens / sequences;
    scope(() => {
      const leaf = (count: number) => {
        const tensor = ops.randn([tokens, count, headDim], { dtype: 'bf16', device });
        tensor.requiresGrad = true;
        return tensor;
      };
      const inputs = [heads, kvHeads, kvHeads].map(leaf) as [Tensor, Tensor, Tensor];
      const grad = ops.randn([tokens, heads, headDim], { dtype: 'bf16', device });
      const ends = Int32Array.from({ length: sequences + 1 }, (_, s) => s * length);
      const borders = ops.toDevice(fromArray(ends), device, 'i32');
      const time = (attend: () => Tensor) =>
        milliseconds(device, 7, () => {
          backward([attend()], [grad]);
          for (const input of inputs) input.grad = null;
        });
      const flash = time(
        () =>
          ops.flashAttentionForward(...inputs, borders, borders, length, length, 0, true, false, {
            scale,
          })[0],
      );
      const each = time(() => {
        const [q, k, v] = inputs.map((x) => ops.splitWithSizes(x, Array<number>(sequences).fill(length)));
        return ops.cat(
          q!.map((queries, s) => attendLong(queries, k![s]!, v![s]!, scale)),
          0,
        );
      });
      report.add('Attention of a layer over 16,384 tokens, forward and backward', {
        sequences: `${sequences} × ${length}`,
        'flash, ms': spread(flash, 2),
        'cuDNN, ms': spread(each, 2),
      });
    });
  }
}

/** Decoding steps of `rows` rows that are all `columns` tokens long, sampling at T 0.8 and top-p 0.95 apart. */
export function measureDecoding(
  report: Report,
  config: ModelConfig,
  device: string,
  { rows, columns }: { rows: number; columns: number },
): void {
  using model = randomTransformer(config, device, 'bf16');
  using decoder = new Decoder(model, Array<number>(rows).fill(columns));
  decoder.joinIdle(Array<number>(rows).fill(columns));
  const tokens = new Int32Array(rows).fill(5);
  const uniforms = new Float64Array(rows).fill(0.4);
  const [steps, queued, choices]: [number[], number[], number[]] = [[], [], []];
  for (let step = 0; step < 12; step++) {
    synchronize(device);
    const started = performance.now();
    const logits = decoder.step(tokens);
    const handedOver = performance.now();
    synchronize(device);
    const between = performance.now();
    chooseTokens(logits, Array(uniforms.length).fill({ temperature: 0.8, topP: 0.95 }), uniforms);
    logits.dispose();
    if (step < 2) continue;
    steps.push(between - started);
    queued.push(handedOver - started);
    choices.push(performance.now() - between);
  }
  report.add('Decoding, bf16', {
    rows,
    columns,
    'ms a step': spread(steps, 1),
    'of it handing over': spread(queued, 1),
    'ms of sampling': spread(choices, 1),
    'tokens/s': Math.round((1000 * rows) / (median(steps) + median(choices))),
  });
}
