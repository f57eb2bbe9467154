/** @file Updates parameters from gradients: AdamW and gradient clipping. Knows no models. */
import * as ops from './ops.js';
import type { MomentKind } from '../util/momentKinds.js';
import { noGrad } from './autograd.js';
import { Blockwise } from './blockwise.js';
import { toFloat64Array } from './data.js';
import { hasAdamW } from './fused.js';
import { scope, type Tensor } from './tensor.js';

export interface AdamWOptions {
  betas: readonly [number, number];
  eps: number;
  /** Decoupled decay: a step multiplies weights by 1 − lr · weightDecay. */
  weightDecay: number;
  /** In what the moments are kept: by default in the parameters' dtype. Those in 8 bits are of matrices and embeddings alone. */
  moments?: MomentKind;
}

/** What an update does beside AdamW. */
interface UpdateOptions {
  /** Scales the gradients before. */
  factor: number;
  /** Receive the parameters after the update, rounded to their dtype, in the parameters' order; undefined for one without. */
  copies?: readonly (Tensor | undefined)[];
}

/** What one call of a kernel takes, of each parameter in it. */
interface Call {
  params: readonly Tensor[];
  grads: readonly Tensor[];
  expAvgs: readonly Tensor[];
  expAvgSqs: readonly Tensor[];
  /** Empty where there are none. */
  copies: readonly Tensor[];
  steps: readonly Tensor[];
  weightDecay: number;
}

/** Both moments of a parameter. */
interface Moments {
  expAvg: Tensor | Blockwise;
  expAvgSq: Tensor | Blockwise;
}

/**
 * AdamW (Loshchilov & Hutter 2019), the same as `torch.optim.AdamW(fused=True)`.
 * Parameters, gradients and both moments have one dtype, since the CPU kernel does not mix dtypes. Moments in 8 bits are brought to
 * float32 for the update, a part at a time.
 */
export class AdamW implements Disposable {
  readonly #moments: readonly Moments[];
  readonly #steps: Tensor[];
  /** The places of the parameters that decay, and of those that do not; each is one call of the kernel. */
  readonly #groups: { members: number[]; weightDecay: number }[];

  /**
   * @param decays which parameters decay. By default matrices and embeddings do and vectors, which are norms and biases, do not, as in
   * transformers' Trainer (`get_decay_parameter_names`). Of these alone the moments may be in 8 bits: a multiple of 256 numbers each.
   */
  constructor(
    readonly params: readonly Tensor[],
    readonly options: AdamWOptions,
    decays: readonly boolean[] = params.map(({ shape }) => shape.length > 1),
  ) {
    this.#moments = params.map((param, i) => {
      const moment = (isSigned: boolean) =>
        options.moments === '8bit' && decays[i]
          ? new Blockwise(param.elements, isSigned, param.device)
          : ops.zerosLike(param);
      return { expAvg: moment(true), expAvgSq: moment(false) };
    });
    this.#steps = params.map((param) => ops.zeros([], { dtype: 'f32', device: param.device }));
    const places = params.map((_, i) => i);
    this.#groups = [
      { members: places.filter((i) => decays[i]), weightDecay: options.weightDecay },
      { members: places.filter((i) => !decays[i]), weightDecay: 0 },
    ].filter(({ members }) => members.length > 0);
  }

  /** The first moments as they are kept: in the parameters' order, in 8 bits the codes. */
  get expAvgs(): Tensor[] {
    return this.#moments.map(({ expAvg }) => storedOf(expAvg));
  }

  /** The same of the second moments. */
  get expAvgSqs(): Tensor[] {
    return this.#moments.map(({ expAvgSq }) => storedOf(expAvgSq));
  }

  /** The scales of the moments that are in 8 bits, by the places of their parameters. */
  get scales(): ReadonlyMap<number, { expAvg: Tensor; expAvgSq: Tensor }> {
    return new Map(
      this.#moments.flatMap(({ expAvg, expAvgSq }, i) =>
        expAvg instanceof Blockwise && expAvgSq instanceof Blockwise
          ? [[i, { expAvg: expAvg.scales, expAvgSq: expAvgSq.scales }]]
          : [],
      ),
    );
  }

  /**
   * Scales the gradients, which come in the parameters' order, updates the parameters by them, copies the parameters and
   * leaves gradients of zero: in one pass over memory where there is a kernel.
   */
  update(grads: readonly Tensor[], lr: number, { factor, copies = [] }: UpdateOptions): void {
    noGrad(() => {
      const copy = copies.find((some) => some);
      if (!hasAdamW(this.params[0]!, copy)) {
        scale(grads, factor);
        this.step(grads, lr);
        const from = this.params.filter((_, i) => copies[i] !== undefined);
        if (from.length > 0)
          ops.foreachCopy_(
            copies.filter((some) => some !== undefined),
            from,
          );
        ops.foreachZero_(grads);
        return;
      }
      const { betas, eps } = this.options;
      this.#each(grads, copies, ({ weightDecay, steps, params, ...of }) => {
        const count = steps[0]!.item();
        ops.adamwInOnePass_(
          params,
          of.grads,
          of.expAvgs,
          of.expAvgSqs,
          of.copies,
          ...[count, factor, lr, ...betas, eps, weightDecay],
        );
      });
    });
  }

  /** Updates the parameters by these gradients, which come in the parameters' order, in libtorch's fused kernel. */
  step(grads: readonly Tensor[], lr: number): void {
    const { betas, eps } = this.options;
    noGrad(() => {
      this.#each(grads, [], ({ weightDecay, ...of }) => {
        ops.fusedAdamw_(of.params, of.grads, of.expAvgs, of.expAvgSqs, [], of.steps, {
          ...{ lr, beta1: betas[0], beta2: betas[1], weightDecay, eps },
          ...{ amsgrad: false, maximize: false },
        });
      });
    });
  }

  /** Counts an update and calls a kernel for it: once for all parameters that decay alike, and for each part of moments in 8 bits. */
  #each(grads: readonly Tensor[], copies: readonly (Tensor | undefined)[], call: (of: Call) => void): void {
    ops.foreachAddScalar_(this.#steps, 1);
    const isCopied = (i: number) => copies[i] !== undefined;
    for (const { members, weightDecay } of this.#groups) {
      const whole = members.filter((i) => !(this.#moments[i]!.expAvg instanceof Blockwise));
      for (const some of [whole.filter(isCopied), whole.filter((i) => !isCopied(i))]) {
        if (some.length === 0) continue;
        const of = (tensors: readonly (Tensor | undefined)[]) => some.map((i) => tensors[i]!);
        call({
          ...{ params: of(this.params), grads: of(grads), weightDecay },
          ...{ expAvgs: of(this.expAvgs), expAvgSqs: of(this.expAvgSqs), steps: of(this.#steps) },
          copies: isCopied(some[0]!) ? of(copies) : [],
        });
      }
      for (const i of members) {
        const { expAvg, expAvgSq } = this.#moments[i]!;
        if (!(expAvg instanceof Blockwise && expAvgSq instanceof Blockwise)) continue;
        const [param, grad, copy] = [this.params[i]!, grads[i]!, copies[i]];
        for (let start = 0; start < expAvg.count; start += CHUNK)
          scope(() => {
            const part = slice(param, start);
            const moments = [expAvg, expAvgSq].map((moment) => moment.read(start, part.elements));
            call({
              ...{ params: [part], grads: [slice(grad, start)], weightDecay, steps: [this.#steps[i]!] },
              ...{ expAvgs: [moments[0]!], expAvgSqs: [moments[1]!] },
              copies: copy ? [slice(copy, start)] : [],
            });
            expAvg.write(start, moments[0]!);
            expAvgSq.write(start, moments[1]!);
          });
      }
    }
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
        const { expAvg, expAvgSq } = this.#moments[i]!;
        for (let start = 0; start < this.params[i]!.elements; start += CHUNK)
          scope(() => {
            const w = slice(this.params[i]!, start);
            const [m, v] = [expAvg, expAvgSq].map((moment) =>
              moment instanceof Blockwise ? moment.read(start, w.elements) : slice(moment, start),
            );
            const root = ops.addScalar(ops.sqrt(ops.divScalar(v!, second)), eps);
            const change = ops.mulScalar(ops.div(m!, root), ((1 + decayed) * lr) / first);
            squares += ops.norm(decayed === 0 ? change : ops.add(change, w, { alpha: decayed })).item() ** 2;
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
    for (const { expAvg, expAvgSq } of this.#moments)
      for (const moment of [expAvg, expAvgSq]) moment[Symbol.dispose]();
    for (const step of this.#steps) step.dispose();
  }
}

const storedOf = (moment: Tensor | Blockwise): Tensor =>
  moment instanceof Blockwise ? moment.codes : moment;

/** Elements that are worked on at a time, so that they stay in the cache: whole blocks. */
const CHUNK = 2 ** 20;

const slice = (tensor: Tensor, start: number): Tensor =>
  ops.narrow(ops.view(tensor, [-1]), 0, start, Math.min(CHUNK, tensor.elements - start));

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
