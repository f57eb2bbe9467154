/** @file Updates parameters from gradients: AdamW and gradient clipping. Knows no models. */
import * as ops from './ops.js';
import { noGrad } from './autograd.js';
import { toFloat64Array } from './data.js';
import { hasAdamW } from './fused.js';
import { scope, type Tensor } from './tensor.js';

export interface AdamWOptions {
  betas: readonly [number, number];
  eps: number;
  /** Decoupled decay: a step multiplies weights by 1 − lr · weightDecay. */
  weightDecay: number;
}

/** What an update does beside AdamW. */
interface UpdateOptions {
  /** Scales the gradients before. */
  factor: number;
  /** Receive the parameters after the update, rounded to their dtype, in the parameters' order; undefined for one without. */
  copies?: readonly (Tensor | undefined)[];
}

/**
 * AdamW (Loshchilov & Hutter 2019), the same as `torch.optim.AdamW(fused=True)`.
 * Parameters, gradients and both moments have one dtype, since the CPU kernel does not mix dtypes.
 */
export class AdamW implements Disposable {
  readonly expAvgs: Tensor[];
  readonly expAvgSqs: Tensor[];
  readonly #steps: Tensor[];
  /** The places of the parameters that decay, and of those that do not; each is one call of the kernel. */
  readonly #groups: { members: number[]; weightDecay: number }[];

  /**
   * @param decays which parameters decay. By default matrices and embeddings do and vectors, which are norms and biases, do not, as in
   * transformers' Trainer (`get_decay_parameter_names`)
   */
  constructor(
    readonly params: readonly Tensor[],
    readonly options: AdamWOptions,
    decays: readonly boolean[] = params.map(({ shape }) => shape.length > 1),
  ) {
    this.expAvgs = params.map((param) => ops.zerosLike(param));
    this.expAvgSqs = params.map((param) => ops.zerosLike(param));
    this.#steps = params.map((param) => ops.zeros([], { dtype: 'f32', device: param.device }));
    const places = params.map((_, i) => i);
    this.#groups = [
      { members: places.filter((i) => decays[i]), weightDecay: options.weightDecay },
      { members: places.filter((i) => !decays[i]), weightDecay: 0 },
    ].filter(({ members }) => members.length > 0);
  }

  /**
   * Scales the gradients, which come in the parameters' order, updates the parameters by them, copies the parameters and
   * leaves gradients of zero: in one pass over memory where there is a kernel.
   */
  update(grads: readonly Tensor[], lr: number, { factor, copies = [] }: UpdateOptions): void {
    noGrad(() => {
      const isCopied = (i: number) => copies[i] !== undefined;
      if (
        !hasAdamW(
          this.params[0]!,
          copies.find((copy) => copy),
        )
      ) {
        scale(grads, factor);
        this.step(grads, lr);
        const from = this.params.filter((_, i) => isCopied(i));
        if (from.length > 0)
          ops.foreachCopy_(
            copies.filter((copy) => copy !== undefined),
            from,
          );
        ops.foreachZero_(grads);
        return;
      }
      ops.foreachAddScalar_(this.#steps, 1);
      const count = this.#steps[0]!.item();
      const { betas, eps } = this.options;
      for (const { members, weightDecay } of this.#groups)
        for (const some of [members.filter(isCopied), members.filter((i) => !isCopied(i))]) {
          if (some.length === 0) continue;
          const of = (tensors: readonly (Tensor | undefined)[]) => some.map((i) => tensors[i]!);
          ops.adamwInOnePass_(
            ...([this.params, grads, this.expAvgs, this.expAvgSqs].map(of) as [
              Tensor[],
              Tensor[],
              Tensor[],
              Tensor[],
            ]),
            isCopied(some[0]!) ? of(copies) : [],
            ...[count, factor, lr, ...betas, eps, weightDecay],
          );
        }
    });
  }

  /** Updates the parameters by these gradients, which come in the parameters' order, in libtorch's fused kernel. */
  step(grads: readonly Tensor[], lr: number): void {
    noGrad(() => {
      ops.foreachAddScalar_(this.#steps, 1);
      const { betas, eps } = this.options;
      for (const { members, weightDecay } of this.#groups) {
        const [params, gradients, averages, squares, steps] = [
          this.params,
          grads,
          this.expAvgs,
          this.expAvgSqs,
          this.#steps,
        ].map((tensors) => members.map((i) => tensors[i]!));
        ops.fusedAdamw_(params!, gradients!, averages!, squares!, [], steps!, {
          lr,
          beta1: betas[0],
          beta2: betas[1],
          weightDecay,
          eps,
          amsgrad: false,
          maximize: false,
        });
      }
    });
  }

  /**
   * Returns the 2-norm of the change that the last update made to the parameters, decay included. It is computed from the moments,
   * which takes two passes over them.
   * @param lr that of the update
   */
  updateNorm(lr: number): number {
    const count = this.#steps[0]!.item();
    const { betas, eps } = this.options;
    const [first, second] = [1 - betas[0] ** count, 1 - betas[1] ** count];
    let squares = 0;
    for (const { members, weightDecay } of this.#groups) {
      // w' = (1 − lr·decay)·w − lr·u, so that w − w' = (1 + d)·lr·u + d·w' where d = lr·decay / (1 − lr·decay).
      const decayed = (lr * weightDecay) / (1 - lr * weightDecay);
      for (const i of members) {
        const parts = [this.expAvgs, this.expAvgSqs, this.params].map((all) => all[i]!);
        for (let start = 0; start < parts[0]!.elements; start += UPDATE_CHUNK)
          scope(() => {
            const [m, v, w] = parts.map((part) => slice(part, start));
            const root = ops.addScalar(ops.sqrt(ops.divScalar(v!, second)), eps);
            const change = ops.mulScalar(ops.div(m!, root), ((1 + decayed) * lr) / first);
            squares += ops.norm(decayed === 0 ? change : ops.add(change, w!, { alpha: decayed })).item() ** 2;
          });
      }
    }
    return Math.sqrt(squares);
  }

  /** Has the bias corrections go on after `count` updates, whose moments have been put into place. */
  resumeAfter(count: number): void {
    scope(() => {
      noGrad(() => {
        for (const step of this.#steps) ops.fill_(step, count);
      });
    });
  }

  [Symbol.dispose](): void {
    for (const tensor of [...this.expAvgs, ...this.expAvgSqs, ...this.#steps]) tensor.dispose();
  }
}

/** Elements whose update is computed at a time, so that they stay in the cache. */
const UPDATE_CHUNK = 2 ** 20;

const slice = (tensor: Tensor, start: number): Tensor =>
  ops.narrow(ops.view(tensor, [-1]), 0, start, Math.min(UPDATE_CHUNK, tensor.elements - start));

/** The 2-norm of each tensor, in one tensor. In float32, or float64 for such tensors. */
function norms(tensors: readonly Tensor[]): Tensor {
  return ops.stack(ops.foreachNorm(tensors, 2, tensors[0]!.dtype === 'f64' ? 'f64' : 'f32'));
}

/** Returns the 2-norm of all tensors together; infinite where the sum of squares exceeds the dtype. */
export function globalNorm(tensors: readonly Tensor[]): number {
  return scope(() => noGrad(() => ops.norm(norms(tensors)).item()));
}

/** Returns the 2-norm of each tensor; infinite where its sum of squares exceeds the dtype. */
export function eachNorm(tensors: readonly Tensor[]): Float64Array {
  return scope(() => noGrad(() => toFloat64Array(norms(tensors))));
}

/** Multiplies tensors by a factor. */
function scale(tensors: readonly Tensor[], factor: number): void {
  if (factor === 1) return;
  const { dtype, device } = tensors[0]!;
  scope(() => {
    noGrad(() => {
      ops.foreachMul_(tensors, ops.full([], factor, { dtype, device }));
    });
  });
}

/**
 * Returns by what gradients of this global 2-norm are multiplied so that it is at most `maxNorm`: as
 * `torch.nn.utils.clip_grad_norm_` does, and 1 for a norm that is no number.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  const factor = maxNorm / (norm + 1e-6);
  return factor < 1 ? factor : 1;
}

/**
 * Scales the gradients so that their global 2-norm is at most `maxNorm`.
 * @returns the norm before clipping
 */
export function clipGradNorm(grads: readonly Tensor[], maxNorm: number): number {
  const norm = globalNorm(grads);
  scale(grads, clipFactor(norm, maxNorm));
  return norm;
}
