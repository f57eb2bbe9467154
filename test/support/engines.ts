import { loadModel } from '../../src/models/checkpoint.js';
import { toFloat64Array } from '../../src/torch/data.js';
import type { Dtype } from '../../src/torch/dtype.js';
import type { TokenRow } from '../../src/text/tokenRows.js';
import { Engine } from '../../src/train/engine.js';
import { TrainableWeights } from '../../src/train/weights.js';
import { familyDir } from './families.js';

/** An engine over a family's tiny model. */
export function engineOf(
  family: string,
  compute: Dtype,
  {
    recompute = false,
    device = 'cpu',
    offload = false,
  }: { recompute?: boolean; device?: string; offload?: boolean } = {},
): Engine & Disposable {
  const { model } = loadModel(familyDir(family), { dtype: compute === 'f64' ? 'f64' : 'f32', device });
  const weights = new TrainableWeights(model, compute, { offload });
  const engine = new Engine(weights, recompute);
  const dispose = engine[Symbol.dispose].bind(engine);
  engine[Symbol.dispose] = () => {
    dispose();
    weights[Symbol.dispose]();
  };
  return engine;
}

/** Rows of made-up tokens; the responses begin after a third. */
export function madeUpRows(lengths: readonly number[], vocabSize = 128): TokenRow[] {
  return lengths.map((length, row) => ({
    ids: Int32Array.from({ length }, (_, i) => ((i + 3) * (i + 11) * (row + 7) + row) % vocabSize),
    responseStart: Math.max(1, Math.floor(length / 3)),
  }));
}

/** A made-up dLoss/dlogp of both signs for every response token. */
export function madeUpGradient(rows: readonly TokenRow[]): Float64Array[] {
  return rows.map(({ ids, responseStart }, row) =>
    Float64Array.from({ length: ids.length - responseStart }, (_, i) => Math.sin(2 * i + row) / (row + 1)),
  );
}

/** The gradients that stand in an engine's weights. */
export function gradientsOf({ weights }: Engine): Map<string, Float64Array> {
  return new Map([...weights.grads].map(([name, grad]) => [name, toFloat64Array(grad).slice()]));
}

/** The largest difference over the largest value. */
export function worst(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i]! - expected[i]!);
    if (!(gap <= difference)) difference = gap; // keeps a NaN
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}

/** The worst of all parameters. */
export function worstOf(
  found: ReadonlyMap<string, Float64Array>,
  expected: ReadonlyMap<string, Float64Array>,
): number {
  return Math.max(...[...expected].map(([name, values]) => worst(found.get(name) ?? [], values)));
}
