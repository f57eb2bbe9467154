import { describe, expect, it } from 'vitest';
import { attachGrads, backward, enableGrad, grad, noGrad } from './autograd.js';
import { fromArray, indices, toFloat64Array } from './data.js';
import * as ops from './ops.js';
import { seed } from './runtime.js';
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

describe('attachGrads', () => {
  it('scales the given gradients by the incoming one', () => {
    scope(() => {
      const x = leaf([1, 2]);
      const y = leaf([3]);
      const value = attachGrads(
        fromArray(Float64Array.of(7), []),
        [x, y],
        [fromArray(Float64Array.of(10, 20)), fromArray(Float64Array.of(30))],
      );
      expect(value.item()).toBe(7);
      backward([ops.mulScalar(value, -2)]);
      expect(values(x.grad)).toEqual([-20, -40]);
      expect(values(y.grad)).toEqual([-60]);
    });
  });

  it('makes a chunked linear + cross-entropy with the gradients of the plain operators', () => {
    scope(() => {
      const [tokens, hidden, vocab, rows] = [23, 16, 50, 6];
      seed(1);
      const x0 = ops.randn([tokens, hidden], { dtype: 'f64' });
      const w0 = ops.randn([vocab, hidden], { dtype: 'f64' });
      const target = indices(Int32Array.from({ length: tokens }, (_, i) => (i * 7) % vocab));
      const branch = () => {
        const [x, w] = [ops.clone(x0), ops.clone(w0)];
        x.requiresGrad = w.requiresGrad = true;
        return { x, w, y: ops.mul(x, x) }; // something before the head, so that the gradient goes on
      };

      const plain = branch();
      const logps = ops.logSoftmax(ops.linear(plain.y, plain.w), -1);
      const expected = ops.neg(ops.mean(ops.gather(logps, 1, ops.unsqueeze(target, 1))));
      backward([expected]);

      const fused = branch();
      const { loss, dy, dw } = noGrad(() => {
        let total = 0;
        const dy: Tensor[] = [];
        const dw = ops.zerosLike(fused.w);
        for (let start = 0; start < tokens; start += rows) {
          const count = Math.min(rows, tokens - start);
          const y = ops.narrow(fused.y, 0, start, count);
          const t = ops.unsqueeze(ops.narrow(target, 0, start, count), 1);
          const logits = ops.linear(y, fused.w);
          total -= ops.sum(ops.gather(ops.logSoftmax(logits, -1), 1, t)).item();
          const g = ops.softmax(logits, -1);
          ops.scatterAdd_(g, 1, t, ops.full([count, 1], -1, { dtype: 'f64' }));
          const scaled = ops.divScalar(g, tokens);
          dy.push(ops.mm(scaled, fused.w));
          ops.add_(dw, ops.mm(ops.t(scaled), y));
        }
        return { loss: fromArray(Float64Array.of(total / tokens), []), dy: ops.cat(dy), dw };
      });
      backward([attachGrads(loss, [fused.y, fused.w], [dy, dw])]);

      expect(loss.item()).toBeCloseTo(expected.item(), 12);
      for (const name of ['x', 'w'] as const) {
        const difference = ops.sub(fused[name].grad!, plain[name].grad!);
        expect(ops.norm(difference).item()).toBeLessThan(1e-12 * ops.norm(plain[name].grad!).item());
      }
    });
  });

  it('refuses what does not fit', () => {
    scope(() => {
      const x = leaf([1, 2]);
      const one = fromArray(Float64Array.of(1));
      expect(() => attachGrads(x, [x], [x])).toThrow('scalar');
      expect(() => attachGrads(one, [x], [one])).toThrow('another shape');
      expect(() => attachGrads(one, [x], [])).toThrow('one gradient an input');
    });
  });
});
