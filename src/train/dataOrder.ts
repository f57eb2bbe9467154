/** @file Decides which rows make up each optimizer step: a pure function of the data's size, the seed and the step. */

import { deriveSeed, Random } from '../util/random.js';

export interface DataOrder {
  /** Rows (or pairs) of the data. */
  rows: number;
  /** Rows (or pairs) per optimizer step. */
  batchSize: number;
  seed: number;
}

/** Counts the optimizer steps of an epoch. If the batch size does not divide the rows, the last step is smaller. */
export function stepsPerEpoch({ rows, batchSize }: Pick<DataOrder, 'rows' | 'batchSize'>): number {
  return Math.ceil(rows / batchSize);
}

/**
 * Lists the rows of an optimizer step, counted from 0 over all epochs. Every epoch has an order of its own that depends
 * only on the seed and the epoch, so a resumed run needs nothing but its step to continue with the same rows.
 */
export function stepRows(step: number, { rows, batchSize, seed }: DataOrder): number[] {
  const steps = stepsPerEpoch({ rows, batchSize });
  const order = epochOrder(rows, seed, Math.floor(step / steps));
  const start = (step % steps) * batchSize;
  return order.slice(start, start + batchSize);
}

/** The order computed last: the steps of an epoch all ask for the same one. */
let latest: { key: string; order: readonly number[] } | undefined;

function epochOrder(rows: number, seed: number, epoch: number): readonly number[] {
  const key = `${rows} ${seed} ${epoch}`;
  // Stryker disable next-line ConditionalExpression: without its memory it gives the same order, more slowly.
  if (latest?.key !== key) {
    const random = new Random(deriveSeed(seed, 'order', epoch));
    latest = { key, order: random.shuffle(Array.from({ length: rows }, (_, i) => i)) };
  }
  return latest.order;
}
