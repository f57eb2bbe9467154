/** @file What must be right on a GPU before its speed matters: attention in packs, the same step twice, memory that stays. */
import type { ModelConfig } from '../../src/models/config.js';
import { parseConfig } from '../../src/models/config.js';
import { packSequences } from '../../src/models/pack.js';
import { createObjective } from '../../src/objectives/index.js';
import { backward } from '../../src/torch/autograd.js';
import { toFloat64Array } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import { native } from '../../src/torch/native.js';
import * as ops from '../../src/torch/ops.js';
import { seed, synchronize } from '../../src/torch/runtime.js';
import { scope, type Tensor } from '../../src/torch/tensor.js';
import { Engine } from '../../src/train/engine.js';
import { Random } from '../../src/util/random.js';
import { randomPairs, RandomStudent, randomTransformer } from '../randomModel.js';
import type { Report } from './report.js';

/** ‖found − expected‖ / ‖expected‖ */
function distance(found: Float64Array, expected: Float64Array): number {
  const squares = (values: Float64Array) => values.reduce((sum, x) => sum + x * x, 0);
  return Math.sqrt(squares(found.map((x, i) => x - expected[i]!)) / squares(expected));
}

interface Shape {
  heads: number;
  kvHeads: number;
  headDim: number;
  window?: number;
  /** Sequences that are long enough for cuDNN's attention, among short ones. */
  long?: boolean;
}

/** A model of one layer with attention of this shape. */
function attentionConfig({ heads, kvHeads, headDim, window }: Shape): ModelConfig {
  return parseConfig(
    {
      ...{ model_type: window === undefined ? 'llama' : 'mistral', sliding_window: window },
      ...{ vocab_size: 64, hidden_size: 64, intermediate_size: 64, num_hidden_layers: 1, head_dim: headDim },
      ...{ num_attention_heads: heads, num_key_value_heads: kvHeads, max_position_embeddings: 4096 },
    },
    'a layer',
  );
}

/** Output, dq, dk and dv of the attention of a pack of random values, the same on every device. */
function attend(
  config: ModelConfig,
  lengths: readonly number[],
  device: string,
  dtype: Dtype,
): Float64Array[] {
  return scope(() => {
    using model = randomTransformer(config, device, dtype);
    seed(5);
    const tokens = lengths.reduce((a, b) => a + b, 0);
    const counts = [config.heads, config.kvHeads, config.kvHeads];
    const [q, k, v, g] = [...counts, config.heads].map((count) => {
      const x = ops.toDtype(ops.randn([tokens, count, config.headDim], { dtype: 'f32' }), 'bf16');
      return ops.toDevice(x, device, dtype);
    }) as [Tensor, Tensor, Tensor, Tensor];
    for (const x of [q, k, v]) x.requiresGrad = true;
    const { context } = packSequences(
      model,
      lengths.map((length) => new Int32Array(length)),
    );
    const out = context.attend(0, q, k, v);
    backward([out], [ops.reshape(g, out.shape)]);
    return [out, q.grad!, k.grad!, v.grad!].map((x) => toFloat64Array(x).slice());
  });
}

/**
 * Compares the attention of a pack in bf16 with float64 on the CPU, one sequence at a time, and beside it how far that
 * is in bf16 on the CPU: the GPU may be no further off than a few of those.
 * @returns whether it holds
 */
export function checkAttention(report: Report, device: string): boolean {
  const shapes: Shape[] = [
    ...[64, 128, 256].map((headDim) => ({ heads: 4, kvHeads: 4, headDim })),
    ...[64, 128, 256].map((headDim) => ({ heads: 6, kvHeads: 2, headDim })),
    ...[64, 128].map((headDim) => ({ heads: 6, kvHeads: 2, headDim, window: 50 })),
    { heads: 3, kvHeads: 1, headDim: 80 },
    ...[64, 128].map((headDim) => ({ heads: 6, kvHeads: 2, headDim, long: true })),
  ];
  let holds = true;
  for (const shape of shapes) {
    const config = attentionConfig(shape);
    const lengths = shape.long ? [2048, 5, 40, 2300, 63] : [1, 2, 63, 64, 65, 200, 333];
    const expected = attend(config, lengths, 'cpu', 'f64');
    const of = (on: string, dtype: Dtype) =>
      attend(config, lengths, on, dtype).map((values, i) => distance(values, expected[i]!));
    const [found, here] = [of(device, 'bf16'), of('cpu', 'bf16')];
    const good = found.every((error, i) => error < 2 * here[i]! + 1e-3);
    holds &&= good;
    const { heads, kvHeads, headDim, window } = shape;
    report.add('Attention of a pack: distance from float64', {
      heads: `${heads}/${kvHeads}`,
      headDim,
      window: window ?? '–',
      longest: Math.max(...lengths),
      'bf16 here: out, dq, dk, dv': found.map((error) => error.toExponential(1)).join(' '),
      'bf16 on the CPU': here.map((error) => error.toExponential(1)).join(' '),
      holds: good ? 'yes' : 'NO',
    });
  }
  return holds;
}

/** Makes the same step twice from the same weights and counts the weights whose gradients differ. */
export function checkRepeat(report: Report, config: ModelConfig, device: string): void {
  seed(1);
  using student = new RandomStudent(config, device, 'bf16');
  using engine = new Engine(student.weights);
  const objective = createObjective({ name: 'redi' });
  const sequences = randomPairs([[400, 700]], config.vocabSize);
  const gradients = () => {
    student.gradients(engine, objective, sequences, 2048);
    return [...student.weights.grads].map(([name, grad]) => [name, scope(() => ops.clone(grad))] as const);
  };
  const [first, second] = [gradients(), gradients()];
  const differ = first.filter(([, grad], i) => !ops.equal(grad, second[i]![1]));
  const parts = new Set(differ.map(([name]) => name.replace(/^layers\.\d+\./, '')));
  for (const [, grad] of [...first, ...second]) grad.dispose();
  report.add('One step twice', {
    'gradients of': first.length,
    'not the same bits': differ.length,
    which: [...parts].join(' ') || '–',
  });
}

/** Steps of packs of ever new lengths: memory that the allocator has reserved against what was ever in use. */
export function checkMemory(report: Report, config: ModelConfig, device: string, steps: number): void {
  native.emptyCache(device);
  native.resetPeakMemory(device);
  using student = new RandomStudent(config, device, 'bf16');
  using engine = new Engine(student.weights);
  const objective = createObjective({ name: 'redi' });
  const random = new Random(3);
  const draw = () => 200 + random.nextInt(7000);
  const started = performance.now();
  let tokens = 0;
  for (let step = 1; step <= steps; step++) {
    const pair = [draw(), draw()] as const;
    tokens += pair[0] + pair[1];
    student.step(engine, objective, randomPairs([pair], config.vocabSize), 16_384);
    if (step !== 10 && step !== steps) continue;
    synchronize(device);
    const [, allocated = 0, , reserved = 0] = native.memoryStats(device);
    report.add('Packs of random lengths', {
      steps: step,
      'tokens/s': Math.round((1000 * tokens) / (performance.now() - started)),
      'peak in use, GB': (allocated / 1e9).toFixed(2),
      'peak reserved, GB': (reserved / 1e9).toFixed(2),
    });
  }
}
