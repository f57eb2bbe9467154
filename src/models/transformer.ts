/** @file Runs a decoder-only transformer of any family, as its config describes it. Knows no losses and no sampling. */
import * as ops from '../torch/ops.js';
import type { Dtype } from '../torch/dtype.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { exact, usual, type Arithmetic, type Linear } from './arithmetic.js';
import type { ModelConfig } from './config.js';
import { Adapters } from './lora.js';
import { adapterShapes, type LoraConfig } from './loraShapes.js';
import {
  layerParameter,
  layerSpecs,
  parameterSpecs,
  type AttentionRoles,
  type MlpRoles,
} from './parameters.js';
import type { NormedSum } from './norm.js';
import { dependsOnLength, type Rotation } from './rope.js';
import type { AttentionKind } from './slidingLayers.js';

/** Computes softmax attention over the caller's keys: a packed row's, or a cache's. q: [tokens, heads, headDim]. */
export type Attend = (layer: number, q: Tensor, k: Tensor, v: Tensor) => Tensor;

/** What the layers need to know about the tokens that they are given. */
export interface LayerContext {
  rotations: Partial<Record<AttentionKind, Rotation>>;
  /** Returns [tokens, heads · headDim]. */
  attend: Attend;
  /** Computes the projections; the model's own way without it. */
  linear?: Linear;
}

/**
 * Half a layer: the residual stream continues as x + run(norm(x)). Training cuts its graph here, so a branch is all that
 * autograd sees at a time.
 */
export interface Branch {
  /** Name of its norm's weight. */
  norm: string;
  /** Names of its parameters, the norm's weight included. */
  parameters: readonly string[];
  /** Computes what is added to the stream from the normed stream: [tokens, hidden] → the same. */
  run: (normed: Tensor, context: LayerContext) => Tensor;
}

/** The weights of a layer by role. */
type LayerWeights = AttentionRoles<Tensor> & MlpRoles<Tensor>;

/** The roles whose weight is a matrix. */
type Projection = 'qkv' | 'output' | 'gateUp' | 'down';

/** A decoder-only transformer over a row of tokens without padding. */
export class Transformer implements Disposable {
  readonly #layers: readonly LayerWeights[];
  /** The residual branches of each layer, in the order in which they run. */
  readonly branches: readonly (readonly Branch[])[];
  /** Low-rank adapters of the projections, if there are any. */
  readonly adapters: Adapters | undefined;

  /** @param lora what adapters there are among the parameters */
  constructor(
    readonly config: ModelConfig,
    /** By the names of `parameterSpecs` and `adapterShapes`, all of one device, and but for the adapters' of one dtype. */
    readonly parameters: ReadonlyMap<string, Tensor>,
    readonly arithmetic: Arithmetic = usual,
    /** Float32 sums of gradients by the same names. Where a kernel can, backward adds a projection's gradient to its sum. */
    readonly sums?: ReadonlyMap<string, Tensor>,
    lora?: LoraConfig,
  ) {
    this.adapters = lora && new Adapters(config, lora, parameters, sums);
    const specs = config.attention.map((_, i) => layerSpecs(config, i));
    this.#layers = specs.map(({ attention, mlp }, i) => {
      const roles = Object.keys({ ...attention, ...mlp });
      const weights: unknown = Object.fromEntries(
        roles.map((role) => [role, this.parameter(layerParameter(i, role))]),
      );
      return weights as LayerWeights; // it has the roles of the specs
    });
    this.branches = specs.map(({ attention, mlp }, i) => [
      {
        norm: layerParameter(i, 'inputNorm'),
        parameters: this.#parametersOf(i, attention),
        run: (x, context) => this.#attention(i, x, context),
      },
      {
        norm: layerParameter(i, 'mlpNorm'),
        parameters: this.#parametersOf(i, mlp),
        run: (x, context) => this.#mlp(i, x, context),
      },
    ]);
  }

  /** The names of parameters of layer `i` by role, and of their adapters. */
  #parametersOf(i: number, roles: object): string[] {
    const names = Object.keys(roles).map((role) => layerParameter(i, role));
    return [...names, ...names.flatMap((name) => this.adapters?.namesOf(name) ?? [])];
  }

  /** The same model without its adapters, over the same tensors. */
  get base(): Transformer {
    if (!this.adapters) return this;
    const own = [...parameterSpecs(this.config).keys()].map((name): [string, Tensor] => [
      name,
      this.parameter(name),
    ]);
    return new Transformer(this.config, new Map(own), this.arithmetic);
  }

  /** The names of what training changes: the adapters, or all parameters where there are none. */
  get trainable(): string[] {
    return this.adapters
      ? [...adapterShapes(this.config, this.adapters.lora).keys()]
      : [...this.parameters.keys()];
  }

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

  /** Whether a row's result is the same to the last bit whatever other rows there are. */
  get isExact(): boolean {
    return this.arithmetic === exact;
  }

  get layerCount(): number {
    return this.#layers.length;
  }

  /** Weight of the output head: [vocab, hidden]. */
  get head(): Tensor {
    return this.parameter(this.config.tied ? 'embedding' : 'head');
  }

  /** Whether a token's rotation depends on how long its sequence is. */
  get rotatesByLength(): boolean {
    return this.config.attention.some((kind) => dependsOnLength(this.config.rope[kind]));
  }

  /**
   * Computes the rotations of tokens for the attention kinds that the model has.
   * @param positions i64[tokens]
   * @param lengths of each token's sequence
   */
  rotations(positions: Tensor, lengths: ArrayLike<number>): LayerContext['rotations'] {
    const kinds = new Set(this.config.attention);
    const { rope, headDim } = this.config;
    return Object.fromEntries(
      [...kinds].map((kind) => [
        kind,
        this.arithmetic.rotation(rope[kind], headDim, positions, lengths, this.dtype),
      ]),
    );
  }

  /** Looks up token ids: i64[tokens] → [tokens, hidden]. */
  embed(ids: Tensor): Tensor {
    return this.scaleEmbedding(ops.embedding(this.parameter('embedding'), ids));
  }

  /** Scales embeddings where the family does; the factor is rounded to the model's dtype, as in the original. */
  scaleEmbedding(x: Tensor): Tensor {
    const { embeddingScale } = this.config;
    if (embeddingScale === 1) return x;
    return ops.mul(x, ops.full([], embeddingScale, { dtype: x.dtype, device: x.device }));
  }

  /** Applies RMSNorm with the named weight. */
  norm(x: Tensor, name: string): Tensor {
    return this.#norm(x, this.parameter(name));
  }

  /** Continues the stream `x` by what a branch has added to it, and applies RMSNorm with the named weight to the sum. */
  addAndNorm(x: Tensor, added: Tensor, name: string): NormedSum {
    const { normEps, normOffset } = this.config;
    return this.arithmetic.addAndNorm(x, added, this.parameter(name), normEps, normOffset);
  }

  finalNorm(x: Tensor): Tensor {
    return this.norm(x, 'finalNorm');
  }

  /** Runs all layers without the final norm: i64[tokens] → [tokens, hidden]. */
  stream(ids: Tensor, context: LayerContext): Tensor {
    const branches = this.branches.flat();
    let x = this.embed(ids);
    let normed = this.norm(x, branches[0]!.norm);
    branches.forEach(({ run }, b) => {
      const before = [x, normed];
      const next = branches[b + 1];
      if (next) ({ sum: x, normed } = scope(() => this.addAndNorm(x, run(normed, context), next.norm)));
      else x = scope(() => ops.add(x, run(normed, context)));
      disposeAll(before);
    });
    return x;
  }

  /** Runs all layers and the final norm, under one graph if recording is on; the engine runs branch by branch. */
  hidden(ids: Tensor, context: LayerContext): Tensor {
    return scope(() => this.finalNorm(this.stream(ids, context)));
  }

  #norm(x: Tensor, weight: Tensor): Tensor {
    return this.arithmetic.norm(x, weight, this.config.normEps, this.config.normOffset);
  }

  /** Multiplies by a matrix of layer `i`, with its adapters, and adds its bias; every projection goes through here. */
  #linear(i: number, role: Projection, x: Tensor, context: LayerContext): Tensor {
    const { [role]: weight, [`${role}Bias` as const]: bias } = this.#layers[i]!;
    const { linear = this.arithmetic.linear } = context;
    const name = layerParameter(i, role);
    const sum = this.sums?.get(name);
    if (!this.adapters) return linear(x, weight, bias, sum);
    return this.adapters.project(name, x, { weight, bias, sum }, linear);
  }

  #attention(i: number, x: Tensor, context: LayerContext): Tensor {
    const { heads, kvHeads, headDim } = this.config;
    const { queryNorm, keyNorm, postAttentionNorm } = this.#layers[i]!;
    const { cos, sin } = context.rotations[this.config.attention[i]!]!;
    const { rotate } = this.arithmetic;
    const projected = ops.view(this.#linear(i, 'qkv', x, context), [-1, heads + 2 * kvHeads, headDim]);
    let q: Tensor, k: Tensor, v: Tensor;
    if (queryNorm && keyNorm) {
      [q, k, v] = ops.splitWithSizes(projected, [heads, kvHeads, kvHeads], 1) as [Tensor, Tensor, Tensor];
      q = rotate(this.#norm(q, queryNorm), cos, sin);
      k = rotate(this.#norm(k, keyNorm), cos, sin);
    } else {
      const [qk, values] = ops.splitWithSizes(projected, [heads + kvHeads, kvHeads], 1) as [Tensor, Tensor];
      [q, k] = ops.splitWithSizes(rotate(qk, cos, sin), [heads, kvHeads], 1) as [Tensor, Tensor];
      v = values;
    }
    const output = this.#linear(i, 'output', context.attend(i, q, k, v), context);
    return postAttentionNorm ? this.#norm(output, postAttentionNorm) : output;
  }

  #mlp(i: number, x: Tensor, context: LayerContext): Tensor {
    const { postMlpNorm } = this.#layers[i]!;
    const gateUp = this.#linear(i, 'gateUp', x, context);
    const gated = this.arithmetic.gatedLinearUnit(gateUp, this.config.activation);
    const output = this.#linear(i, 'down', gated, context);
    return postMlpNorm ? this.#norm(output, postMlpNorm) : output;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.parameters.values()) tensor.dispose();
    this.adapters?.[Symbol.dispose]();
  }
}
