/** @file Computes log-probs of tokens from hidden states, and their gradients. Knows no objective. */
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import { scope, type Tensor } from '../torch/tensor.js';

/**
 * Elements of one chunk's logits: 2²⁴ are 67 MB in float32. On a GPU larger chunks make the weight gradient cheaper,
 * which is read and written once per chunk.
 */
const chunkElements = { cpu: 2 ** 24, accelerator: 2 ** 29 };

/** Returns how many rows of [tokens, hidden] make a chunk: at least 16 for any vocabulary. */
function chunkRows(weight: Tensor): number {
  const limit = weight.device === 'cpu' ? chunkElements.cpu : chunkElements.accelerator;
  return Math.max(16, Math.floor(limit / weight.size(0)));
}

/**
 * Returns for how many rows of the weight the gradient is computed at a time: a quarter of a chunk, since libtorch
 * widens it into a temporary before adding it.
 */
function gradRows(weight: Tensor, chunkRows: number): number {
  const [vocab, hidden] = weight.shape as [number, number];
  return Math.min(vocab, Math.max(16, Math.floor((chunkRows * vocab) / 4 / hidden)));
}

/**
 * The output head with its softmax, computed for a chunk of tokens at a time, so that the full logits never exist. The
 * buffers of a chunk are allocated once, since allocating blocks of this size each time fragments the heap.
 */
export class ChunkedHead implements Disposable {
  /** Tokens per chunk. */
  readonly rows: number;
  /** Logits in the model's dtype, if that differs from `wide`'s. */
  readonly #narrow: Tensor | undefined;
  /** Logits in float32 (float64 for a float64 model). */
  readonly #wide: Tensor;
  /** Rows of a chunk's weight gradient, if one product cannot add it to the sum directly. */
  readonly #weightGrad: Tensor | undefined;

  constructor(
    /** [vocab, hidden] */
    readonly weight: Tensor,
    { training = false, rows = chunkRows(weight) }: { training?: boolean; rows?: number } = {},
  ) {
    this.rows = rows;
    const { dtype, device } = weight;
    const shape = [rows, weight.size(0)];
    const wide = dtype === 'f64' ? 'f64' : 'f32';
    this.#wide = ops.empty(shape, { dtype: wide, device });
    if (dtype !== wide) {
      this.#narrow = ops.empty(shape, { dtype, device });
      if (training) {
        this.#weightGrad = ops.empty([gradRows(weight, rows), weight.size(1)], { dtype, device });
      }
    }
  }

  /**
   * Computes natural log-probabilities of `targets` under softmax(hidden · weightᵀ).
   * @param hidden [tokens, hidden] after the final norm
   * @param targets i64[tokens]
   * @returns one per token
   */
  logps(hidden: Tensor, targets: Tensor): Float64Array {
    const result = new Float64Array(hidden.size(0));
    this.#eachChunk(hidden, targets, (chunk, target, start) => {
      result.set(toFloat64Array(this.#softmax(chunk, target).logps), start);
    });
    return result;
  }

  /**
   * Computes signed token-weighted cross-entropy, forward and backward in one pass over the chunks:
   * with g_t = dLoss/dlogp_t, dLoss/dlogits_t = g_t (onehot − softmax).
   * @param gradient g, one per token; of either sign
   * @param weightGrad [vocab, hidden], f32 (f64 for a f64 model): dLoss/dweight is added to it
   * @returns the log-probs and dLoss/dhidden in the dtype of `hidden`
   */
  backward(
    hidden: Tensor,
    targets: Tensor,
    gradient: Float64Array,
    weightGrad: Tensor,
  ): { logps: Float64Array; hiddenGrad: Tensor } {
    const result = new Float64Array(hidden.size(0));
    const hiddenGrad = noGrad(() => ops.emptyLike(hidden));
    this.#eachChunk(hidden, targets, (chunk, target, start) => {
      const { numerators, denominator, logps } = this.#softmax(chunk, target);
      result.set(toFloat64Array(logps), start);
      const count = chunk.size(0);
      const g = ops.toDevice(
        fromArray(gradient.slice(start, start + count), [count, 1]),
        hidden.device,
        numerators.dtype,
      );
      // In place, the numerators become dLoss/dlogits.
      ops.mul_(numerators, ops.neg(ops.div(g, denominator)));
      ops.scatterAdd_(numerators, -1, target, g);
      const narrow = this.#narrow && ops.narrow(this.#narrow, 0, 0, count);
      const logitsGrad = narrow ? ops.copy_(narrow, numerators) : numerators;
      ops.mmOut(logitsGrad, this.weight, { out: ops.narrow(hiddenGrad, 0, start, count) });
      if (this.#weightGrad) this.#addWeightGrad(this.#weightGrad, logitsGrad, chunk, weightGrad);
      else ops.addmm_(weightGrad, ops.t(logitsGrad), chunk);
    });
    return { logps: result, hiddenGrad };
  }

  /** Adds logitsGradᵀ · hidden to `weightGrad` through a buffer in the narrow dtype. */
  #addWeightGrad(buffer: Tensor, logitsGrad: Tensor, hidden: Tensor, weightGrad: Tensor): void {
    const rows = buffer.size(0);
    for (let start = 0; start < weightGrad.size(0); start += rows) {
      scope(() => {
        const count = Math.min(rows, weightGrad.size(0) - start);
        const out = ops.narrow(buffer, 0, 0, count);
        ops.mmOut(ops.t(ops.narrow(logitsGrad, 1, start, count)), hidden, { out });
        ops.add_(ops.narrow(weightGrad, 0, start, count), out);
      });
    }
  }

  /** Calls `use` with each chunk of `hidden` and `targets` (as a column) and with the row at which it starts. */
  #eachChunk(
    hidden: Tensor,
    targets: Tensor,
    use: (chunk: Tensor, target: Tensor, start: number) => void,
  ): void {
    noGrad(() => {
      const tokens = hidden.size(0);
      for (let start = 0; start < tokens; start += this.rows) {
        const count = Math.min(this.rows, tokens - start);
        scope(() => {
          const target = ops.unsqueeze(ops.narrow(targets, 0, start, count), 1);
          use(ops.narrow(hidden, 0, start, count), target, start);
        });
      }
    });
  }

  /**
   * Computes the softmax of a chunk as numerators, exp(logit − largest), and their row sums. The numerators are in the
   * buffer that the next chunk overwrites; `logps` are those of the targets.
   */
  #softmax(chunk: Tensor, target: Tensor): { numerators: Tensor; denominator: Tensor; logps: Tensor } {
    const count = chunk.size(0);
    const logits = ops.narrow(this.#wide, 0, 0, count);
    const narrow = this.#narrow && ops.narrow(this.#narrow, 0, 0, count);
    ops.mmOut(chunk, ops.t(this.weight), { out: narrow ?? logits });
    if (narrow) ops.copy_(logits, narrow);
    const largest = ops.amax(logits, [-1], true);
    const chosen = ops.sub(ops.gather(logits, -1, target), largest);
    const numerators = ops.exp_(ops.sub_(logits, largest));
    const denominator = ops.sumDim(numerators, [-1], true);
    return { numerators, denominator, logps: ops.sub(chosen, ops.log(denominator)) };
  }

  [Symbol.dispose](): void {
    for (const tensor of [this.#narrow, this.#wide, this.#weightGrad]) tensor?.dispose();
  }
}
