import { backward, enableGrad, noGrad } from '../torch/autograd.js';
import { indices } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { ChunkedHead } from '../models/head.js';
import { packSequences, type Pack } from '../models/pack.js';
import { layerSpecs } from '../models/parameters.js';
import type { Transformer } from '../models/transformer.js';
import type { TokenRow } from '../text/rows.js';
import type { TrainableWeights } from './weights.js';

/** One layer's part of the graph: its input is a leaf; its output is missing where it will be recomputed. */
interface Segment {
  input: Tensor;
  output?: Tensor;
}

/** The rows' response tokens within a pack: where each is predicted, and what it is. */
interface Responses {
  /** Tokens a row. */
  lengths: readonly number[];
  /** Positions in the pack whose hidden state predicts a response token: i64[tokens] */
  positions: Tensor;
  /** The response tokens: i64[tokens] */
  targets: Tensor;
}

/** A forward pass over a pack that waits for its backward. */
export interface Activations {
  pack: Pack;
  responses: Responses;
  segments: Segment[];
  /** Normed hidden states at `responses.positions`. */
  final: Required<Segment>;
}

function locateResponses(rows: readonly TokenRow[], device: string): Responses {
  const lengths = rows.map((row) => row.ids.length - row.responseStart);
  const total = lengths.reduce((a, b) => a + b, 0);
  const positions = new Int32Array(total);
  const targets = new Int32Array(total);
  let offset = 0;
  let at = 0;
  for (const { ids, responseStart } of rows) {
    if (responseStart < 1)
      throw new RangeError('a response needs a token before it, which predicts its first');
    for (let i = responseStart; i < ids.length; i++, at++) {
      positions[at] = offset + i - 1;
      targets[at] = ids[i]!;
    }
    offset += ids.length;
  }
  return { lengths, positions: indices(positions, device), targets: indices(targets, device) };
}

/** Cuts one value a response token into one array a row. */
function perRow(values: Float64Array, lengths: readonly number[]): Float64Array[] {
  let start = 0;
  return lengths.map((length) => values.subarray(start, (start += length)));
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

const finalHidden = (model: Transformer, x: Tensor, { positions }: Responses): Tensor =>
  model.finalNorm(ops.indexSelect(x, 0, positions));

/** Log-probs of rows without a backward. */
export class Scorer implements Disposable {
  readonly #head: ChunkedHead;

  constructor(readonly model: Transformer) {
    this.#head = new ChunkedHead(model.head);
  }

  /** Natural log-probs of the response tokens, one array a row. */
  score(rows: readonly TokenRow[]): Float64Array[] {
    const { model } = this;
    return scope(() =>
      noGrad(() => {
        const pack = packSequences(
          model,
          rows.map((row) => row.ids),
        );
        const responses = locateResponses(rows, model.device);
        let x = model.embed(pack.ids);
        for (let i = 0; i < model.layerCount; i++) {
          const input = x;
          x = scope(() => model.layer(i, input, pack.context));
          input.dispose();
        }
        return perRow(
          this.#head.logps(finalHidden(model, x, responses), responses.targets),
          responses.lengths,
        );
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#head[Symbol.dispose]();
  }
}

/**
 * Forward and backward over packs of rows, a layer at a time. The graph is cut at every layer's input, so that each
 * layer's memory goes as soon as its backward is done, and recomputing is the same walk with the forward repeated.
 */
export class Engine implements Disposable {
  readonly #layerNames: string[][];
  readonly #head: ChunkedHead;

  constructor(
    readonly weights: TrainableWeights,
    /** Keep only the layers' inputs and run each layer again in the backward pass: about 20 times less memory, 1/3 slower. */
    readonly recompute = false,
  ) {
    const { config } = weights.model;
    this.#head = new ChunkedHead(weights.model.head, { training: true });
    this.#layerNames = config.attention.map((_, i) =>
      Object.keys(layerSpecs(config, i)).map((role) => `layers.${i}.${role}`),
    );
  }

  forward(rows: readonly TokenRow[]): Activations {
    const { model } = this.weights;
    return scope(() => {
      const pack = packSequences(
        model,
        rows.map((row) => row.ids),
      );
      const responses = locateResponses(rows, model.device);
      const segments: Segment[] = [];
      let x = noGrad(() => model.embed(pack.ids));
      for (let i = 0; i < model.layerCount; i++) {
        const input = asLeaf(x);
        const run = () => scope(() => model.layer(i, input, pack.context));
        x = this.recompute ? noGrad(run) : run();
        segments.push(this.recompute ? { input } : { input, output: x });
      }
      const input = asLeaf(x);
      const output = scope(() => finalHidden(model, input, responses));
      return { pack, responses, segments, final: { input, output } };
    });
  }

  /** Log-probs of the response tokens, one array a row. */
  score({ final, responses }: Activations): Float64Array[] {
    return perRow(this.#head.logps(final.output, responses.targets), responses.lengths);
  }

  /**
   * Adds the gradient of a loss with these dLoss/dlogp to the weights' gradients and frees the activations.
   * @returns the log-probs
   */
  backward(activations: Activations, gradient: readonly Float64Array[]): Float64Array[] {
    const { model } = this.weights;
    const { pack, responses, segments, final } = activations;
    return scope(() => {
      const head = this.#head.backward(
        final.output,
        responses.targets,
        concatenate(gradient),
        this.weights.headGrad,
      );
      let g = this.#segmentBackward(final, final.output, head.hiddenGrad, ['finalNorm']);
      for (let i = model.layerCount - 1; i >= 0; i--) {
        const segment = segments[i]!;
        const incoming = g;
        g = scope(() => {
          const output = segment.output ?? enableGrad(() => model.layer(i, segment.input, pack.context));
          return this.#segmentBackward(segment, output, incoming, this.#layerNames[i]!);
        });
        incoming.dispose();
      }
      this.#embeddingBackward(pack.ids, g);
      release(activations);
      return perRow(head.logps, responses.lengths);
    });
  }

  /** Backward through one segment → dLoss/dinput. */
  #segmentBackward({ input }: Segment, output: Tensor, incoming: Tensor, names: readonly string[]): Tensor {
    backward([output], [incoming]);
    const gradient = input.grad!;
    input.dispose();
    output.dispose();
    this.weights.collect(names);
    return gradient;
  }

  [Symbol.dispose](): void {
    this.#head[Symbol.dispose]();
  }

  /** Rows of the embedding's gradient are added in place; a dense gradient would be as large as the table. */
  #embeddingBackward(ids: Tensor, gradient: Tensor): void {
    const table = this.weights.gradOf('embedding');
    noGrad(() => {
      scope(() => {
        ops.indexAdd_(table, 0, ids, ops.toDtype(this.weights.model.scaleEmbedding(gradient), table.dtype));
      });
    });
  }
}

function asLeaf(x: Tensor): Tensor {
  const leaf = ops.detach(x);
  leaf.requiresGrad = true;
  return leaf;
}

/** Frees activations whether or not their backward has run. */
export function release({ pack, responses, segments, final }: Activations): void {
  for (const tensor of [pack.ids, ...pack.owned, responses.positions, responses.targets]) tensor.dispose();
  for (const { input, output } of [...segments, final]) {
    input.dispose();
    output?.dispose();
  }
}
