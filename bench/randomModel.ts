import type { ModelConfig } from '../src/models/config.js';
import { parameterSpecs } from '../src/models/parameters.js';
import { Transformer } from '../src/models/transformer.js';
import type { Objective } from '../src/objectives/index.js';
import type { Dtype } from '../src/torch/dtype.js';
import * as ops from '../src/torch/ops.js';
import { AdamW, clipFactor, globalNorm } from '../src/torch/optim.js';
import { scope } from '../src/torch/tensor.js';
import type { Engine } from '../src/train/engine.js';
import type { TrainSequence } from '../src/train/sequences.js';
import { runStep } from '../src/train/step.js';
import { TrainableWeights } from '../src/train/weights.js';
import { Random } from '../src/util/random.js';

/** A model made on `device` from nothing: matrices from N(0, 0.02²), norms 1, biases 0. */
export function randomTransformer(config: ModelConfig, device: string, dtype: Dtype = 'f32'): Transformer {
  const parameters = [...parameterSpecs(config)].map(([name, { shape }]) => {
    const options = { dtype, device };
    const tensor = scope(() => {
      if (name.endsWith('Bias')) return ops.zeros(shape, options);
      if (shape.length === 1) return ops.ones(shape, options);
      const matrix = ops.randn(shape, options);
      ops.mulScalar_(matrix, 0.02);
      return matrix;
    });
    return [name, tensor] as const;
  });
  return new Transformer(config, new Map(parameters));
}

/** A random model with its optimizer: what a training step works on, without files, tokenizer or data. */
export class RandomStudent implements Disposable {
  readonly weights: TrainableWeights;
  readonly #optimizer: AdamW;

  constructor(config: ModelConfig, device: string, compute: Dtype) {
    this.weights = new TrainableWeights(randomTransformer(config, device), compute);
    this.#optimizer = this.weights.optimizer({
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
    });
  }

  /** Forward and backward of a step, without the update. @returns the loss */
  gradients(
    engine: Engine,
    objective: Objective,
    sequences: readonly TrainSequence[],
    tokenBudget: number,
  ): number {
    return scope(() => {
      this.weights.zeroGrads();
      return runStep(engine, objective, sequences, tokenBudget).loss;
    });
  }

  /** One optimizer step, as the trainer makes it. @throws Error where it computed no finite number */
  step(engine: Engine, objective: Objective, sequences: readonly TrainSequence[], tokenBudget: number): void {
    scope(() => {
      const grads = [...this.weights.grads.values()];
      const loss = this.gradients(engine, objective, sequences, tokenBudget);
      const norm = globalNorm(grads);
      this.weights.update(this.#optimizer, 1e-6, clipFactor(norm, 1));
      if (!Number.isFinite(loss) || !(norm > 0 && norm < Infinity)) {
        throw new Error(`the step gave loss ${loss} and gradient norm ${norm}`);
      }
    });
  }

  [Symbol.dispose](): void {
    this.#optimizer[Symbol.dispose]();
    this.weights[Symbol.dispose]();
  }
}

/** Pairs of random tokens, all of them trained but the first of each trace. @param lengths tokens of each pair's traces */
export function randomPairs(
  lengths: readonly (readonly [chosen: number, rejected: number])[],
  vocabulary: number,
  random = new Random(1),
): TrainSequence[] {
  return lengths.flatMap((pair, group) =>
    (['chosen', 'rejected'] as const).map((role, side) => {
      const ids = Int32Array.from({ length: pair[side]! }, () => random.nextInt(vocabulary));
      return { role, group, length: ids.length - 1, row: { ids, responseStart: 1 } };
    }),
  );
}
