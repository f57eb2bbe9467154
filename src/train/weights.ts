/** @file Holds the trained weights: masters, their gradients, and the model that computes with them. */
import { noGrad } from '../torch/autograd.js';
import type { Dtype } from '../torch/dtype.js';
import { FlatLayout } from '../torch/flat.js';
import * as ops from '../torch/ops.js';
import { AdamW, globalNorm, type AdamWOptions } from '../torch/optim.js';
import { trimMemory } from '../torch/runtime.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { staysWide } from '../models/loraShapes.js';
import { Transformer } from '../models/transformer.js';
import { alone, type Ranks } from './ranks.js';

/** Parameters that are updated alike and computed with in one dtype, in buffers of one layout. */
interface Group {
  layout: FlatLayout;
  names: readonly string[];
  /** Whether weight decay is for them: for matrices and embeddings, not for vectors, which are norms and biases. */
  decays: boolean;
  /** This rank's part, the same of masters and moments: all of it in one process. */
  master: Tensor;
  first: number;
  grad: Tensor;
  /** What the model computes with: the masters, or their copy in the compute dtype or on another device. */
  computing: Tensor;
  isCopied: boolean;
  /** This rank's part of the gradients' sum over all ranks, if there are several, from `sumGrads` until the update. */
  summed?: Tensor;
}

/**
 * What training changes of a model, in float32 with gradients, and a model in the compute dtype. bf16 alone would round away the
 * updates of a learning rate like 1e-6. Where the dtypes are the same (float32, or float64 for tests), the masters are the
 * model's own parameters. All else of the model is frozen: it has neither master nor gradient. All of these are views of flat
 * buffers, one of each for the parameters that decay and one for the others, so that what goes over all of them is one pass.
 *
 * Of several ranks each computes with the whole model and sums gradients of all parameters; masters and the optimizer's moments are
 * divided among them (ZeRO-1: Rajbhandari et al. 2020, arXiv:1910.02054).
 */
export class TrainableWeights implements Disposable {
  readonly model: Transformer;
  readonly ranks: Ranks;
  readonly #offload: boolean;
  readonly #masters: ReadonlyMap<string, Tensor> | undefined;
  /** Sums over all backwards since the last update or `zeroGrads`, in the order of the masters. */
  readonly grads: ReadonlyMap<string, Tensor>;
  readonly #names: readonly string[];
  /** Those of the parameters that the model has in another dtype than the masters. */
  readonly #copied: ReadonlySet<string>;
  readonly #groups: readonly Group[];

  /**
   * @param model what is trained of it in float32 (or float64), the rest in the compute dtype; this object owns it from now on
   * @param ranks those that train it together
   * @param offload whether masters and the optimizer's moments are in the host's memory, where the update is computed then
   * (ZeRO-Offload: Ren et al. 2021, arXiv:2101.06840)
   */
  constructor(
    model: Transformer,
    compute: Dtype,
    { ranks = alone, offload = false }: { ranks?: Ranks; offload?: boolean } = {},
  ) {
    this.ranks = ranks;
    this.#offload = offload;
    this.#names = model.trainable;
    const trained = new Map(this.#names.map((name) => [name, model.parameter(name)]));
    this.#groups = groupsOf(trained, { compute, ranks, offload });
    this.#masters = ranks.world > 1 ? undefined : offload ? this.#views(({ master }) => master) : trained;
    this.grads = this.#views(({ grad }) => grad);
    this.#copied = new Set(this.#groups.flatMap(({ isCopied, names }) => (isCopied ? names : [])));
    this.model = this.#copied.size > 0 ? this.#computing(model) : model;
    for (const [name, grad] of this.grads) {
      const parameter = this.model.parameter(name);
      parameter.requiresGrad = true;
      if (!this.#copied.has(name)) parameter.grad = grad; // autograd then adds to it in place
    }
  }

  /** The same model with copies in place of masters. */
  #computing(model: Transformer): Transformer {
    const copied = this.#groups.filter(({ isCopied }) => isCopied);
    const parameters = new Map([...model.parameters, ...this.#views(({ computing }) => computing, copied)]);
    const lora = model.adapters?.lora;
    model.adapters?.[Symbol.dispose]();
    return new Transformer(model.config, parameters, model.arithmetic, this.grads, lora);
  }

  /** The weights in float32, of a single process; of several each has a part, which `whole` brings together. */
  get masters(): ReadonlyMap<string, Tensor> {
    if (!this.#masters) throw new Error('each rank has a part of the masters alone');
    return this.#masters;
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
    return [...this.grads.values()].reduce((sum, { elements }) => sum + elements, 0);
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
    scope(() => {
      noGrad(() => {
        const into: Tensor[] = [];
        const from: Tensor[] = [];
        for (const name of names) {
          if (!this.#copied.has(name)) continue;
          const copy = this.model.parameter(name);
          const { grad } = copy;
          if (!grad) continue;
          into.push(this.grads.get(name)!);
          from.push(grad);
          copy.grad = null;
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
        const { device } = this.model; // over which the group sends
        const buffers = parts.map((part) => group.toFirst(ops.toDevice(part, device, part.dtype)));
        return rank === 0 ? this.#views((_, i) => buffers[i]!) : new Map<string, Tensor>();
      }),
    );
  }

  /** Takes the masters from the gradients' place, into which they have been read, and has the model compute with them. */
  takeMasters(): void {
    scope(() => {
      noGrad(() => {
        for (const { computing, grad, isCopied, master, first } of this.#groups) {
          ops.copy_(computing, grad);
          if (isCopied || this.#offload) ops.copy_(master, ops.narrow(grad, 0, first, master.elements));
        }
      });
    });
    this.model.adapters?.refresh();
  }

  /** Returns where a moment of each parameter is to be read into: in the gradients' place, of the dtype of this rank's parts of it. */
  placesOf(parts: readonly Tensor[]): Map<string, Tensor> {
    return scope(() => noGrad(() => this.#views((group, i) => placeOf(group, parts[i]!.dtype))));
  }

  /** Takes this rank's parts of a moment that has been read into those places. */
  takeMoment(parts: readonly Tensor[]): void {
    scope(() => {
      noGrad(() => {
        this.#groups.forEach((group, i) => {
          const part = parts[i]!;
          ops.copy_(part, ops.narrow(placeOf(group, part.dtype), 0, group.first, part.elements));
        });
      });
    });
  }

  /** Tells how many blocks of the moments' scales there are in the `i`th part of them, of all ranks together. */
  blocksOf(i: number): number {
    return this.#groups[i]!.layout.blocks;
  }

  /** Returns the scales of a moment, brought together as `whole` does. @param part this rank's, of the `i`th part of the moments */
  wholeScales(i: number, part: Tensor): Tensor | undefined {
    const { group } = this.ranks;
    return scope(() => {
      const all = group ? group.toFirst(ops.toDevice(part, this.model.device, part.dtype)) : part;
      return all && noGrad(() => ops.narrow(all, 0, 0, this.blocksOf(i)));
    });
  }

  /** Puts this rank's share of such scales into its part. */
  takeScales(part: Tensor, whole: Tensor): void {
    scope(() => {
      noGrad(() => {
        const first = Math.min(this.ranks.rank * part.elements, whole.elements);
        const count = Math.min(part.elements, whole.elements - first);
        ops.fill_(part, 0);
        ops.copy_(ops.narrow(part, 0, 0, count), ops.narrow(whole, 0, first, count));
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
      for (const part of this.#groups) part.summed = group.sumParts(part.grad);
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
        const copies = this.#groups.map(({ isCopied, computing: { dtype }, master }, i) =>
          !isCopied ? undefined : this.#offload ? ops.empty(master.shape, { dtype, device: 'cpu' }) : own[i],
        );
        const grads = this.#all(group ? 'summed' : 'grad');
        const here = this.#offload ? grads.map((grad) => ops.toDevice(grad, 'cpu', grad.dtype)) : grads;
        optimizer.update(here, lr, { factor, copies });
        this.#groups.forEach(({ computing, master }, i) => {
          if (this.#offload) ops.copy_(own[i]!, copies[i] ?? master);
          if (group) group.gatherParts(own[i]!, computing);
        });
      });
    });
    if (group || this.#offload) this.zeroGrads();
    this.model.adapters?.refresh();
  }

  #all(kind: 'master' | 'grad' | 'summed'): Tensor[] {
    return this.#groups.map((group) => group[kind]!);
  }

  /** The parameters as views of a buffer of each group, in the order of the masters. */
  #views(bufferOf: (group: Group, i: number) => Tensor, groups = this.#groups): Map<string, Tensor> {
    const views = new Map(groups.flatMap((group, i) => [...group.layout.views(bufferOf(group, i))]));
    return new Map(this.#names.filter((name) => views.has(name)).map((name) => [name, views.get(name)!]));
  }

  [Symbol.dispose](): void {
    const buffers = this.#groups.flatMap(({ master, grad, computing, summed }) => [
      ...[master, grad, computing],
      ...(summed ? [summed] : []),
    ]);
    disposeAll([this.grads, this.#masters, buffers]);
    this.model[Symbol.dispose]();
  }
}

/** Who holds the masters, and where. */
interface Held {
  ranks: Ranks;
  offload: boolean;
}

/**
 * Lays out what trains: the masters become views of the groups' buffers, or are freed where a rank has a part of those alone.
 * @param masters by their names, in their order
 */
function groupsOf(
  masters: ReadonlyMap<string, Tensor>,
  { compute, ...held }: Held & { compute: Dtype },
): Group[] {
  const groups = [true, false].flatMap((decays) =>
    [true, false].flatMap((isCopied) => {
      const members = [...masters].filter(
        ([name, { shape, dtype }]) =>
          shape.length > 1 === decays && (dtype !== compute && !staysWide(name)) === isCopied,
      );
      return members.length > 0 ? [groupOf(new Map(members), { decays, isCopied, compute, ...held })] : [];
    }),
  );
  trimMemory(); // that which the parameters had before
  return groups;
}

/** The gradients' place as numbers of another type, as many as there are gradients. */
const placeOf = ({ grad, layout }: Group, dtype: Dtype): Tensor =>
  dtype === grad.dtype ? grad : ops.narrow(ops.viewDtype(grad, dtype), 0, 0, layout.elements);

function groupOf(
  members: ReadonlyMap<string, Tensor>,
  {
    decays,
    isCopied,
    compute,
    ranks,
    offload,
  }: Held & { decays: boolean; isCopied: boolean; compute: Dtype },
): Group {
  const { rank, world } = ranks;
  const layout = new FlatLayout(
    Array.from(members, ([name, { shape }]) => [name, shape]),
    world,
  );
  const all = layout.take(members);
  const computing = isCopied ? noGrad(() => ops.toDtype(all, compute)) : all;
  const count = layout.elements / world;
  const first = rank * count;
  const group = { layout, names: [...members.keys()], decays, isCopied, first, computing };
  const grad = ops.zerosLike(all);
  if (world === 1 && !offload) return { ...group, grad, master: all };
  const part = noGrad(() => ops.narrow(all, 0, first, count));
  if (!isCopied && !offload) return { ...group, grad, master: part };
  const { dtype, device } = all;
  const master = ops.empty([count], { dtype, device: offload ? 'cpu' : device });
  noGrad(() => {
    ops.foreachCopy_([master], [part]);
  });
  disposeAll(isCopied ? [all, part, members] : part);
  return { ...group, grad, master };
}
