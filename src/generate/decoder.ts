/** @file Runs the model over a batch of growing sequences. Chooses no tokens: that is `sampling.ts`. */

import { noGrad } from '../torch/autograd.js';
import { fromArray, indices } from '../torch/data.js';
import { hasSlotAttention, linearOfFew } from '../torch/decoding.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { Linear } from '../models/arithmetic.js';
import type { AttentionKind } from '../models/slidingLayers.js';
import { hasVarlen, packSequences } from '../models/pack.js';
import type { Attend, LayerContext, Transformer } from '../models/transformer.js';
import { KeyValueCache } from './cache.js';

/**
 * Decodes a batch of growing sequences. They are in rows 0, 1, … in the order in which they joined. `join` and `step` must not be called in a scope, since the memory that they take has to outlive it.
 */
export class Decoder implements Disposable {
  readonly #cache: KeyValueCache;
  /** The number of tokens of each row. */
  #lengths: number[] = [];

  /**
   * @param lengths of sequences for which memory is taken at first; more is taken when it is needed
   * @param budget bytes of keys and values that are never exceeded
   */
  constructor(
    readonly model: Transformer,
    lengths: readonly number[],
    budget?: number,
  ) {
    this.#cache = noGrad(() => new KeyValueCache(model, lengths, budget));
  }

  /** The number of sequences. */
  get rows(): number {
    return this.#lengths.length;
  }

  /** Tells whether there is memory for sequences of these lengths beside those that there are, and for them to grow. */
  fits(lengths: readonly number[]): boolean {
    return this.#cache.fits([...this.#lengths, ...lengths], true);
  }

  /** Tells whether there is memory for one more token in every row. */
  get canStep(): boolean {
    return this.#cache.fits(this.#lengths.map((length) => length + 1));
  }

  /**
   * Adds sequences, each as `copies[i]` consecutive rows; a sequence is computed once, however many copies it has, and so
   * is what all begin with.
   * @returns the logits after the last token of each new row: [new rows, vocab] in the model's dtype
   */
  join(sequences: readonly Int32Array[], copies: readonly number[]): Tensor {
    const added = sequences.flatMap((ids, s) => Array<number>(copies[s]!).fill(ids.length));
    this.#cache.ensure([...this.#lengths, ...added]);
    let next = this.#lengths.length;
    const members = sequences.map((ids, s) => ({
      ids,
      rows: Array.from({ length: copies[s]! }, () => next++),
    }));
    return this.#infer(() => {
      // Where a rotation depends on the whole length, keys of a common beginning are not common.
      const shares = this.#attendsToSlots && !this.model.rotatesByLength;
      const shared = shares ? commonLength(sequences) : 0;
      if (shared > 0) {
        const beginning = sequences[0]!.subarray(0, shared);
        this.#read([{ ids: beginning, rows: members.flatMap(({ rows }) => rows) }], 0);
      }
      const rests = members.map(({ ids, rows }) => ({ ids: ids.subarray(shared), rows }));
      const last = this.#read(rests, shared);
      this.#lengths.push(...added);
      return this.#logits(last);
    });
  }

  /**
   * Computes tokens that stand from column `from` on in all of their rows, whose columns before that are written.
   * @returns the stream at the last token of each row
   */
  #read(members: readonly { ids: Int32Array; rows: readonly number[] }[], from: number): Tensor {
    const { device } = this.model;
    // Each token of the pack goes to every row that has it.
    const sources: number[] = [];
    const rows: number[] = [];
    const columns: number[] = [];
    const ends: number[] = [];
    let start = 0;
    for (const { ids, rows: places } of members) {
      for (const row of places) {
        for (let i = 0; i < ids.length; i++) {
          sources.push(start + i);
          rows.push(row);
          columns.push(from + i);
        }
        ends.push(start + ids.length - 1);
      }
      start += ids.length;
    }
    const source = indices(sources, device);
    const slots = this.#cache.slots(rows, columns);
    const { ids, context } = from === 0 ? this.#pack(members) : this.#packLater(members, from);
    const attend: Attend = (layer, q, k, v) => {
      this.#cache.write(layer, slots, ops.indexSelect(k, 0, source), ops.indexSelect(v, 0, source));
      return context.attend(layer, q, k, v);
    };
    const stream = this.model.stream(ids, { rotations: context.rotations, attend, linear: this.#linear });
    return ops.indexSelect(stream, 0, indices(ends, device));
  }

  /** Packs sequences whose tokens attend to one another alone. */
  #pack(members: readonly { ids: Int32Array }[]): { ids: Tensor; context: LayerContext } {
    return packSequences(
      this.model,
      members.map(({ ids }) => ids),
    );
  }

  /** Packs the rests of sequences, which attend to the cache, where their beginnings are. */
  #packLater(
    members: readonly { ids: Int32Array; rows: readonly number[] }[],
    from: number,
  ): { ids: Tensor; context: LayerContext } {
    const positions = members.flatMap(({ ids }) => Array.from(ids, (_, i) => from + i));
    const lengths = members.flatMap(({ ids }) => Array<number>(ids.length).fill(from + ids.length));
    const first = members.flatMap(({ ids, rows }) => Array<number>(ids.length).fill(rows[0]!));
    const read = this.#attendSlots(
      first,
      positions.map((position) => position + 1),
    );
    return {
      ids: indices(members.flatMap(({ ids }) => [...ids])),
      context: {
        rotations: this.model.rotations(indices(positions), lengths),
        attend: (layer, q) => read(layer, q),
      },
    };
  }

  /** Adds one token to every row. @returns the logits after it, as `join` does */
  step(tokens: Int32Array): Tensor {
    const rows = this.#lengths.length;
    if (tokens.length !== rows) throw new RangeError(`${tokens.length} tokens for ${rows} rows`);
    const columns = Math.max(...this.#lengths) + 1;
    this.#cache.ensure(this.#lengths.map((length) => length + 1));
    return this.#infer(() => {
      const { device } = this.model;
      const slots = this.#cache.slots(
        this.#lengths.map((_, row) => row),
        this.#lengths,
      );
      const positions = indices(this.#lengths, device);
      const read = this.#reader(positions, columns);
      const attend: Attend = (layer, q, k, v) => {
        this.#cache.write(layer, slots, k, v);
        return read(layer, q);
      };
      const rotations = this.model.rotations(
        positions,
        this.#lengths.map((length) => length + 1),
      );
      const context = { rotations, attend, linear: this.#linear };
      const hidden = this.model.stream(indices(tokens, device), context);
      this.#lengths = this.#lengths.map((length) => length + 1);
      return this.#logits(hidden);
    });
  }

  /** The number of tokens of a row. */
  lengthOf(row: number): number {
    return this.#lengths[row]!;
  }

  /** Forgets what a row has beyond so many tokens. */
  shorten(row: number, length: number): void {
    if (length > this.#lengths[row]!) throw new RangeError(`row ${row} has fewer than ${length} tokens`);
    this.#lengths[row] = length;
  }

  /** Takes rows for sequences of these lengths without computing anything: their keys and values are not theirs. */
  joinIdle(lengths: readonly number[]): void {
    this.#cache.ensure([...this.#lengths, ...lengths]);
    this.#lengths.push(...lengths);
  }

  /** Lengthens every row by one token without computing anything. */
  stepIdle(): void {
    const longer = this.#lengths.map((length) => length + 1);
    this.#cache.ensure(longer);
    this.#lengths = longer;
  }

  /**
   * Drops rows; the others keep their order.
   * @returns for each remaining row, the row where it was before
   */
  leave(rows: ReadonlySet<number>): number[] {
    const order = this.#lengths.flatMap((_, row) => (rows.has(row) ? [] : [row]));
    this.#cache.keep(order);
    this.#lengths = order.map((row) => this.#lengths[row]!);
    return order;
  }

  /** Computes the model's products. */
  get #linear(): Linear {
    return this.model.isExact ? this.model.arithmetic.linear : linearOfFew;
  }

  #infer(body: () => Tensor): Tensor {
    return scope(() => noGrad(body));
  }

  #logits(hidden: Tensor): Tensor {
    return this.#linear(this.model.finalNorm(hidden), this.model.head);
  }

  /** Chooses how the rows attend to the cache. */
  #reader(positions: Tensor, columns: number): (layer: number, q: Tensor) => Tensor {
    if (hasVarlen(this.model)) return this.#attendVarlen(columns);
    if (this.#attendsToSlots)
      return this.#attendSlots(
        this.#lengths.map((_, row) => row),
        this.#lengths.map((length) => length + 1),
      );
    return this.#attendMasked(positions, columns);
  }

  get #attendsToSlots(): boolean {
    return this.model.isExact || hasSlotAttention(this.model);
  }

  /** Attends with the CPU's kernel: each query to the first columns of its row. */
  #attendSlots(rows: readonly number[], columns: readonly number[]): (layer: number, q: Tensor) => Tensor {
    const { attention, slidingWindow, attentionScale: scale } = this.model.config;
    const starts = indices(rows.map((row) => this.#cache.start(row)));
    const counts = indices(columns);
    return (layer, q) => {
      const { keys, values } = this.#cache.whole(layer);
      const window = attention[layer] === 'sliding' ? slidingWindow : 0;
      return ops.attendSlots(q, keys, values, starts, counts, scale, window);
    };
  }

  /** Attends to copies of all rows, as long as the longest, through masks; works on every device. */
  #attendMasked(positions: Tensor, columns: number): (layer: number, q: Tensor) => Tensor {
    const { heads, kvHeads, headDim, attention, attentionScale: scale } = this.model.config;
    const rows = this.#lengths.length;
    const masks = this.#masks(positions, columns);
    // Columns that a row has not reached, which the mask hides, are its last.
    const slots = this.#cache.slots(
      this.#lengths.flatMap((_, row) => Array<number>(columns).fill(row)),
      this.#lengths.flatMap((length) => Array.from({ length: columns }, (_, c) => Math.min(c, length))),
    );
    return (layer, q) => {
      const { keys, values } = this.#cache.read(layer, slots, rows);
      // The heads of a group share their keys; as one head with several queries they need no copies of the keys.
      const queries = ops.reshape(q, [rows, kvHeads, heads / kvHeads, headDim]);
      const mask = masks[attention[layer]!]!;
      const out = ops.scaledDotProductAttention(queries, keys, values, mask, 0, false, { scale });
      return ops.reshape(out, [rows, heads * headDim]);
    };
  }

  /** Attends with varlen flash attention, which reads each row of the cache to its own length. */
  #attendVarlen(columns: number): (layer: number, q: Tensor) => Tensor {
    const { heads, headDim, attention, slidingWindow, attentionScale: scale } = this.model.config;
    const rows = this.#lengths.length;
    const int32 = (values: Int32Array) => ops.toDevice(fromArray(values), this.model.device, 'i32');
    const ends = int32(Int32Array.from({ length: rows + 1 }, (_, row) => row));
    // The kernel begins a row where it is told to, and the number of its tokens says where it ends.
    const starts = int32(
      Int32Array.from({ length: rows + 1 }, (_, row) => (row < rows ? this.#cache.start(row) : 0)),
    );
    const used = int32(Int32Array.from(this.#lengths, (length) => length + 1));
    return (layer, q) => {
      const { keys, values } = this.#cache.whole(layer);
      const window = attention[layer] === 'sliding' && slidingWindow < columns;
      const [out] = ops.flashAttentionForward(q, keys, values, ends, starts, 1, columns, 0, false, false, {
        ...{ scale, sequsedK: used },
        ...(window && { windowSizeLeft: slidingWindow - 1, windowSizeRight: 0 }),
      });
      return ops.reshape(out, [rows, heads * headDim]);
    };
  }

  /**
   * Makes the masks, [rows, 1, 1, columns] each: 0 at the columns that a row may see (its own, in sliding layers those
   * in the window), −∞ elsewhere.
   */
  #masks(positions: Tensor, columns: number): Partial<Record<AttentionKind, Tensor>> {
    const { attention, slidingWindow } = this.model.config;
    const { dtype, device } = this.model;
    const column = ops.arange(0, columns, 1, { dtype: 'i64', device });
    const distance = ops.reshape(ops.sub(ops.unsqueeze(positions, 1), column), [-1, 1, 1, columns]);
    const ahead = ops.ltScalar(distance, 0);
    const mask = (hidden: Tensor) =>
      ops.maskedFill(ops.zeros(distance.shape, { dtype, device }), hidden, -Infinity);
    return {
      ...(attention.includes('full') && { full: mask(ahead) }),
      ...(attention.includes('sliding') && {
        sliding: mask(ops.logicalOr(ahead, ops.gtScalar(distance, slidingWindow - 1))),
      }),
    };
  }

  [Symbol.dispose](): void {
    this.#cache[Symbol.dispose]();
  }
}

/** How many tokens all of several sequences begin with; each keeps one of its own. */
function commonLength(sequences: readonly Int32Array[]): number {
  const [first, ...others] = sequences;
  if (!first || others.length === 0) return 0;
  const most = Math.min(...sequences.map((ids) => ids.length)) - 1;
  let length = 0;
  while (length < most && others.every((ids) => ids[length] === first[length])) length++;
  return length;
}
