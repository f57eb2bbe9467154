import { afterAll, beforeAll, describe } from 'vitest';
import * as ops from '../../src/torch/ops.js';

/** Tells whether the processor has products of factors of this kind that kernels are made of. */
function hasFactors(wide: boolean): boolean {
  const before = ops.widensFactors();
  try {
    ops.widenFactors(wide);
    ops.widenFactors(before);
    return true;
  } catch {
    return false;
  }
}

/**
 * Describes kernels that are made of products, once for each kind of factors that the processor multiplies: bf16, and the same
 * values in float32. Kernels choose the faster kind by themselves otherwise.
 */
export function describeProducts(name: string, tests: () => void): void {
  for (const wide of [false, true])
    describe.skipIf(!ops.hasProducts() || !hasFactors(wide))(
      `${name}, factors in ${wide ? 'f32' : 'bf16'}`,
      () => {
        let before: boolean;
        beforeAll(() => {
          before = ops.widensFactors();
          ops.widenFactors(wide);
        });
        afterAll(() => {
          ops.widenFactors(before);
        });
        tests();
      },
    );
}
