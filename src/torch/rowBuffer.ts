/** @file Memory for rows that is taken when it is needed, as much as is needed. */
import { noGrad } from './autograd.js';
import type { Dtype } from './dtype.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

/** By how much a buffer grows at least, so that ever longer requests do not each take memory anew. */
const GROWTH = 1.25;

/**
 * Rows of [rows, width] whose memory is kept between uses, since allocating large blocks each time fragments the heap. It may grow
 * inside a scope and outlives it; the buffer itself is made outside of any.
 */
export class RowBuffer implements Disposable {
  readonly #memory: Tensor;
  #rows = 0;

  /** @param most rows that it ever has */
  constructor(
    readonly width: number,
    readonly most: number,
    { dtype, device }: { dtype: Dtype; device: string },
  ) {
    this.#memory = ops.empty([0, width], { dtype, device });
  }

  /** Returns the first `count` rows with what was written to them last; after it has grown they hold anything. */
  take(count: number): Tensor {
    if (count > this.#rows) this.#grow(count);
    return ops.narrow(this.#memory, 0, 0, count);
  }

  #grow(count: number): void {
    if (count > this.most) throw new RangeError(`${count} rows of a buffer of ${this.most}`);
    const rows = Math.min(this.most, Math.max(count, Math.ceil(GROWTH * this.#rows)));
    scope(() => {
      noGrad(() => {
        this.#rows = 0;
        ops.set_(this.#memory); // lets go of the old memory first
        ops.resize_(this.#memory, [rows, this.width]);
        this.#rows = rows;
      });
    });
  }

  [Symbol.dispose](): void {
    this.#memory.dispose();
  }
}
