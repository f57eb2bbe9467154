/** @file Updates parameters from gradients: AdamW and gradient clipping. Knows no models. */
import * as ops from './ops.js';
import { noGrad } from './autograd.js';
import { scope, type Tensor } from './tensor.js';

export interface AdamWOptions {
  betas: readonly [number, number];
  eps: number;
  /** Decoupled decay: a step multiplies weights by 1 − lr · weightDecay. */
  weightDecay: number;
}

/**
 * AdamW (Loshchilov & Hutter 2019) in libtorch's fused kernel, the same as `torch.optim.AdamW(fused=True)`.
 * Parameters, gradients and both moments have one dtype, since the CPU kernel does not mix dtypes.
 */
export class AdamW implements Disposable {
  readonly expAvgs: Tensor[];
  readonly expAvgSqs: Tensor[];
  readonly #steps: Tensor[];

  constructor(
    readonly params: readonly Tensor[],
    readonly options: AdamWOptions,
  ) {
    this.expAvgs = params.map((param) => ops.zerosLike(param));
    this.expAvgSqs = params.map((param) => ops.zerosLike(param));
    this.#steps = params.map((param) => ops.zeros([], { dtype: 'f32', device: param.device }));
  }

  /** Updates the parameters by these gradients, which come in the parameters' order. */
  step(grads: readonly Tensor[], lr: number): void {
    noGrad(() => {
      ops.foreachAddScalar_(this.#steps, 1);
      ops.fusedAdamw_(this.params, grads, this.expAvgs, this.expAvgSqs, [], this.#steps, {
        lr,
        beta1: this.options.betas[0],
        beta2: this.options.betas[1],
        weightDecay: this.options.weightDecay,
        eps: this.options.eps,
        amsgrad: false,
        maximize: false,
      });
    });
  }

  [Symbol.dispose](): void {
    for (const tensor of [...this.expAvgs, ...this.expAvgSqs, ...this.#steps]) tensor.dispose();
  }
}

/** Returns the 2-norm of all tensors together; infinite where the sum of squares exceeds the dtype. */
export function globalNorm(tensors: readonly Tensor[]): number {
  return scope(() =>
    noGrad(() => {
      const norms = ops.foreachNorm(tensors, 2, tensors[0]!.dtype === 'f64' ? 'f64' : 'f32');
      return ops.norm(ops.stack(norms)).item();
    }),
  );
}

/**
 * Scales the gradients so that their global 2-norm is at most `maxNorm`, as `torch.nn.utils.clip_grad_norm_` does.
 * @returns the norm before clipping
 */
export function clipGradNorm(grads: readonly Tensor[], maxNorm: number): number {
  const norm = globalNorm(grads);
  const scale = maxNorm / (norm + 1e-6);
  if (scale < 1) {
    const { dtype, device } = grads[0]!;
    scope(() => {
      noGrad(() => {
        ops.foreachMul_(grads, ops.full([], scale, { dtype, device }));
      });
    });
  }
  return norm;
}
