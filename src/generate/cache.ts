/** @file Holds the keys and values of a batch of growing sequences. Computes nothing from them. */

import { indices } from '../torch/data.js';
import { dtypeSize, type Dtype } from '../torch/dtype.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import type { ModelConfig } from '../models/config.js';
import type { Transformer } from '../models/transformer.js';

/** Sizes of rooms are multiples of this many places. */
const STEP = 64;

/** Where a sequence's tokens are: its token at position c is at place `start` + c. */
interface Room {
  start: number;
  size: number;
}

const roundUp = (length: number): number => Math.ceil(length / STEP) * STEP;

/** A sequence gets room for half as many tokens as it has, so that it is copied a few times in its life at most. */
export const generous = (length: number): number => roundUp(length + Math.max(STEP, length / 2));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Bytes of the keys and values of a place. */
export const placeBytes = ({ attention, kvHeads, headDim }: ModelConfig, dtype: Dtype): number =>
  attention.length * 2 * kvHeads * headDim * dtypeSize[dtype];

/** Tokens that one sequence can have within a budget of bytes for keys and values. */
export const mostPlaces = (config: ModelConfig, dtype: Dtype, budget: number): number =>
  Math.floor(budget / placeBytes(config, dtype) / STEP) * STEP;

/**
 * Stores keys and values of a batch. Each row has a room of its own length in memory that all share, so that a long
 * sequence costs what it has and not as much for every row. Keys are stored rotated. Places that a sequence has not
 * reached hold zeros or an earlier sequence's values, which are finite; the reader passes them over.
 */
export class KeyValueCache implements Disposable {
  /** Per layer: [places, kvHeads, headDim] */
  readonly #keys: Tensor[] = [];
  readonly #values: Tensor[] = [];
  #rooms: Room[] = [];
  #places: number;
  readonly #mostPlaces: number;

  /**
   * @param lengths of rows for which memory is taken at first
   * @param budget bytes that are never exceeded
   */
  constructor(
    readonly model: Transformer,
    lengths: readonly number[],
    budget = Infinity,
  ) {
    this.#mostPlaces = mostPlaces(model.config, model.dtype, budget);
    this.#places = Math.max(STEP, Math.min(sum(lengths.map(generous)), this.#mostPlaces));
    for (let i = 0; i < model.layerCount; i++) {
      this.#keys.push(this.#allocate());
      this.#values.push(this.#allocate());
    }
  }

  get #bytesOfPlace(): number {
    return placeBytes(this.model.config, this.model.dtype);
  }

  #allocate(): Tensor {
    const { kvHeads, headDim } = this.model.config;
    const { dtype, device } = this.model;
    const tensor = ops.empty([this.#places, kvHeads, headDim], { dtype, device });
    ops.useHugePages([tensor]);
    scope(() => {
      ops.fill_(tensor, 0);
    });
    return tensor;
  }

  /**
   * Tells whether there may be rows of these lengths.
   * @param ease with as much room to grow as new rows should have
   */
  fits(lengths: readonly number[], ease = false): boolean {
    return sum(lengths.map(ease ? generous : roundUp)) <= this.#mostPlaces;
  }

  /**
   * Makes room for rows of these lengths: those that there are, and new ones. Must not be called in a scope, which would
   * free the new tensors.
   * @throws UserError where they do not fit
   */
  ensure(lengths: readonly number[]): void {
    const before = this.#rooms.length;
    const isWideEnough = this.#rooms.every(({ size }, row) => size >= lengths[row]!);
    const added = isWideEnough ? this.#findGaps(lengths.slice(before).map(generous)) : undefined;
    if (added) this.#rooms.push(...added);
    else this.#arrange(lengths);
  }

  /** Finds free rooms of these sizes, the first that are wide enough; undefined where there are not as many. */
  #findGaps(sizes: readonly number[]): Room[] | undefined {
    const taken = this.#rooms.toSorted((a, b) => a.start - b.start);
    const gaps: Room[] = [];
    let end = 0;
    for (const { start, size } of [...taken, { start: this.#places, size: 0 }]) {
      if (start > end) gaps.push({ start: end, size: start - end });
      end = start + size;
    }
    const found: Room[] = [];
    for (const size of sizes) {
      const gap = gaps.find((gap) => gap.size >= size);
      if (!gap) return undefined;
      found.push({ start: gap.start, size });
      gap.start += size;
      gap.size -= size;
    }
    return found;
  }

  /** Gives all rows new rooms, one after the other, in as much memory as that takes. */
  #arrange(lengths: readonly number[]): void {
    if (!this.fits(lengths)) {
      const [needed, most] = [sum(lengths.map(roundUp)), this.#mostPlaces].map((places) =>
        ((places * this.#bytesOfPlace) / 1e9).toFixed(2),
      );
      throw new UserError(
        `the keys and values of ${lengths.length} responses of up to ${Math.max(...lengths)} tokens need ${needed} GB, ` +
          `and ${most} GB are there for them: lower the new tokens or the batch size`,
      );
    }
    const sizes = lengths.map(this.fits(lengths, true) ? generous : roundUp);
    const rooms = sizes.map((size, row) => ({ start: sum(sizes.slice(0, row)), size }));
    const placesOf = (all: readonly Room[]) =>
      this.#rooms.flatMap(({ size }, row) => Array.from({ length: size }, (_, c) => all[row]!.start + c));
    const [from, to] = [placesOf(this.#rooms), placesOf(rooms)];
    this.#places = Math.max(this.#places, sum(sizes));
    this.#rooms = rooms;
    for (const tensors of [this.#keys, this.#values]) {
      tensors.forEach((old, i) => {
        tensors[i] = this.#allocate();
        scope(() => {
          const { device } = this.model;
          if (from.length === 0) return;
          const moved = ops.indexSelect(old, 0, indices(from, device));
          ops.indexCopy_(tensors[i]!, 0, indices(to, device), moved);
        });
        old.dispose();
      });
    }
  }

  /** Keeps these rows alone, in this order. Nothing is copied. */
  keep(rows: readonly number[]): void {
    this.#rooms = rows.map((row) => this.#rooms[row]!);
  }

  /** Where a row's first token is. */
  start(row: number): number {
    return this.#rooms[row]!.start;
  }

  /** Returns the places of tokens, for `write`: i64[tokens]. */
  slots(rows: readonly number[], columns: readonly number[]): Tensor {
    return indices(
      rows.map((row, i) => this.start(row) + columns[i]!),
      this.model.device,
    );
  }

  /** Stores keys and values, [tokens, kvHeads, headDim] each. */
  write(layer: number, slots: Tensor, keys: Tensor, values: Tensor): void {
    ops.indexCopy_(this.#keys[layer]!, 0, slots, keys);
    ops.indexCopy_(this.#values[layer]!, 0, slots, values);
  }

  /** A layer's keys and values as they are in memory: [places, kvHeads, headDim]. */
  whole(layer: number): { keys: Tensor; values: Tensor } {
    return { keys: this.#keys[layer]!, values: this.#values[layer]! };
  }

  /**
   * Copies out what is at these places: [rows, kvHeads, columns, headDim].
   * @param slots i64[rows · columns]
   */
  read(layer: number, slots: Tensor, rows: number): { keys: Tensor; values: Tensor } {
    const { kvHeads, headDim } = this.model.config;
    const part = (tensor: Tensor) =>
      ops.transpose(ops.view(ops.indexSelect(tensor, 0, slots), [rows, -1, kvHeads, headDim]), 1, 2);
    return { keys: part(this.#keys[layer]!), values: part(this.#values[layer]!) };
  }

  [Symbol.dispose](): void {
    for (const tensor of [...this.#keys, ...this.#values]) tensor.dispose();
  }
}
