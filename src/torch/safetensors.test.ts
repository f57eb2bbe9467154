import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromArray, toBytes, toFloat64Array } from './data.js';
import { dtypeCodes, type Dtype } from './dtype.js';
import * as ops from './ops.js';
import { SafetensorsFile, saveSafetensors } from './safetensors.js';
import { liveTensors, scope } from './tensor.js';

const dir = mkdtempSync(join(tmpdir(), 'redistill-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

describe('saveSafetensors and SafetensorsFile', () => {
  it('give back every element type bit for bit, and write the same bytes again', () => {
    const before = liveTensors();
    scope(() => {
      const source = fromArray(Float32Array.of(0, 1, 2.5, 3, 100, 7), [2, 3]);
      const named = (Object.keys(dtypeCodes) as Dtype[]).map((dtype) => ({
        name: `tensor.${dtype}`,
        tensor: ops.toDtype(source, dtype),
        dtype,
      }));
      const [first, second] = [join(dir, 'all.safetensors'), join(dir, 'again.safetensors')];
      saveSafetensors(first, named, { format: 'pt' });
      using file = new SafetensorsFile(first);
      expect(file.metadata).toEqual({ format: 'pt' });
      for (const { name, tensor, dtype } of named) {
        const read = file.tensor(name);
        expect([read.dtype, read.shape]).toEqual([dtype, [2, 3]]);
        expect(Buffer.compare(toBytes(read), toBytes(tensor))).toBe(0);
      }
      saveSafetensors(second, [...named].reverse(), file.metadata);
      expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
    });
    expect(liveTensors()).toBe(before);
  });

  it('convert on the way, from any layout', () => {
    scope(() => {
      const tensor = ops.t(fromArray(Float32Array.of(1, 2, 3, 4), [2, 2]));
      const path = join(dir, 'converted.safetensors');
      saveSafetensors(path, [
        { name: 'a', tensor, dtype: 'bf16' },
        { name: 'scalar', tensor: ops.full([], 3, { dtype: 'f32' }), dtype: 'f32' },
        { name: 'empty', tensor: ops.zeros([0, 4], { dtype: 'f32' }), dtype: 'f16' },
      ]);
      using file = new SafetensorsFile(path);
      expect([...toFloat64Array(file.tensor('a'))]).toEqual([1, 3, 2, 4]);
      expect([file.tensor('scalar').shape, file.tensor('scalar').item()]).toEqual([[], 3]);
      expect([file.tensor('empty').shape, file.tensor('empty').dtype]).toEqual([[0, 4], 'f16']);
      expect(() => file.tensor('b')).toThrow(`${path}: there is no tensor "b"`);
    });
  });

  it('read tensors that begin at an odd byte', () => {
    const header = JSON.stringify({
      byte: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
      wide: { dtype: 'F32', shape: [2], data_offsets: [1, 9] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const path = join(dir, 'odd.safetensors');
    const values = Buffer.from(Float32Array.of(1.5, -2).buffer);
    writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.from([9]), values]));
    scope(() => {
      using file = new SafetensorsFile(path);
      expect(file.tensor('byte').item()).toBe(9);
      expect([...toFloat64Array(file.tensor('wide'))]).toEqual([1.5, -2]);
    });
  });

  it('never write to the file, and views outlive its closing', () => {
    scope(() => {
      const path = join(dir, 'private.safetensors');
      saveSafetensors(path, [{ name: 'x', tensor: fromArray(Float32Array.of(1, 2)), dtype: 'f32' }]);
      const bytes = readFileSync(path);
      const file = new SafetensorsFile(path);
      const view = file.tensor('x');
      file[Symbol.dispose]();
      ops.fill_(view, 7);
      expect([...toFloat64Array(view)]).toEqual([7, 7]);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    });
  });
});
