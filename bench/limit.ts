/**
 * What share of a training step's time its matrix products alone would take. The limit is what this machine multiplies at a
 * model's shapes when nothing else runs: x · weightᵀ, grad · weight and gradᵀ · x of each weight, by libtorch or by our own
 * kernel, whichever is faster.
 */
import type { ModelConfig } from '../src/models/config.js';
import { parameterSpecs } from '../src/models/parameters.js';
import { openObjective } from '../src/objectives/index.js';
import { hasLinear } from '../src/torch/fused.js';
import * as ops from '../src/torch/ops.js';
import { setThreads } from '../src/torch/runtime.js';
import { scope } from '../src/torch/tensor.js';
import { prepareExamples } from '../src/train/examples.js';
import type { TrainRecipe } from '../src/train/settings.js';
import { median } from './support.js';

/** A weight that the model has `count` times. */
interface Weight {
  out: number;
  in: number;
  count: number;
}

/** The matrices that every token is multiplied by, the head's apart: only responses go through it. */
function weightsOf(config: ModelConfig): { layers: Weight[]; head: Weight } {
  const layers = new Map<string, Weight>();
  for (const [name, { shape }] of parameterSpecs(config)) {
    const [out, size] = shape;
    if (!name.startsWith('layers.') || out === undefined || size === undefined) continue;
    const before = layers.get(shape.join());
    layers.set(shape.join(), { out, in: size, count: (before?.count ?? 0) + 1 });
  }
  return {
    layers: [...layers.values()],
    head: { out: config.vocabSize, in: config.hiddenSize, count: 1 },
  };
}

/**
 * Counts the operations of training on a recipe's data, by token: six for each weight of a layer, six for each of the head and
 * a response's token, and twelve for each query, each key that it sees and each element of a head. Nothing that is recomputed
 * counts, nor the second pass over the head of objectives that need the log-probs first.
 */
export async function flopsPerToken(config: ModelConfig, recipe: TrainRecipe): Promise<number> {
  const data = await prepareExamples(recipe, await openObjective(recipe.objective));
  using examples = data.examples;
  const { tokens } = data;
  const { layers, head } = weightsOf(config);
  const perToken = layers.reduce((sum, { out, in: size, count }) => sum + 6 * out * size * count, 0);
  const perPair = 12 * config.heads * config.headDim * config.attention.length;
  let total = perToken * tokens;
  for (const { row } of [...examples].flatMap(({ parts }) => parts)) {
    const length = row.ids.length;
    total += 6 * head.out * head.in * (length - row.responseStart) + (perPair * length * (length + 1)) / 2;
  }
  return total / tokens;
}

/** One product of a step, `count` times in it. */
interface Product {
  flops: number;
  count: number;
  /** Ways of computing it. */
  ways: (() => void)[];
}

/** Lists the products of a step with `rows` tokens at a time. */
function productsOf(config: ModelConfig, dtype: 'f32' | 'bf16', rows: number): Product[] {
  const random = (shape: number[]) => ops.toDtype(ops.randn(shape, { dtype: 'f32' }), dtype);
  const { layers, head } = weightsOf(config);
  return [...layers, head].flatMap(({ out, in: size, count }) => {
    const [x, grad, weight] = [random([rows, size]), random([rows, out]), random([out, size])];
    const inputGrad = ops.emptyLike(x);
    const sum = ops.zeros([out, size], { dtype: 'f32' });
    const has = hasLinear(weight);
    const product = (libtorch: () => void, own: () => void): Product => ({
      flops: 2 * rows * out * size,
      count,
      ways: has ? [libtorch, own] : [libtorch],
    });
    return [
      product(
        () => ops.linear(x, weight),
        () => ops.linearRows(x, weight, null, null),
      ),
      product(
        () => ops.mm(grad, weight),
        () => {
          ops.linearInputGradOut(grad, weight, inputGrad);
        },
      ),
      product(
        () => ops.mm(ops.t(grad), x),
        () => {
          ops.linearWeightGrad_(grad, x, sum);
        },
      ),
    ];
  });
}

/**
 * Measures operations a second of the products of a step, with `rows` tokens at a time: each way of each product takes its
 * turn in every round, so that a disturbance falls on all, and counts with its median.
 */
export function productLimit(config: ModelConfig, dtype: 'f32' | 'bf16', rows: number, rounds = 15): number {
  setThreads();
  return scope(() => {
    const products = productsOf(config, dtype, rows);
    const times = products.map(({ ways }) => ways.map((): number[] => []));
    for (let round = 0; round < rounds; round++)
      products.forEach(({ ways }, product) => {
        ways.forEach((way, i) => {
          const started = performance.now();
          scope(way);
          times[product]![i]!.push((performance.now() - started) / 1000);
        });
      });
    const seconds = products.reduce(
      (sum, { count }, i) => sum + count * Math.min(...times[i]!.map(median)),
      0,
    );
    return products.reduce((sum, { flops, count }) => sum + count * flops, 0) / seconds;
  });
}
