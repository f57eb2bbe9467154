import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  fromArray,
  fromBytes,
  indices,
  toBytes,
  toFloat32Array,
  toFloat64Array,
  toInt32Array,
} from './data.js';
import { dtypeCodes, dtypeSize, type Dtype } from './dtype.js';
import * as ops from './ops.js';
import { liveTensors, scope } from './tensor.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('memory shared with JavaScript', () => {
  it('shows what either side writes', () => {
    scope(() => {
      const array = Float32Array.of(1, 2, 3, 4);
      const tensor = fromArray(array, [2, 2]);
      array[3] = 40;
      ops.mulScalar_(tensor, 2);
      expect([...array]).toEqual([2, 4, 6, 80]);
      const bytes = new Float32Array(toBytes(tensor).buffer);
      bytes[0] = -1;
      expect(array[0]).toBe(-1);
      expect([...toFloat64Array(tensor)]).toEqual([-1, 4, 6, 80]);
    });
  });

  it('begins where a subarray or a small Buffer begins', () => {
    scope(() => {
      expect([...toFloat64Array(fromArray(Float64Array.of(1, 2, 3).subarray(1)))]).toEqual([2, 3]);
      expect([...toInt32Array(fromArray(Buffer.from([7, 8, 9])))]).toEqual([7, 8, 9]);
    });
  });

  it('outlives the tensor and, for arrays handed in, the array variable', async () => {
    const bytes = scope(() => toBytes(ops.full([1000], 7, { dtype: 'i32' })));
    const tensor = fromArray(new Int32Array(1000).fill(9));
    collect();
    await setTimeout(1);
    collect();
    expect(new Set(new Int32Array(bytes.buffer))).toEqual(new Set([7]));
    expect(new Set(toInt32Array(tensor))).toEqual(new Set([9]));
    tensor.dispose();
  });

  it('is let go of when the tensor is', async () => {
    const collected = (make: () => Int32Array): Promise<boolean> => {
      const weak = new WeakRef(make().buffer);
      return until(() => weak.deref() === undefined);
    };
    expect(
      await collected(() => {
        const array = new Int32Array(1000);
        fromArray(array).dispose();
        return array;
      }),
    ).toBe(true);
  });

  it('is freed by the garbage collector where a tensor was forgotten outside every scope', async () => {
    const before = liveTensors();
    (() => fromArray(new Int32Array(10)))();
    expect(liveTensors()).toBe(before + 1);
    expect(await until(() => liveTensors() === before)).toBe(true);
  });

  it('may be empty', () => {
    scope(() => {
      const empty = fromArray(new Float32Array(0), [0, 3]);
      expect(empty.shape).toEqual([0, 3]);
      expect(toBytes(empty)).toHaveLength(0);
    });
  });

  it('must fit the shape', () => {
    expect(() => fromArray(new Float32Array(3), [2, 2])).toThrow('another number of bytes');
    expect(() => fromBytes(new Uint8Array(3), [2], 'bf16')).toThrow('another number of bytes');
  });
});

/** True once `condition` holds after a collection and a turn of the loop. (A WeakRef that was read holds for a turn.) */
async function until(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 50; i++) {
    await setTimeout(1);
    collect();
    await setTimeout(1);
    if (condition()) return true;
  }
  return false;
}

describe('element types', () => {
  it.each(Object.keys(dtypeCodes) as Dtype[])('%s: code, size and conversion', (dtype) => {
    scope(() => {
      const tensor = ops.toDtype(fromArray(Float32Array.of(0, 1, 1)), dtype);
      expect(tensor.dtype).toBe(dtype);
      expect(toBytes(tensor)).toHaveLength(3 * dtypeSize[dtype]);
      expect([...toFloat32Array(tensor)]).toEqual([0, 1, 1]);
    });
  });

  it('rounds to bf16 as IEEE does, to the nearest even', () => {
    const bits = (x: number) => scope(() => toBytes(ops.toDtype(fromArray(Float32Array.of(x)), 'bf16')));
    // 1 + 2^-8 lies between 1 and 1 + 2^-7; 1 + 3·2^-8 between 1 + 2^-7 and 1 + 2^-6.
    expect([...bits(1)]).toEqual([0x80, 0x3f]);
    expect([...bits(1 + 2 ** -8)]).toEqual([0x80, 0x3f]);
    expect([...bits(1 + 3 * 2 ** -8)]).toEqual([0x82, 0x3f]);
    expect([...bits(-Infinity)]).toEqual([0x80, 0xff]);
  });

  it('takes token ids to int64', () => {
    scope(() => {
      const ids = indices([5, 0, 49151]);
      expect(ids.dtype).toBe('i64');
      expect([...toInt32Array(ids)]).toEqual([5, 0, 49151]);
    });
  });

  it('reads values in row-major order whatever the layout', () => {
    scope(() => {
      const turned = ops.t(fromArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]));
      expect([...toFloat32Array(turned)]).toEqual([1, 4, 2, 5, 3, 6]);
      expect([...new Float32Array(toBytes(turned).buffer)]).toEqual([1, 4, 2, 5, 3, 6]);
    });
  });
});
