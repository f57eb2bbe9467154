import { deriveSeed, Random } from '../util/random.js';

export interface DataOrder {
  /** Rows (or pairs) of the data. */
  rows: number;
  /** Rows (or pairs) an optimizer step. */
  batchSize: number;
  seed: number;
}

/** Optimizer steps an epoch. The last one is smaller where the batch size does not divide the rows; none is dropped. */
export function stepsPerEpoch({ rows, batchSize }: Pick<DataOrder, 'rows' | 'batchSize'>): number {
  return Math.ceil(rows / batchSize);
}

/**
 * Which rows make up an optimizer step, counted from 0 over all epochs. Every epoch has an order of its own that
 * depends on the seed and the epoch alone, so a resumed run needs nothing but its step to go on with the same rows.
 */
export function stepRows(step: number, { rows, batchSize, seed }: DataOrder): number[] {
  const steps = stepsPerEpoch({ rows, batchSize });
  const epoch = Math.floor(step / steps);
  const order = new Random(deriveSeed(seed, 'order', epoch)).shuffle(
    Array.from({ length: rows }, (_, i) => i),
  );
  const start = (step % steps) * batchSize;
  return order.slice(start, start + batchSize);
}
