/** @file Holds the trained weights: masters, their gradients, and the model that computes with them. */
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import type { AdamW } from '../torch/optim.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { Transformer } from '../models/transformer.js';

/**
 * Masters and gradients in float32, and a model in the compute dtype. bf16 alone would round away the updates of a
 * learning rate like 1e-6. In float32 (or float64, for tests) the masters are the model's own parameters.
 */
export class TrainableWeights implements Disposable {
  readonly model: Transformer;
  readonly masters: ReadonlyMap<string, Tensor>;
  /** Sums over all backwards since the last update or `zeroGrads`, in the order of the masters. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly #mixed: boolean;

  /** @param model in float32 (or float64); this object owns it from now on */
  constructor(model: Transformer, compute: Dtype) {
    this.masters = model.parameters;
    this.#mixed = model.dtype !== compute;
    this.grads = new Map([...this.masters].map(([name, master]) => [name, ops.zerosLike(master)]));
    this.model = this.#mixed
      ? new Transformer(
          model.config,
          new Map([...this.masters].map(([name, master]) => [name, ops.toDtype(master, compute)])),
          model.arithmetic,
          this.grads,
        )
      : model;
    for (const [name, parameter] of this.model.parameters) {
      parameter.requiresGrad = true;
      if (!this.#mixed) parameter.grad = this.grads.get(name)!; // autograd then adds to it in place
    }
  }

  gradOf(name: string): Tensor {
    return this.grads.get(name)!;
  }

  /** The gradient of the head's weight, which is the embedding's if they are tied. */
  get headGrad(): Tensor {
    return this.gradOf(this.model.config.tied ? 'embedding' : 'head');
  }

  zeroGrads(): void {
    noGrad(() => {
      ops.foreachZero_([...this.grads.values()]);
    });
  }

  /** Adds the gradients that autograd has left in these parameters of the compute model to the float32 sums; kernels have added theirs. */
  gather(names: readonly string[]): void {
    if (!this.#mixed) return;
    scope(() => {
      noGrad(() => {
        const into: Tensor[] = [];
        const from: Tensor[] = [];
        for (const name of names) {
          const parameter = this.model.parameter(name);
          const grad = parameter.grad;
          if (!grad) continue;
          into.push(this.gradOf(name));
          from.push(grad);
          parameter.grad = null;
        }
        if (into.length > 0) ops.foreachAdd_(into, from);
      });
    });
  }

  /** Copies the masters into the compute model after they have been put into place. */
  sync(): void {
    if (!this.#mixed) return;
    noGrad(() => {
      ops.foreachCopy_([...this.model.parameters.values()], [...this.masters.values()]);
    });
  }

  /** Updates the masters and the model by the sums of gradients times a factor, and zeros the sums. */
  update(optimizer: AdamW, lr: number, factor: number): void {
    optimizer.update([...this.grads.values()], lr, {
      factor,
      ...(this.#mixed && { copies: [...this.model.parameters.values()] }),
    });
  }

  [Symbol.dispose](): void {
    for (const tensor of this.grads.values()) tensor.dispose();
    if (this.#mixed) for (const tensor of this.masters.values()) tensor.dispose();
    this.model[Symbol.dispose]();
  }
}
