/** @file Computes log-probs of tokens from hidden states, and their gradients. Knows no objective. */
import { hasLinear, hasWideProducts, softmaxKernel } from '../torch/fused.js';
import * as ops from '../torch/ops.js';
import { noGrad } from '../torch/autograd.js';
import { fromArray, toFloat64Array } from '../torch/data.js';
import { RowBuffer } from '../torch/rowBuffer.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { readsOfChunk, sumsByToken, type ReadGradient, type Reads } from './reads.js';

/**
 * Bytes of one chunk's logits: a larger chunk makes the weight's gradient cheaper, which is read and written once per chunk.
 * On a GPU that weighs more.
 */
const chunkBytes = { cpu: 2 ** 26, accelerator: 2 ** 30 };

/** Returns how many rows of [tokens, hidden] make a chunk: at least 16 for any vocabulary. @param bytes of a logit */
export function rowsOfChunk(vocab: number, device: string, bytes: number): number {
  const limit = device === 'cpu' ? chunkBytes.cpu : chunkBytes.accelerator;
  return Math.max(16, Math.floor(limit / bytes / vocab));
}

function chunkRows(weight: Tensor): number {
  const vocab = weight.size(0);
  return rowsOfChunk(vocab, weight.device, softmaxKernel(weight, vocab) === 'narrow' ? 2 : 4);
}

/** Returns how many rows make a chunk where wide logits are needed beside narrow ones. */
export const readRows = (rows: number): number => Math.max(1, rows >> 1);

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
 * buffers are kept from chunk to chunk and are as large as the largest so far.
 */
export class ChunkedHead implements Disposable {
  /** Tokens per chunk. */
  readonly rows: number;
  /** Logits in the model's dtype, if that differs from `wide`'s. */
  readonly #narrow: RowBuffer | undefined;
  /** Logits in float32 (float64 for a float64 model), unless a kernel needs none. */
  readonly #wide: RowBuffer | undefined;
  readonly #wideDtype: 'f32' | 'f64';
  /** Logits that are read at several ids, where a kernel takes narrow ones otherwise. */
  readonly #widened: RowBuffer | undefined;
  /** The logits that a fused softmax takes, if there is one. */
  readonly #kernel: 'wide' | 'narrow' | undefined;
  /** Whether there are kernels for the products with the weight. */
  readonly #multiplies: boolean;
  /** Rows of a chunk's weight gradient, if one product cannot add it to the sum directly. */
  readonly #weightGrad: RowBuffer | undefined;
  /** The hidden states whose logits `logps` has left in the buffer, if they were a single chunk. */
  #scored: Tensor | undefined;

  constructor(
    /** [vocab, hidden] */
    readonly weight: Tensor,
    /** Tokens of a chunk at most. */
    rows = chunkRows(weight),
  ) {
    this.rows = rows;
    const { dtype, device } = weight;
    const [vocab, hidden] = weight.shape as [number, number];
    this.#multiplies = hasLinear(weight);
    const wide = (this.#wideDtype = dtype === 'f64' ? 'f64' : 'f32');
    this.#kernel = softmaxKernel(weight, vocab);
    const buffer = new RowBuffer(vocab, this.#kernel === 'narrow' ? readRows(rows) : rows, {
      dtype: wide,
      device,
    });
    if (this.#kernel === 'narrow') this.#widened = buffer;
    else this.#wide = buffer;
    if (dtype === wide) return;
    this.#narrow = new RowBuffer(vocab, rows, { dtype, device });
    if (!this.#hasWideProducts && !this.#multiplies)
      this.#weightGrad = new RowBuffer(hidden, gradRows(weight, rows), { dtype, device });
  }

  /** Whether products of narrow matrices can have wide results, which are then never rounded. */
  get #hasWideProducts(): boolean {
    return hasWideProducts(this.weight);
  }

  /**
   * Computes natural log-probabilities of `targets` under softmax(hidden · weightᵀ).
   * @param hidden [tokens, hidden] after the final norm
   * @param targets i64[tokens]
   * @returns one per token
   */
  logps(hidden: Tensor, targets: Tensor): Float64Array {
    return scope(() => {
      const logps = this.#logpsFor(hidden);
      this.#eachChunk(hidden, targets, this.rows, (chunk, target, start) => {
        this.#keep(logps, start, this.#chunkLogps(this.#logits(chunk), target));
      });
      if (this.#kernel === 'narrow' && hidden.size(0) <= this.rows) this.#scored = hidden;
      return toFloat64Array(logps);
    });
  }

  /**
   * Computes, besides the log-probs of `targets`, those of other tokens in the same places.
   * @returns for each of `reads`, one per entry
   */
  read(
    hidden: Tensor,
    targets: Tensor,
    reads: readonly Reads[],
  ): { logps: Float64Array; reads: Float64Array[] } {
    return scope(() => {
      const logps = this.#logpsFor(hidden);
      const found = reads.map(({ tokens }) => this.#logpsFor(tokens));
      this.#eachChunk(hidden, targets, this.#readRows, (chunk, target, start) => {
        const places = reads.map((read) => readsOfChunk(read, start, chunk.size(0), this.weight.size(0)));
        const logits = this.#wideLogits(chunk);
        const all = ops.view(logits, [-1]);
        const chosen = places.map(({ at }) => ops.indexSelect(all, 0, at));
        const { largest, denominator, logps: own } = this.#softmax(logits, target);
        this.#keep(logps, start, own);
        const log = ops.log(denominator);
        places.forEach(({ tokens, first }, i) => {
          const of = (column: Tensor) => ops.indexSelect(ops.reshape(column, [-1]), 0, tokens);
          this.#keep(found[i]!, first, ops.sub(ops.sub(chosen[i]!, of(largest)), of(log)));
        });
      });
      return { logps: toFloat64Array(logps), reads: found.map(toFloat64Array) };
    });
  }

  /**
   * Computes the entropies of softmax(hidden · weightᵀ), in nats, one per token. It takes several passes over the logits, which
   * is too much for every step.
   */
  entropies(hidden: Tensor): Float64Array {
    return scope(() => {
      const entropies = this.#logpsFor(hidden);
      const unused = ops.zeros([hidden.size(0)], { dtype: 'i64', device: hidden.device });
      // Small chunks: there are three copies of them.
      const rows = Math.max(16, this.rows / 8);
      this.#eachChunk(hidden, unused, rows, (chunk, _, start) => {
        const logits = ops.toDtype(this.#logits(chunk), this.#wideDtype);
        const terms = ops.mul_(ops.softmax(logits, -1), ops.logSoftmax(logits, -1));
        const entropy = ops.neg(ops.sumDim(terms, [-1]));
        this.#keep(entropies, start, entropy);
      });
      return toFloat64Array(entropies);
    });
  }

  /**
   * Computes signed token-weighted cross-entropy, forward and backward in one pass over the chunks:
   * with g_t = dLoss/dlogp_t, dLoss/dlogits_t = g_t (onehot − softmax). Right after `logps` of the same hidden states their
   * logits may still be there and are not computed anew; the weight is the same then.
   * @param gradient g, one per token; of either sign
   * @param weightGrad [vocab, hidden], f32 (f64 for a f64 model): dLoss/dweight is added to it; none where the weight is frozen
   * @param reads dLoss/dlogp of other tokens in the same places, each of which adds a onehot − softmax
   * @returns the log-probs and dLoss/dhidden in the dtype of `hidden`
   */
  backward(
    hidden: Tensor,
    targets: Tensor,
    gradient: Float64Array,
    weightGrad: Tensor | undefined,
    reads: readonly ReadGradient[] = [],
  ): { logps: Float64Array; hiddenGrad: Tensor } {
    return scope(() =>
      noGrad(() => {
        const logps = this.#logpsFor(hidden);
        const hiddenGrad = ops.emptyLike(hidden);
        const wide = (values: Float64Array, shape: readonly number[]) =>
          ops.toDevice(fromArray(values, shape), hidden.device, this.#wideDtype);
        const column = (values: Float64Array) => wide(values, [hidden.size(0), 1]);
        const all = column(gradient);
        const logits = this.#scored === hidden ? this.#narrow?.take(hidden.size(0)) : undefined;
        const isRead = reads.length > 0;
        const read = isRead && {
          sums: column(sumsByToken(gradient, reads)),
          gradients: reads.map((own) => wide(own.gradient, [own.gradient.length])),
        };
        this.#eachChunk(hidden, targets, isRead ? this.#readRows : this.rows, (chunk, target, start) => {
          const count = chunk.size(0);
          const g = ops.narrow(all, 0, start, count);
          const part = read
            ? this.#composedGrad(this.#wideLogits(chunk), target, g, {
                sum: ops.narrow(read.sums, 0, start, count),
                entries: reads.map(({ reads: own }, i) => {
                  const { at, first } = readsOfChunk(own, start, count, this.weight.size(0));
                  return { at, g: ops.narrow(read.gradients[i]!, 0, first, at.size(0)) };
                }),
              })
            : this.#gradOfLogits(logits ?? this.#logits(chunk), target, g);
          this.#keep(logps, start, part.logps);
          this.#hiddenGrad(part.logitsGrad, ops.narrow(hiddenGrad, 0, start, count));
          if (weightGrad) this.#addWeightGrad(part.logitsGrad, chunk, weightGrad);
        });
        return { logps: toFloat64Array(logps), hiddenGrad };
      }),
    );
  }

  /** Computes dLoss/dlogits of a chunk in the model's dtype, in a buffer that the next chunk overwrites. */
  #gradOfLogits(logits: Tensor, target: Tensor, g: Tensor): { logitsGrad: Tensor; logps: Tensor } {
    this.#scored = undefined;
    const narrow = this.#narrow?.take(logits.size(0));
    if (narrow && this.#kernel) {
      const logps = ops.softmaxGrad_(logits, target, g, narrow);
      return { logitsGrad: narrow, logps };
    }
    return this.#composedGrad(logits, target, g, { sum: g, entries: [] });
  }

  /**
   * Computes the same without a kernel, from wide logits.
   * @param sum of all that is added at a token's ids
   * @param entries places among the chunk's logits, and what is added there
   */
  #composedGrad(
    logits: Tensor,
    target: Tensor,
    g: Tensor,
    { sum, entries }: { sum: Tensor; entries: readonly { at: Tensor; g: Tensor }[] },
  ): { logitsGrad: Tensor; logps: Tensor } {
    const narrow = this.#narrow?.take(logits.size(0));
    const { numerators, denominator, logps } = this.#softmax(logits, target);
    // In place, the numerators become dLoss/dlogits.
    ops.mul_(numerators, ops.neg(ops.div(sum, denominator)));
    ops.scatterAdd_(numerators, -1, target, g);
    for (const entry of entries) ops.indexAdd_(ops.view(numerators, [-1]), 0, entry.at, entry.g);
    return { logitsGrad: narrow ? ops.copy_(narrow, numerators) : numerators, logps };
  }

  #hiddenGrad(logitsGrad: Tensor, out: Tensor): void {
    if (this.#multiplies) ops.linearInputGradOut(logitsGrad, this.weight, out);
    else ops.mmOut(logitsGrad, this.weight, { out });
  }

  #chunkLogps(logits: Tensor, target: Tensor): Tensor {
    return this.#kernel === 'narrow' ? ops.targetLogps(logits, target) : this.#softmax(logits, target).logps;
  }

  #logpsFor(hidden: Tensor): Tensor {
    return ops.empty([hidden.size(0)], { dtype: this.#wideDtype, device: hidden.device });
  }

  #keep(logps: Tensor, start: number, part: Tensor): void {
    ops.copy_(ops.narrow(logps, 0, start, part.size(0)), ops.reshape(part, [-1]));
  }

  /** Adds logitsGradᵀ · hidden to `weightGrad`; through a buffer in the narrow dtype where a product cannot do it. */
  #addWeightGrad(logitsGrad: Tensor, hidden: Tensor, weightGrad: Tensor): void {
    const buffer = this.#weightGrad;
    if (this.#hasWideProducts) {
      ops.addmmDtypeOut(weightGrad, ops.t(logitsGrad), hidden, weightGrad.dtype, { out: weightGrad });
      return;
    }
    if (this.#multiplies) {
      ops.linearWeightGrad_(logitsGrad, hidden, weightGrad);
      return;
    }
    if (!buffer) {
      ops.addmm_(weightGrad, ops.t(logitsGrad), hidden);
      return;
    }
    const rows = buffer.most;
    for (let start = 0; start < weightGrad.size(0); start += rows) {
      scope(() => {
        const count = Math.min(rows, weightGrad.size(0) - start);
        const out = buffer.take(count);
        ops.mmOut(ops.t(ops.narrow(logitsGrad, 1, start, count)), hidden, { out });
        ops.add_(ops.narrow(weightGrad, 0, start, count), out);
      });
    }
  }

  /** Calls `use` with each chunk of `hidden` and `targets` (as a column) and with the row at which it starts. */
  #eachChunk(
    hidden: Tensor,
    targets: Tensor,
    rows: number,
    use: (chunk: Tensor, target: Tensor, start: number) => void,
  ): void {
    noGrad(() => {
      const tokens = hidden.size(0);
      // As many in each: a chunk of few rows would cost as much memory traffic as a full one.
      const most = Math.ceil(tokens / Math.ceil(tokens / rows));
      for (let start = 0; start < tokens; start += most) {
        const count = Math.min(most, tokens - start);
        scope(() => {
          const target = ops.unsqueeze(ops.narrow(targets, 0, start, count), 1);
          use(ops.narrow(hidden, 0, start, count), target, start);
        });
      }
    });
  }

  /** Computes a chunk's logits, in the wide dtype unless a kernel takes narrow ones; the next chunk overwrites them. */
  #logits(chunk: Tensor): Tensor {
    this.#scored = undefined;
    const count = chunk.size(0);
    const narrow = this.#narrow?.take(count);
    const wide = this.#wide?.take(count);
    if (wide && narrow && this.#hasWideProducts)
      return ops.mmDtypeOut(chunk, ops.t(this.weight), wide.dtype, { out: wide });
    if (narrow && this.#multiplies) {
      ops.linearRowsOut(chunk, this.weight, narrow);
      return wide ? ops.copy_(wide, narrow) : narrow;
    }
    const logits = ops.mmOut(chunk, ops.t(this.weight), { out: (narrow ?? wide)! });
    return wide && narrow ? ops.copy_(wide, logits) : logits;
  }

  get #readRows(): number {
    return this.#widened?.most ?? this.rows;
  }

  /** Computes a chunk's logits in the wide dtype; the next chunk overwrites them. */
  #wideLogits(chunk: Tensor): Tensor {
    const logits = this.#logits(chunk);
    if (!this.#widened) return logits;
    return ops.copy_(this.#widened.take(chunk.size(0)), logits);
  }

  /**
   * Computes the softmax of a chunk as numerators, exp(logit − largest), and their row sums. The numerators take the
   * logits' place; `logps` are those of the targets.
   */
  #softmax(
    logits: Tensor,
    target: Tensor,
  ): { numerators: Tensor; denominator: Tensor; largest: Tensor; logps: Tensor } {
    const largest = ops.amax(logits, [-1], true);
    const chosen = ops.sub(ops.gather(logits, -1, target), largest);
    const numerators = ops.exp_(ops.sub_(logits, largest));
    const denominator = ops.sumDim(numerators, [-1], true);
    return { numerators, denominator, largest, logps: ops.sub(chosen, ops.log(denominator)) };
  }

  [Symbol.dispose](): void {
    for (const buffer of [this.#narrow, this.#wide, this.#widened, this.#weightGrad])
      buffer?.[Symbol.dispose]();
  }
}
