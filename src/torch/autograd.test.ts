import { describe, expect, it } from 'vitest';
import { backward, enableGrad, grad, noGrad } from './autograd.js';
import { fromArray, toFloat64Array } from './data.js';
import { isOutOfMemory, TorchError } from './errors.js';
import { native } from './native.js';
import { invoke, Op, wrap } from './op.js';
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

describe('too little memory', () => {
  const expand = new Op(
    'aten::expand',
    'aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)',
  );
  const elements = 2 ** 46;

  /** A number whose backward pass makes a tensor of half a petabyte, which its forward pass does not. */
  const first = (x: Tensor) => ops.sum(ops.narrow(wrap(invoke(expand, x.handle, [elements])), 0, 0, 2));

  it.each<[string, (x: Tensor) => unknown]>([
    ['aten::zeros', () => ops.zeros([elements], { dtype: 'f64' })],
    [
      'backward',
      (x) => {
        backward([first(x)]);
      },
    ],
    ['grad', (x) => grad([first(x)], [x])],
  ])('is the same error with the size in %s', (name, body) => {
    scope(() => {
      const x = leaf([1]);
      const attempt = () => body(x);
      expect(attempt).toThrow(`out of memory: ${name} asked for 563 TB`);
      expect(attempt).toThrow(TorchError);
      expect(attempt).toThrow(expect.toSatisfy(isOutOfMemory));
    });
  });

  it('is not what other errors are', () => {
    const attempt = () => native.shape(-1);
    expect(attempt).toThrow(TorchError);
    expect(attempt).toThrow(expect.not.toSatisfy(isOutOfMemory));
    expect(isOutOfMemory(new Error('out of memory'))).toBe(false);
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
