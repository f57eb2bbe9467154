/** @file Holds the keys and values of a batch of growing sequences. Computes nothing from them. */

import { indices } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import type { ModelConfig } from '../models/config.js';
import type { Transformer } from '../models/transformer.js';

/** Columns by which the cache grows; each growth copies it. */
const GROWTH = 128;

/**
 * Stores keys and values of a batch: row r holds one sequence, column c its token at position c. Keys are stored
 * rotated. Columns that a sequence has not reached hold zeros or an earlier sequence's values, which are finite; the
 * reader masks them.
 */
export class KeyValueCache implements Disposable {
  /** Per layer: [rows · capacity, kvHeads, headDim] */
  readonly #keys: Tensor[] = [];
  readonly #values: Tensor[] = [];
  readonly #config: ModelConfig;
  #capacity: number;

  constructor(
    readonly model: Transformer,
    readonly rows: number,
    columns: number,
  ) {
    this.#config = model.config;
    this.#capacity = Math.ceil(columns / GROWTH) * GROWTH;
    for (let i = 0; i < model.layerCount; i++) {
      this.#keys.push(this.#allocate());
      this.#values.push(this.#allocate());
    }
    const all = [...this.#keys, ...this.#values];
    ops.useHugePages(all);
    scope(() => {
      for (const tensor of all) ops.fill_(tensor, 0);
    });
  }

  #allocate(): Tensor {
    const { kvHeads, headDim } = this.#config;
    const { dtype, device } = this.model;
    return ops.empty([this.rows * this.#capacity, kvHeads, headDim], { dtype, device });
  }

  /** Views a layer's tensor by row: [rows, capacity, kvHeads, headDim] */
  #byRow(tensor: Tensor): Tensor {
    const { kvHeads, headDim } = this.#config;
    return ops.view(tensor, [this.rows, -1, kvHeads, headDim]);
  }

  /** Makes room for this many tokens a row. Must not be called in a scope, which would free the new tensors. */
  ensure(columns: number): void {
    if (columns <= this.#capacity) return;
    const before = this.#capacity;
    this.#capacity = Math.ceil(columns / GROWTH) * GROWTH;
    for (const tensors of [this.#keys, this.#values]) {
      tensors.forEach((old, i) => {
        tensors[i] = scope(() => {
          const grown = this.#allocate();
          ops.useHugePages([grown]);
          ops.fill_(grown, 0);
          ops.copy_(ops.narrow(this.#byRow(grown), 1, 0, before), this.#byRow(old));
          return grown;
        });
        old.dispose();
      });
    }
  }

  /** Returns the places of tokens, for `write`: i64[tokens]. */
  slots(rows: ArrayLike<number>, columns: ArrayLike<number>): Tensor {
    const slots = Int32Array.from(rows, (row, i) => row * this.#capacity + columns[i]!);
    return indices(slots, this.model.device);
  }

  /** Stores keys and values, [tokens, kvHeads, headDim] each. */
  write(layer: number, slots: Tensor, keys: Tensor, values: Tensor): void {
    ops.indexCopy_(this.#keys[layer]!, 0, slots, keys);
    ops.indexCopy_(this.#values[layer]!, 0, slots, values);
  }

  /** Tokens a row for which there is memory. */
  get capacity(): number {
    return this.#capacity;
  }

  /** A layer's keys and values as they are in memory, row after row: [rows · capacity, kvHeads, headDim]. */
  whole(layer: number): { keys: Tensor; values: Tensor } {
    return { keys: this.#keys[layer]!, values: this.#values[layer]! };
  }

  /** Views the first rows and columns: [rows, kvHeads, columns, headDim]. */
  read(layer: number, rows: number, columns: number): { keys: Tensor; values: Tensor } {
    const part = (tensor: Tensor) =>
      ops.transpose(ops.narrow(ops.narrow(this.#byRow(tensor), 0, 0, rows), 1, 0, columns), 1, 2);
    return { keys: part(this.#keys[layer]!), values: part(this.#values[layer]!) };
  }

  /** Copies the first `columns` of rows `from[i]` over rows `to[i]`. */
  moveRows(from: readonly number[], to: readonly number[], columns: number): void {
    scope(() => {
      const [source, target] = [indices(from, this.model.device), indices(to, this.model.device)];
      for (const tensor of [...this.#keys, ...this.#values]) {
        scope(() => {
          const used = ops.narrow(this.#byRow(tensor), 1, 0, columns);
          ops.indexCopy_(used, 0, target, ops.indexSelect(used, 0, source));
        });
      }
    });
  }

  [Symbol.dispose](): void {
    for (const tensor of [...this.#keys, ...this.#values]) tensor.dispose();
  }
}
