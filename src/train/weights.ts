/** @file Holds the trained weights: masters, their gradients, and the model that computes with them. */
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import { FlatLayout } from '../torch/flat.js';
import * as ops from '../torch/ops.js';
import { AdamW, type AdamWOptions } from '../torch/optim.js';
import { trimMemory } from '../torch/runtime.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { Transformer } from '../models/transformer.js';

/** Parameters that are updated alike, in buffers of one layout. */
interface Group {
  layout: FlatLayout;
  /** Whether weight decay is for them: for matrices and embeddings, not for vectors, which are norms and biases. */
  decays: boolean;
  master: Tensor;
  grad: Tensor;
  /** What the model computes with: the master, or its copy in the compute dtype. */
  computing: Tensor;
}

/**
 * Masters and gradients in float32, and a model in the compute dtype. bf16 alone would round away the updates of a
 * learning rate like 1e-6. In float32 (or float64, for tests) the masters are the model's own parameters. All are views of flat
 * buffers, one of each for the parameters that decay and one for the others, so that what goes over all of them is one pass.
 */
export class TrainableWeights implements Disposable {
  readonly model: Transformer;
  readonly masters: ReadonlyMap<string, Tensor>;
  /** Sums over all backwards since the last update or `zeroGrads`, in the order of the masters. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly #mixed: boolean;
  readonly #groups: readonly Group[];

  /** @param model in float32 (or float64); this object owns it from now on */
  constructor(model: Transformer, compute: Dtype) {
    this.masters = model.parameters;
    this.#mixed = model.dtype !== compute;
    this.#groups = groupsOf(this.masters, compute);
    this.grads = this.#views(({ grad }) => grad);
    this.model = this.#mixed
      ? new Transformer(
          model.config,
          this.#views(({ computing }) => computing),
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
      ops.foreachZero_(this.#all('grad'));
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
      ops.foreachCopy_(this.#all('computing'), this.#all('master'));
    });
  }

  /** Makes an optimizer of these weights. */
  optimizer(options: AdamWOptions): AdamW {
    return new AdamW(
      this.#all('master'),
      options,
      this.#groups.map(({ decays }) => decays),
    );
  }

  /** Returns each parameter's part of a moment of the optimizer, as views, in the order of the masters. */
  ofEach(moment: readonly Tensor[]): Map<string, Tensor> {
    return this.#views((_, i) => moment[i]!);
  }

  /**
   * Updates the masters and the model by the sums of gradients times a factor, and zeros the sums.
   * @param optimizer that of these weights
   */
  update(optimizer: AdamW, lr: number, factor: number): void {
    optimizer.update(this.#all('grad'), lr, {
      factor,
      ...(this.#mixed && { copies: this.#all('computing') }),
    });
  }

  #all(kind: 'master' | 'grad' | 'computing'): Tensor[] {
    return this.#groups.map((group) => group[kind]);
  }

  /** The parameters as views of a buffer of each group, in the order of the masters. */
  #views(bufferOf: (group: Group, i: number) => Tensor): Map<string, Tensor> {
    const views = new Map(this.#groups.flatMap((group, i) => [...group.layout.views(bufferOf(group, i))]));
    return new Map(Array.from(this.masters.keys(), (name) => [name, views.get(name)!]));
  }

  [Symbol.dispose](): void {
    disposeAll([
      this.grads,
      this.masters,
      this.model.parameters,
      ...this.#groups.map((group) => ({ ...group, layout: undefined })),
    ]);
  }
}

/** Lays out parameters, which become views of the groups' masters. */
function groupsOf(parameters: ReadonlyMap<string, Tensor>, compute: Dtype): Group[] {
  const groups = [true, false].flatMap((decays) => {
    const members = new Map([...parameters].filter(([, { shape }]) => shape.length > 1 === decays));
    if (members.size === 0) return [];
    const layout = new FlatLayout(Array.from(members, ([name, { shape }]) => [name, shape]));
    const master = layout.take(members);
    return [
      {
        layout,
        decays,
        master,
        grad: ops.zerosLike(master),
        computing: noGrad(() => ops.toDtype(master, compute)),
      },
    ];
  });
  trimMemory(); // that which the parameters had before
  return groups;
}
