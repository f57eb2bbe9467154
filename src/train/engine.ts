/** @file Runs forward and backward of the model over packs. Knows no objective, no optimizer and no files. */
import { backward, enableGrad, noGrad } from '../torch/autograd.js';
import * as ops from '../torch/ops.js';
import { disposeAll, scope, type Tensor } from '../torch/tensor.js';
import { ChunkedHead } from '../models/head.js';
import { packSequences, type Pack } from '../models/pack.js';
import { addRmsNormBackward, rmsNormBackward } from '../models/norm.js';
import { readings, readsOfRows, type Reading, type Reads } from '../models/reads.js';
import { Scorer } from '../models/scorer.js';
import { locateResponses, perRow, type Responses } from '../models/responses.js';
import type { Branch } from '../models/transformer.js';
import type { ReadValues } from '../objectives/topK.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { TrainableWeights } from './weights.js';

/** One residual branch of the forward pass: its input, and its graph unless it is recomputed in backward. */
interface Segment {
  x: Tensor;
  graph?: BranchGraph;
}

/** A branch's graph: from the normed stream (a leaf) to what is added to it. The stream after it takes that memory. */
interface BranchGraph {
  normed: Tensor;
  added: Tensor;
}

/** A forward pass over a pack that waits for its backward. `disposeAll` frees it. */
export interface Activations {
  pack: Pack;
  responses: Responses;
  /** The columns of token ids that are read, by name. */
  reads: ReadonlyMap<string, Reads>;
  /** One per branch of the model, in order. */
  segments: Segment[];
  /** The last residual stream where responses are predicted, before and after the final norm. */
  final: { x: Tensor; normed: Tensor };
}

const NONE = new Float64Array();

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
 * Runs forward and backward over packs of rows. The graph is cut at every residual branch: each is a graph of its own
 * between its normed input and its output, while the stream and the norms are walked by hand. A branch's memory is
 * freed as soon as its backward is done, the norms keep nothing, and recomputing is the same walk with the branch's
 * forward repeated.
 */
export class Engine implements Disposable {
  readonly head: ChunkedHead;
  /** Scores rows under the weights as they are. */
  readonly scorer: Scorer;
  /** All branches of the model, in order. */
  readonly #branches: readonly Branch[];

  constructor(
    readonly weights: TrainableWeights,
    /** Keep only the residual stream and run each branch again in the backward pass. */
    readonly recompute = false,
  ) {
    const { branches, head } = weights.model;
    this.head = new ChunkedHead(head);
    this.scorer = new Scorer(weights.model, this.head);
    this.#branches = branches.flat();
  }

  /**
   * Runs the rows as one pack; what `backward` needs is kept.
   * @param columns the columns of token ids that are to be read
   */
  forward(rows: readonly TokenRow[], columns: readonly string[] = []): Activations {
    const { model } = this.weights;
    return scope(() =>
      noGrad(() => {
        const ids = rows.map((row) => row.ids);
        const pack = packSequences(model, ids);
        const responses = locateResponses(rows, model.device);
        const reads = readsOfRows(rows, columns, model);
        let x = model.embed(pack.ids);
        let normed = model.norm(x, this.#branches[0]!.norm);
        const segments = this.#branches.map((branch, b): Segment => {
          const graph = this.#run(branch, normed, pack, !this.recompute);
          const segment = { x, ...(!this.recompute && { graph }) };
          const added = ops.detach(graph.added);
          const next = this.#branches[b + 1];
          if (next) ({ sum: x, normed } = model.addAndNorm(x, added, next.norm));
          else x = ops.add(x, added);
          if (this.recompute) disposeAll(graph);
          return segment;
        });
        const predicting = ops.indexSelect(x, 0, responses.positions);
        const final = { x: predicting, normed: model.finalNorm(predicting) };
        return { pack, responses, reads, segments, final };
      }),
    );
  }

  /** Computes log-probs of the response tokens, one array per row. */
  score({ final, responses }: Activations): Float64Array[] {
    return perRow(this.head.logps(final.normed, responses.targets), responses.lengths);
  }

  /** Computes log-probs of the response tokens and of the columns that are read. */
  read({ final, responses, reads }: Activations): Reading[] {
    return readings(this.head, final.normed, responses, reads);
  }

  /**
   * Adds the gradient of a loss with these dLoss/dlogp to the weights' gradients and frees the activations, also where
   * it fails.
   * @param reads dLoss/dlogp of the columns that are read, where there are any
   * @returns the log-probs
   */
  backward(
    activations: Activations,
    gradient: readonly Float64Array[],
    reads: readonly ReadValues[] = [],
  ): Float64Array[] {
    try {
      return this.#backward(activations, gradient, reads);
    } finally {
      disposeAll(activations);
    }
  }

  #backward(
    { pack, responses, reads, segments, final }: Activations,
    gradient: readonly Float64Array[],
    readGradient: readonly ReadValues[],
  ): Float64Array[] {
    return scope(() =>
      noGrad(() => {
        const all = concatenate(gradient);
        const read = Array.from(readGradient.length > 0 ? reads : [], ([name, own]) => ({
          reads: own,
          gradient: concatenate(readGradient.map((values) => values[name] ?? NONE)),
        }));
        const head = this.head.backward(final.normed, responses.targets, all, this.weights.headGrad, read);
        const predicting = rmsNormBackward(
          ...this.#normOf(final.x, 'finalNorm'),
          head.hiddenGrad,
          this.weights.gradOf('finalNorm'),
        );
        const stream = segments.at(-1)!.x;
        const g = ops.indexCopy_(ops.zerosLike(stream), 0, responses.positions, predicting);
        for (let s = segments.length - 1; s >= 0; s--) {
          this.#branchBackward(this.#branches[s]!, segments[s]!, pack, g);
        }
        this.#embeddingBackward(pack.ids, g);
        return perRow(head.logps, responses.lengths);
      }),
    );
  }

  /** Turns `g`, dLoss/d of the stream after a branch, into that of the stream before it, and frees the segment. */
  #branchBackward(branch: Branch, segment: Segment, pack: Pack, g: Tensor): void {
    scope(() => {
      const { model } = this.weights;
      const { x, graph = this.#run(branch, model.norm(x, branch.norm), pack, true) } = segment;
      backward([graph.added], [g]);
      addRmsNormBackward(
        ...this.#normOf(x, branch.norm),
        graph.normed.grad!,
        this.weights.gradOf(branch.norm),
        g,
      );
    });
    disposeAll(segment);
    this.weights.gather(branch.parameters);
  }

  /** Runs a branch: the normed stream → what is added to the stream; with `record`, as a graph. */
  #run(branch: Branch, normed: Tensor, pack: Pack, record: boolean): BranchGraph {
    return scope(() => {
      normed.requiresGrad = record;
      const run = () => branch.run(normed, pack.context);
      return { normed, added: record ? enableGrad(run) : run() };
    });
  }

  /** What describes the norm of `x` by the named weight. */
  #normOf(x: Tensor, name: string) {
    const { config } = this.weights.model;
    return [x, this.weights.model.parameter(name), config.normEps, config.normOffset] as const;
  }

  /** Adds the gradient to the embedding's rows in place, unless it is frozen; a dense gradient would be as large as the table. */
  #embeddingBackward(ids: Tensor, gradient: Tensor): void {
    const table = this.weights.gradOf('embedding');
    if (!table) return;
    scope(() => {
      ops.indexAdd_(table, 0, ids, ops.toDtype(this.weights.model.scaleEmbedding(gradient), table.dtype));
    });
  }

  [Symbol.dispose](): void {
    this.head[Symbol.dispose]();
  }
}
