import { backward, enableGrad, noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { ChunkedHead } from '../models/head.js';
import { packSequences, type Pack } from '../models/pack.js';
import { layerSpecs } from '../models/parameters.js';
import { rmsNormBackward } from '../models/norm.js';
import { locateResponses, perRow, type Responses } from '../models/responses.js';
import type { Branch } from '../models/transformer.js';
import type { TokenRow } from '../text/rows.js';
import type { TrainableWeights } from './weights.js';

/** A residual branch on its way: the stream before it, and its graph unless that will be recomputed. */
interface Segment {
  branch: Branch;
  x: Tensor;
  graph?: BranchGraph;
}

/** From the normed stream (a leaf) to the stream after the branch, which the next segment shares. */
interface BranchGraph {
  normed: Tensor;
  sum: Tensor;
}

/** A forward pass over a pack that waits for its backward. */
export interface Activations {
  pack: Pack;
  responses: Responses;
  segments: Segment[];
  /** The last residual stream where responses are predicted, before and after the final norm. */
  final: { x: Tensor; normed: Tensor };
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const result = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    result.set(part, start);
    start += part.length;
  }
  return result;
}

/**
 * Forward and backward over packs of rows. The graph is cut at every residual branch: each is a graph of its own between
 * its normed input and its output, the stream and the norms are walked by hand. A branch's memory goes as soon as its
 * backward is done, the norms keep nothing, and recomputing is the same walk with the branch's forward repeated.
 */
export class Engine implements Disposable {
  readonly #head: ChunkedHead;
  /** Of each layer, what autograd leaves gradients in. */
  readonly #layerNames: string[][];

  constructor(
    readonly weights: TrainableWeights,
    /** Keep only the residual stream and run each branch again in the backward pass. */
    readonly recompute = false,
  ) {
    const { config, head } = weights.model;
    this.#head = new ChunkedHead(head, { training: true });
    this.#layerNames = config.attention.map((_, i) =>
      Object.keys(layerSpecs(config, i)).map((role) => `layers.${i}.${role}`),
    );
  }

  forward(rows: readonly TokenRow[]): Activations {
    const { model } = this.weights;
    return scope(() =>
      noGrad(() => {
        const ids = rows.map((row) => row.ids);
        const pack = packSequences(model, ids);
        const responses = locateResponses(rows, model.device);
        const segments: Segment[] = [];
        let x = model.embed(pack.ids);
        for (let i = 0; i < model.layerCount; i++) {
          for (const branch of model.branches(i)) {
            const graph = this.#run(branch, x, pack, !this.recompute);
            segments.push({ branch, x, ...(!this.recompute && { graph }) });
            x = ops.detach(graph.sum);
          }
        }
        const predicting = ops.indexSelect(x, 0, responses.positions);
        const final = { x: predicting, normed: model.norm(predicting, 'finalNorm') };
        return { pack, responses, segments, final };
      }),
    );
  }

  /** Log-probs of the response tokens, one array a row. */
  score({ final, responses }: Activations): Float64Array[] {
    return perRow(this.#head.logps(final.normed, responses.targets), responses.lengths);
  }

  /**
   * Adds the gradient of a loss with these dLoss/dlogp to the weights' gradients and frees the activations.
   * @returns the log-probs
   */
  backward(activations: Activations, gradient: readonly Float64Array[]): Float64Array[] {
    const { pack, responses, segments, final } = activations;
    return scope(() =>
      noGrad(() => {
        const weights = concatenate(gradient);
        const head = this.#head.backward(final.normed, responses.targets, weights, this.weights.headGrad);
        const predicting = this.#normBackward(final.x, 'finalNorm', head.hiddenGrad);
        const stream = segments.at(-1)!.x;
        const g = ops.indexCopy_(ops.zerosLike(stream), 0, responses.positions, predicting);
        for (let s = segments.length - 1; s >= 0; s--) {
          const { branch, x, graph } = segments[s]!;
          scope(() => {
            const { normed, sum } = graph ?? this.#run(branch, x, pack, true);
            backward([sum], [g]);
            ops.add_(g, this.#normBackward(x, branch.norm, normed.grad!));
            normed.dispose();
            sum.dispose();
          });
          x.dispose();
          this.weights.collect(this.#layerNames[Math.floor(s / 2)]!);
        }
        this.#embeddingBackward(pack.ids, g);
        release(activations);
        return perRow(head.logps, responses.lengths);
      }),
    );
  }

  /** The stream before a branch → the stream after it; with `record`, as a graph. */
  #run(branch: Branch, x: Tensor, pack: Pack, record: boolean): BranchGraph {
    return scope(() => {
      const normed = this.weights.model.norm(x, branch.norm);
      normed.requiresGrad = record;
      const run = () => ops.add(x, branch.run(normed, pack.context));
      return { normed, sum: record ? enableGrad(run) : run() };
    });
  }

  /** Backward through a norm → dLoss/dx; the weight's part is added to its gradient. */
  #normBackward(x: Tensor, name: string, grad: Tensor): Tensor {
    const { model } = this.weights;
    const { normEps, normOffset } = model.config;
    return rmsNormBackward(x, model.parameter(name), normEps, normOffset, grad, this.weights.gradOf(name));
  }

  /** Rows of the embedding's gradient are added in place; a dense gradient would be as large as the table. */
  #embeddingBackward(ids: Tensor, gradient: Tensor): void {
    const table = this.weights.gradOf('embedding');
    scope(() => {
      ops.indexAdd_(table, 0, ids, ops.toDtype(this.weights.model.scaleEmbedding(gradient), table.dtype));
    });
  }

  [Symbol.dispose](): void {
    this.#head[Symbol.dispose]();
  }
}

/** Frees activations whether or not their backward has run. */
export function release({ pack, responses, segments, final }: Activations): void {
  const tensors = [pack.ids, ...pack.owned, responses.positions, responses.targets, final.x, final.normed];
  for (const { x, graph } of segments) tensors.push(x, ...(graph ? [graph.normed, graph.sum] : []));
  for (const tensor of tensors) tensor.dispose();
}
