/**
 * @file Keeps numbers in 8 bits, with a scale for each block of them, as Dettmers et al. do for the moments of Adam ("8-bit Optimizers
 * via Block-wise Quantization", ICLR 2022, arXiv:2110.02861). Knows no optimizer.
 */
import { noGrad } from './autograd.js';
import { fromArray } from './data.js';
import * as ops from './ops.js';
import { disposeAll, scope, type Tensor } from './tensor.js';

/** Numbers that share a scale. */
export const BLOCK = 256;

/** Below any scale that matters, so that a block of zeros is not divided by zero. */
const LEAST = 1e-38;

/**
 * The 256 values between −1 and 1, or 0 and 1, that a number of 8 bits stands for, in their order: the "dynamic tree" of the paper,
 * as bitsandbytes makes it (`create_dynamic_map`). In each power of ten from 10⁻⁶ to 1 there are twice as many as in the one below.
 */
export function dynamicMap(isSigned: boolean): Float32Array {
  const values = [0, 1];
  for (let exponent = 0; exponent < 7; exponent++) {
    const count = 2 ** exponent * (isSigned ? 1 : 2);
    for (let i = 0; i < count; i++) {
      const value = 10 ** (exponent - 6) * (0.1 + (0.9 * (i + 0.5)) / count);
      values.push(value, ...(isSigned ? [-value] : []));
    }
  }
  return Float32Array.from(values).sort();
}

/** Numbers in 8 bits, as many as there are, which begin as zeros. They are read and written in float32. */
export class Blockwise implements Disposable {
  /** [n] of u8: places in the map. */
  readonly codes: Tensor;
  /** [n / BLOCK]: the largest magnitude of each block. */
  readonly scales: Tensor;
  readonly #map: Tensor;
  /** What lies half way between two values of the map. */
  readonly #bounds: Tensor;

  /**
   * @param count a multiple of BLOCK
   * @param isSigned whether there may be negative ones. Of others none that is above zero becomes zero: Adam divides by them.
   */
  constructor(
    readonly count: number,
    readonly isSigned: boolean,
    device: string,
  ) {
    const map = dynamicMap(isSigned);
    const bounds = map.subarray(1).map((value, i) => (value + map[i]!) / 2);
    // A number that is not zero is above the first bound then.
    if (!isSigned) bounds[0] = 0;
    [this.#map, this.#bounds] = scope(() =>
      [map, bounds].map((values) => ops.toDevice(fromArray(values), device, 'f32')),
    ) as [Tensor, Tensor];
    this.codes = ops.full([count], map.indexOf(0), { dtype: 'u8', device });
    this.scales = ops.zeros([count / BLOCK], { dtype: 'f32', device });
  }

  /** Returns `count` numbers from the place `start` on, in float32; both are multiples of BLOCK. */
  read(start: number, count: number): Tensor {
    return scope(() =>
      noGrad(() => {
        const codes = ops.toDtype(ops.narrow(this.codes, 0, start, count), 'i32');
        const values = ops.view(ops.indexSelect(this.#map, 0, codes), [-1, BLOCK]);
        return ops.view(ops.mul_(values, this.#scalesOf(start, count)), [-1]);
      }),
    );
  }

  /** Puts numbers from the place `start` on. @param numbers [a multiple of BLOCK] of float32 */
  write(start: number, numbers: Tensor): void {
    scope(() => {
      noGrad(() => {
        const blocks = ops.view(numbers, [-1, BLOCK]);
        const scales = ops.amax(ops.abs(blocks), [1], true);
        ops.copy_(this.#scalesOf(start, numbers.elements), scales);
        const shares = ops.div(blocks, ops.clampMin_(scales, LEAST));
        const codes = ops.searchsorted(this.#bounds, shares, { outInt32: true });
        ops.copy_(ops.narrow(this.codes, 0, start, numbers.elements), ops.view(codes, [-1]));
      });
    });
  }

  #scalesOf(start: number, count: number): Tensor {
    return ops.unsqueeze(ops.narrow(this.scales, 0, start / BLOCK, count / BLOCK), 1);
  }

  [Symbol.dispose](): void {
    disposeAll([[this.codes, this.scales, this.#map, this.#bounds]]);
  }
}
