import { describe, expect, it } from 'vitest';
import { fromArray, toFloat64Array } from './data.js';
import { native } from './native.js';
import * as ops from './ops.js';
import { liveTensors, scope, Tensor } from './tensor.js';

const three = () => fromArray(Float32Array.of(1, 2, 3));

describe('scope', () => {
  it('frees what was made inside and keeps what is returned', () => {
    const before = liveTensors();
    const kept = scope(() => {
      const a = three();
      return ops.add(a, ops.mul(a, a));
    });
    expect(liveTensors()).toBe(before + 1);
    expect([...toFloat64Array(kept)]).toEqual([2, 6, 12]);
    kept.dispose();
    expect(liveTensors()).toBe(before);
  });

  it('keeps through nesting only as far as each scope returns', () => {
    const before = liveTensors();
    let middle: Tensor | undefined;
    const result = scope(() => {
      middle = scope(() => {
        const inner = scope(() => three());
        return ops.neg(inner);
      });
      return ops.neg(middle);
    });
    expect(liveTensors()).toBe(before + 1);
    expect([...toFloat64Array(result)]).toEqual([1, 2, 3]);
    expect(() => ops.neg(middle!)).toThrow('disposed');
    result.dispose();
  });

  it('finds returned tensors in arrays, objects and maps', () => {
    const before = liveTensors();
    const result = scope(() => {
      three();
      return { list: [three(), [three()]], map: new Map([['x', { y: three() }]]), nothing: null, number: 4 };
    });
    expect(liveTensors()).toBe(before + 3);
    for (const tensor of [result.list[0]!, (result.list[1] as Tensor[])[0]!, result.map.get('x')!.y]) {
      expect([...toFloat64Array(tensor as Tensor)]).toEqual([1, 2, 3]);
    }
    scope(() => {
      for (const tensor of result.list.flat()) tensor.dispose();
      result.map.get('x')!.y.dispose();
    });
    expect(liveTensors()).toBe(before);
  });

  it('leaves tensors of the outside alone, also when they are returned', () => {
    const before = liveTensors();
    const outside = three();
    expect(scope(() => outside)).toBe(outside);
    expect(outside.size(-1)).toBe(3);
    outside.dispose();
    expect(liveTensors()).toBe(before);
  });

  it('frees when the body throws', () => {
    const before = liveTensors();
    expect(() =>
      scope(() => {
        three();
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(liveTensors()).toBe(before);
  });

  it('refuses a promise', () => {
    const before = liveTensors();
    expect(() => scope(() => Promise.resolve(three()))).toThrow('synchronous');
    expect(liveTensors()).toBe(before);
  });

  it('keeps the count constant over many turns', () => {
    const weight = three();
    const before = liveTensors();
    for (let i = 0; i < 1000; i++) scope(() => ops.sum(ops.mul(weight, three())).item());
    expect(liveTensors()).toBe(before);
    weight.dispose();
  });
});

describe('a tensor after its disposal', () => {
  it('is named with the operator and the argument', () => {
    const a = three();
    const b = three();
    b.dispose();
    b.dispose();
    expect(() => ops.add(a, b)).toThrow(
      expect.objectContaining({
        code: 'ERR_DISPOSED',
        message: expect.stringMatching(
          /aten::add\.Tensor, argument 'other': tensor used after .*self: f32\[3\]; other: disposed/,
        ) as string,
      }),
    );
    expect(() => b.item()).toThrow('disposed');
    a.dispose();
  });

  it('is not mistaken for the one that now has its slot', () => {
    const slots = 2 ** 22;
    const old = three();
    old.dispose();
    const next = three();
    expect(next.handle % slots).toBe(old.handle % slots);
    expect(next.handle).not.toBe(old.handle);
    expect(() => ops.neg(old)).toThrow('disposed');
    old.dispose();
    expect([...toFloat64Array(next)]).toEqual([1, 2, 3]);
    next.dispose();
  });

  it('is never made up from a number', () => {
    for (const handle of [0, 1, -1, NaN, Infinity, 2 ** 53]) {
      expect(() => native.shape(handle)).toThrow('disposed');
    }
  });
});

describe('Tensor', () => {
  it('knows shape, dtype, device and size', () => {
    const tensor = fromArray(new Int32Array(6), [2, 3]);
    expect(tensor.shape).toEqual([2, 3]);
    expect([tensor.size(0), tensor.size(-1), tensor.elements]).toEqual([2, 3, 6]);
    expect([tensor.dtype, tensor.device, String(tensor)]).toEqual(['i32', 'cpu', 'i32[2, 3]']);
    expect(() => tensor.size(2)).toThrow('dimension 2 of a tensor of shape [2, 3]');
    tensor.dispose();
  });

  it('refuses a gradient of another shape or dtype', () => {
    scope(() => {
      const tensor = three();
      tensor.requiresGrad = true;
      expect(tensor.grad).toBeNull();
      expect(() => (tensor.grad = fromArray(Float32Array.of(1)))).toThrow('shape');
      expect(() => (tensor.grad = fromArray(Float64Array.of(1, 2, 3)))).toThrow('dtype');
      tensor.grad = fromArray(Float32Array.of(4, 5, 6));
      expect([...toFloat64Array(tensor.grad)]).toEqual([4, 5, 6]);
      tensor.grad = null;
      expect(tensor.grad).toBeNull();
    });
  });
});
