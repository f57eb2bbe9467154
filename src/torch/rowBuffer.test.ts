import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { toFloat64Array } from './data.js';
import * as ops from './ops.js';
import { RowBuffer } from './rowBuffer.js';
import { liveTensors, scope } from './tensor.js';

/** Bytes of address space, which what is allocated and never touched takes as well. */
const addressSpace = () =>
  Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;

const kind = { dtype: 'f32', device: 'cpu' } as const;

it('takes memory when it is needed, as much as is needed, and frees it', () => {
  const [live, before] = [liveTensors(), addressSpace()];
  const buffer = new RowBuffer(1 << 20, 4096, kind); // 16 GB if it were whole
  scope(() => {
    expect(buffer.take(2).shape).toEqual([2, 1 << 20]);
  });
  expect(addressSpace() - before).toBeLessThan(1e9);
  buffer[Symbol.dispose]();
  expect(liveTensors()).toBe(live);
});

it('keeps what was written, also where it grew within a scope', () => {
  using buffer = new RowBuffer(3, 8, kind);
  scope(() => {
    scope(() => ops.fill_(buffer.take(2), 5));
    expect([...toFloat64Array(buffer.take(2))]).toEqual([5, 5, 5, 5, 5, 5]);
  });
  scope(() => {
    expect(buffer.take(1).shape).toEqual([1, 3]);
    expect([...toFloat64Array(buffer.take(1))]).toEqual([5, 5, 5]);
    expect(buffer.take(8).shape).toEqual([8, 3]);
    expect(buffer.take(0).shape).toEqual([0, 3]);
    expect(() => buffer.take(9)).toThrow('9 rows of a buffer of 8');
  });
});
