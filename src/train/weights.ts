/** @file Holds the trained weights: masters, their gradients, and the model that computes with them. */
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import type { AdamW } from '../torch/optim.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { staysWide } from '../models/loraShapes.js';
import { Transformer } from '../models/transformer.js';

/**
 * What training changes of a model, in float32 with gradients, and a model in the compute dtype. bf16 alone would round away the
 * updates of a learning rate like 1e-6. Where the dtypes are the same (float32, or float64 for tests), the masters are the
 * model's own parameters. All else of the model is frozen: it has neither master nor gradient.
 */
export class TrainableWeights implements Disposable {
  readonly model: Transformer;
  readonly masters: ReadonlyMap<string, Tensor>;
  /** Sums over all backwards since the last update or `zeroGrads`, in the order of the masters. */
  readonly grads: ReadonlyMap<string, Tensor>;
  /** Of the masters that the model has in another dtype, what it has. */
  readonly #copies: ReadonlyMap<string, Tensor>;

  /**
   * @param model what is trained of it in float32 (or float64), the rest in the compute dtype; this object owns it from now on
   * @param names of the parameters that train
   */
  constructor(model: Transformer, compute: Dtype, names: readonly string[] = model.trainable) {
    this.masters = new Map(names.map((name) => [name, model.parameter(name)]));
    this.grads = new Map([...this.masters].map(([name, master]) => [name, ops.zerosLike(master)]));
    this.#copies = new Map(
      [...this.masters]
        .filter(([name, { dtype }]) => dtype !== compute && !staysWide(name))
        .map(([name, master]) => [name, ops.toDtype(master, compute)]),
    );
    this.model =
      this.#copies.size > 0
        ? new Transformer(
            model.config,
            new Map([...model.parameters, ...this.#copies]),
            model.arithmetic,
            this.grads,
            model.adapters?.lora,
          )
        : model;
    if (this.model !== model) model.adapters?.[Symbol.dispose]();
    for (const [name, grad] of this.grads) {
      const parameter = this.model.parameter(name);
      parameter.requiresGrad = true;
      if (!this.#copies.has(name)) parameter.grad = grad; // autograd then adds to it in place
    }
  }

  /** The sum of a parameter's gradients; undefined where it is frozen. */
  gradOf(name: string): Tensor | undefined {
    return this.grads.get(name);
  }

  /** The gradient of the head's weight, which is the embedding's if they are tied. */
  get headGrad(): Tensor | undefined {
    return this.gradOf(this.model.config.tied ? 'embedding' : 'head');
  }

  /** The number of weights that train. */
  get count(): number {
    return [...this.masters.values()].reduce((sum, { elements }) => sum + elements, 0);
  }

  zeroGrads(): void {
    noGrad(() => {
      ops.foreachZero_([...this.grads.values()]);
    });
  }

  /** Adds the gradients that autograd has left in these parameters of the compute model to the float32 sums; kernels have added theirs. */
  gather(names: readonly string[]): void {
    scope(() => {
      noGrad(() => {
        const into: Tensor[] = [];
        const from: Tensor[] = [];
        for (const name of names) {
          const copy = this.#copies.get(name);
          const grad = copy?.grad;
          if (!copy || !grad) continue;
          into.push(this.grads.get(name)!);
          from.push(grad);
          copy.grad = null;
        }
        if (into.length > 0) ops.foreachAdd_(into, from);
      });
    });
  }

  /** Copies the masters into the compute model after they have been put into place. */
  sync(): void {
    if (this.#copies.size > 0)
      noGrad(() => {
        ops.foreachCopy_(
          [...this.#copies.values()],
          [...this.#copies.keys()].map((name) => this.masters.get(name)!),
        );
      });
    this.model.adapters?.refresh();
  }

  /** Updates the masters and the model by the sums of gradients times a factor, and zeros the sums. */
  update(optimizer: AdamW, lr: number, factor: number): void {
    const isCopied = this.#copies.size === this.masters.size;
    optimizer.update([...this.grads.values()], lr, {
      factor,
      ...(isCopied && { copies: [...this.#copies.values()] }),
    });
    if (isCopied) this.model.adapters?.refresh();
    else this.sync();
  }

  [Symbol.dispose](): void {
    for (const tensor of this.grads.values()) tensor.dispose();
    for (const name of this.#copies.keys()) this.masters.get(name)!.dispose();
    this.model[Symbol.dispose]();
  }
}
