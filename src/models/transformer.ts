import * as ops from '../torch/ops.js';
import type { Dtype } from '../torch/dtype.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { AttentionKind, ModelConfig } from './config.js';
import { layerSpecs } from './parameters.js';
import { rmsNorm } from './norm.js';
import { rotate, rotation, type Rotation } from './rope.js';

/** Softmax attention over whatever the caller keeps: a packed row, or a cache. q: [tokens, heads, headDim]. */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** What the layers need to know about the tokens they are given. */
export interface LayerContext {
  rotations: Partial<Record<AttentionKind, Rotation>>;
  /** → [tokens, heads · headDim] */
  attend: Attend;
}

/**
 * Half a block: the residual stream goes on as x + run(norm(x)). Training cuts its graph here, so a branch is all that
 * autograd sees at a time.
 */
export interface Branch {
  /** The name of its norm's weight. */
  norm: string;
  /** [tokens, hidden], normed → what is added to the stream. */
  run: (normed: Tensor, context: LayerContext) => Tensor;
}

/** A decoder-only transformer over a row of tokens without padding. */
export class Transformer implements Disposable {
  constructor(
    readonly config: ModelConfig,
    /** By the names of `parameterSpecs`, all of one dtype and device. */
    readonly parameters: ReadonlyMap<string, Tensor>,
  ) {
    this.#layers = config.attention.map((_, i) => {
      const roles = Object.keys(layerSpecs(config, i));
      return Object.fromEntries(roles.map((role) => [role, this.parameter(`layers.${i}.${role}`)]));
    });
  }

  readonly #layers: readonly Readonly<Record<string, Tensor | undefined>>[];

  parameter(name: string): Tensor {
    const tensor = this.parameters.get(name);
    if (!tensor) throw new Error(`the model has no parameter ${name}`);
    return tensor;
  }

  get dtype(): Dtype {
    return this.parameter('embedding').dtype;
  }

  get device(): string {
    return this.parameter('embedding').device;
  }

  get layerCount(): number {
    return this.#layers.length;
  }

  /** The weight of the output head: [vocab, hidden]. */
  get head(): Tensor {
    return this.parameter(this.config.tied ? 'embedding' : 'head');
  }

  /** Rotations at these positions (i64[tokens]) for the attention kinds that the model has. */
  rotations(positions: Tensor): LayerContext['rotations'] {
    const kinds = new Set(this.config.attention);
    const { rope, headDim } = this.config;
    return Object.fromEntries(
      [...kinds].map((kind) => [kind, rotation(rope[kind], headDim, positions, this.dtype)]),
    );
  }

  /** i64[tokens] → [tokens, hidden] */
  embed(ids: Tensor): Tensor {
    return this.scaleEmbedding(ops.embedding(this.parameter('embedding'), ids));
  }

  /** Gemma scales its embeddings; the factor is rounded to the model's dtype as in the original. */
  scaleEmbedding(x: Tensor): Tensor {
    const { embeddingScale } = this.config;
    if (embeddingScale === 1) return x;
    return ops.mul(x, ops.full([], embeddingScale, { dtype: x.dtype, device: x.device }));
  }

  /** The residual branches of block `i`, in order. */
  branches(i: number): readonly Branch[] {
    const w = this.#layers[i]!;
    const { sandwichNorms } = this.config;
    const finish = (x: Tensor, norm: Tensor | undefined) => (sandwichNorms ? this.#norm(x, norm!) : x);
    return [
      {
        norm: `layers.${i}.inputNorm`,
        run: (x, context) => finish(this.#attention(i, x, context), w.postAttentionNorm),
      },
      { norm: `layers.${i}.mlpNorm`, run: (x) => finish(this.#mlp(i, x), w.postMlpNorm) },
    ];
  }

  /** Block `i`: [tokens, hidden] → the same. */
  layer(i: number, x: Tensor, context: LayerContext): Tensor {
    return this.branches(i).reduce(
      (sum, { norm, run }) => ops.add(sum, run(this.#norm(sum, this.parameter(norm)), context)),
      x,
    );
  }

  /** RMSNorm with the named weight. */
  norm(x: Tensor, name: string): Tensor {
    return this.#norm(x, this.parameter(name));
  }

  finalNorm(x: Tensor): Tensor {
    return this.#norm(x, this.parameter('finalNorm'));
  }

  /** All layers and the final norm under one graph; training goes layer by layer instead. */
  hidden(ids: Tensor, context: LayerContext): Tensor {
    return scope(() => {
      let x = this.embed(ids);
      for (let i = 0; i < this.layerCount; i++) x = this.layer(i, x, context);
      return this.finalNorm(x);
    });
  }

  #norm(x: Tensor, weight: Tensor): Tensor {
    return rmsNorm(x, weight, this.config.normEps, this.config.normOffset);
  }

  #attention(i: number, x: Tensor, context: LayerContext): Tensor {
    const { heads, kvHeads, headDim, qkNorm } = this.config;
    const w = this.#layers[i]!;
    const turn = context.rotations[this.config.attention[i]!]!;
    const projected = ops.view(ops.linear(x, w.qkv!, w.qkvBias), [-1, heads + 2 * kvHeads, headDim]);
    let q: Tensor, k: Tensor, v: Tensor;
    if (qkNorm) {
      [q, k, v] = ops.splitWithSizes(projected, [heads, kvHeads, kvHeads], 1) as [Tensor, Tensor, Tensor];
      q = rotate(this.#norm(q, w.queryNorm!), turn);
      k = rotate(this.#norm(k, w.keyNorm!), turn);
    } else {
      const [qk, values] = ops.splitWithSizes(projected, [heads + kvHeads, kvHeads], 1) as [Tensor, Tensor];
      [q, k] = ops.splitWithSizes(rotate(qk, turn), [heads, kvHeads], 1) as [Tensor, Tensor];
      v = values;
    }
    return ops.linear(context.attend(i, q, k, v), w.output!, w.outputBias);
  }

  #mlp(i: number, x: Tensor): Tensor {
    const w = this.#layers[i]!;
    const [gate, up] = ops.chunk(ops.linear(x, w.gateUp!, w.gateUpBias), 2, -1) as [Tensor, Tensor];
    const activated =
      this.config.activation === 'silu' ? ops.silu(gate) : ops.gelu(gate, { approximate: 'tanh' });
    return ops.linear(ops.mul(activated, up), w.down!, w.downBias);
  }

  [Symbol.dispose](): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
  }
}
