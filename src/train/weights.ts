/** @file Holds the trained weights: masters, their gradients, and the model that computes with them. */
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import { FlatLayout } from '../torch/flat.js';
import * as ops from '../torch/ops.js';
import { AdamW, globalNorm, type AdamWOptions } from '../torch/optim.js';
import { trimMemory } from '../torch/runtime.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { Transformer } from '../models/transformer.js';
import { alone, type Ranks } from './ranks.js';

/** Parameters that are updated alike, in buffers of one layout. */
interface Group {
  layout: FlatLayout;
  /** Whether weight decay is for them: for matrices and embeddings, not for vectors, which are norms and biases. */
  decays: boolean;
  /** This rank's part, the same of masters and moments: all of it in one process. */
  master: Tensor;
  first: number;
  grad: Tensor;
  /** What the model computes with: the masters, or their copy in the compute dtype. */
  computing: Tensor;
  /** This rank's part of the gradients' sum over all ranks, if there are several, from `sumGrads` until the update. */
  summed?: Tensor;
}

/**
 * Masters and gradients in float32, and a model in the compute dtype. bf16 alone would round away the updates of a
 * learning rate like 1e-6. In float32 (or float64, for tests) the masters are the model's own parameters. All are views of flat
 * buffers, one of each for the parameters that decay and one for the others, so that what goes over all of them is one pass.
 *
 * Of several ranks each computes with the whole model and sums gradients of all parameters; masters and the optimizer's moments are
 * divided among them (ZeRO-1: Rajbhandari et al. 2020, arXiv:1910.02054).
 */
export class TrainableWeights implements Disposable {
  readonly model: Transformer;
  readonly #names: readonly string[];
  readonly #masters: ReadonlyMap<string, Tensor> | undefined;
  /** Sums over all backwards since the last update or `zeroGrads`, in the order of the masters. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly #mixed: boolean;
  readonly #groups: readonly Group[];

  /** @param model in float32 (or float64); this object owns it from now on */
  constructor(
    model: Transformer,
    compute: Dtype,
    readonly ranks: Ranks = alone,
  ) {
    this.#names = [...model.parameters.keys()];
    this.#mixed = model.dtype !== compute;
    this.#groups = groupsOf(model.parameters, compute, ranks);
    this.#masters = ranks.world === 1 ? model.parameters : undefined;
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

  /** The weights in float32, of a single process; of several each has a part, which `whole` brings together. */
  get masters(): ReadonlyMap<string, Tensor> {
    if (!this.#masters) throw new Error('each rank has a part of the masters alone');
    return this.#masters;
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
    for (const part of this.#groups) {
      part.summed?.dispose();
      delete part.summed;
    }
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

  /** Makes an optimizer of these weights, or of this rank's part of them. */
  optimizer(options: AdamWOptions): AdamW {
    return new AdamW(
      this.#all('master'),
      options,
      this.#groups.map(({ decays }) => decays),
    );
  }

  /**
   * Returns the masters, or a moment of their optimizer, of each parameter, in their order: as views, or at rank 0 of several, which
   * all call this, brought together. The other ranks get nothing.
   * @param parts this rank's
   */
  whole(parts: readonly Tensor[] = this.#all('master')): Map<string, Tensor> {
    const { group, rank } = this.ranks;
    if (!group) return this.#views((_, i) => parts[i]!);
    return scope(() =>
      noGrad(() => {
        const buffers = parts.map((part) => group.toFirst(part));
        return rank === 0 ? this.#views((_, i) => buffers[i]!) : new Map<string, Tensor>();
      }),
    );
  }

  /** Takes the masters from the gradients' place, into which they have been read, and has the model compute with them. */
  takeMasters(): void {
    scope(() => {
      noGrad(() => {
        for (const { computing, grad } of this.#groups) ops.copy_(computing, grad);
      });
    });
    if (this.#mixed) this.takeParts(this.#all('master'));
  }

  /** Takes this rank's parts of what has been read into the gradients' place, such as those of a moment. */
  takeParts(parts: readonly Tensor[]): void {
    scope(() => {
      noGrad(() => {
        this.#groups.forEach(({ grad, first }, i) => {
          ops.copy_(parts[i]!, ops.narrow(grad, 0, first, parts[i]!.elements));
        });
      });
    });
  }

  /**
   * Adds up the gradients of all ranks, each of which has its part of the sum afterwards.
   * @returns the norm of the sum
   */
  sumGrads(): number {
    const { group } = this.ranks;
    if (!group) return globalNorm([...this.grads.values()]);
    const own = noGrad(() => {
      for (const part of this.#groups) part.summed = group.reduceScatter(part.grad);
      return scope(() => {
        const pieces = this.#groups.flatMap(({ layout, summed, first }) => layout.pieces(summed!, first));
        return pieces.length > 0 ? globalNorm(pieces) : 0;
      });
    });
    return Math.hypot(...this.ranks.gather(own));
  }

  /**
   * Updates the masters and the model by the sums of gradients times a factor, and zeros the sums.
   * @param optimizer that of these weights
   */
  update(optimizer: AdamW, lr: number, factor: number): void {
    const { group } = this.ranks;
    scope(() => {
      noGrad(() => {
        const own = this.#groups.map(({ computing, first, master }) =>
          ops.narrow(computing, 0, first, master.elements),
        );
        optimizer.update(group ? this.#all('summed') : this.#all('grad'), lr, {
          factor,
          ...(this.#mixed && { copies: own }),
        });
        if (!group) return;
        this.#groups.forEach(({ computing }, i) => ops.copy_(computing, group.allGather(own[i]!)));
      });
    });
    if (group) this.zeroGrads();
  }

  #all(kind: 'master' | 'grad' | 'summed'): Tensor[] {
    return this.#groups.map((group) => group[kind]!);
  }

  /** The parameters as views of a buffer of each group, in the order of the masters. */
  #views(bufferOf: (group: Group, i: number) => Tensor): Map<string, Tensor> {
    const views = new Map(this.#groups.flatMap((group, i) => [...group.layout.views(bufferOf(group, i))]));
    return new Map(this.#names.map((name) => [name, views.get(name)!]));
  }

  [Symbol.dispose](): void {
    const buffers = this.#groups.flatMap(({ master, grad, computing, summed }) => [
      ...[master, grad, computing],
      ...(summed ? [summed] : []),
    ]);
    disposeAll([this.grads, this.#masters, this.model.parameters, buffers]);
  }
}

/** Lays out parameters, which become views of the groups' masters, or are freed where a rank has a part of those alone. */
function groupsOf(parameters: ReadonlyMap<string, Tensor>, compute: Dtype, { rank, world }: Ranks): Group[] {
  const groups = [true, false].flatMap((decays) => {
    const members = new Map([...parameters].filter(([, { shape }]) => shape.length > 1 === decays));
    if (members.size === 0) return [];
    const layout = new FlatLayout(
      Array.from(members, ([name, { shape }]) => [name, shape]),
      world,
    );
    const all = layout.take(members);
    const computing = noGrad(() => ops.toDtype(all, compute));
    const count = layout.elements / world;
    const first = rank * count;
    const grad = ops.zerosLike(all);
    if (world === 1) return [{ layout, decays, first, master: all, grad, computing }];
    const part = noGrad(() => ops.narrow(computing, 0, first, count));
    if (all.dtype === compute) return [{ layout, decays, first, master: part, grad, computing }];
    const master = noGrad(() => ops.clone(ops.narrow(all, 0, first, count)));
    disposeAll([all, part, members]);
    return [{ layout, decays, first, master, grad, computing }];
  });
  trimMemory(); // that which the parameters had before
  return groups;
}
