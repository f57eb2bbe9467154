import { describe, expect, it } from 'vitest';
import { backward, enableGrad, grad, noGrad } from './autograd.js';
import { fromArray, toFloat64Array } from './data.js';
import * as ops from './ops.js';
import { scope, type Tensor } from './tensor.js';

const leaf = (values: number[], shape?: number[]): Tensor => {
  const tensor = fromArray(Float64Array.from(values), shape ?? [values.length]);
  tensor.requiresGrad = true;
  return tensor;
};
const values = (tensor: Tensor | null) => [...toFloat64Array(tensor!)];

describe('backward and grad', () => {
  it('give the derivatives of a small function', () => {
    scope(() => {
      const x = leaf([1, 2, 3]);
      const y = leaf([4, 5, 6]);
      // f = Σ x²y: df/dx = 2xy, df/dy = x²
      const f = () => ops.sum(ops.mul(ops.mul(x, x), y));
      backward([f()]);
      expect(values(x.grad)).toEqual([8, 20, 36]);
      expect(values(y.grad)).toEqual([1, 4, 9]);
      backward([f()]); // adds
      expect(values(y.grad)).toEqual([2, 8, 18]);
      const [dx, dz] = grad([f()], [x, leaf([1])]);
      expect(values(dx!)).toEqual([8, 20, 36]);
      expect(dz).toBeNull();
    });
  });

  it('start from given output gradients', () => {
    scope(() => {
      const x = leaf([1, 2]);
      const product = ops.mul(x, x);
      expect(values(grad([product], [x], [fromArray(Float64Array.of(1, -10))])[0]!)).toEqual([2, -40]);
      expect(() => grad([product], [x])).toThrow('scalar outputs');
    });
  });

  it('need the graph only once unless it is retained', () => {
    scope(() => {
      const x = leaf([3]);
      const f = ops.sum(ops.mul(x, x));
      backward([f], undefined, true);
      backward([f]);
      expect(values(x.grad)).toEqual([12]);
      expect(() => {
        backward([f]);
      }).toThrow('second time');
    });
  });
});

describe('noGrad and enableGrad', () => {
  it('switch recording and put it back, also after an error', () => {
    scope(() => {
      const x = leaf([1]);
      const records = () => ops.neg(x).requiresGrad;
      expect(records()).toBe(true);
      expect(noGrad(() => [records(), enableGrad(records), records()])).toEqual([false, true, false]);
      expect(() =>
        noGrad(() => {
          throw new Error('stop');
        }),
      ).toThrow('stop');
      expect(records()).toBe(true);
    });
  });
});
