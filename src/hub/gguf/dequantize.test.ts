import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { READABLE_TYPES, blockSize, dequantize } from './dequantize.js';

const fixtures = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/gguf/blocks.json', import.meta.url), 'utf8'),
) as Record<string, { type: number; blocks: string; values: string }>;

describe('dequantize', () => {
  it.each(READABLE_TYPES)('%s gives the bits of the Python package gguf', (name) => {
    const { type, blocks, values } = fixtures[name]!;
    const bytes = Buffer.from(blocks, 'base64');
    const expected = Buffer.from(values, 'base64');
    const { weights, bytes: size } = blockSize(type)!;
    expect(expected.length / 4).toBe((bytes.length / size) * weights);
    // At an odd address too: tensors lie anywhere in a read buffer.
    const shifted = Buffer.concat([Buffer.alloc(1), bytes]).subarray(1);
    for (const input of [bytes, shifted]) {
      const actual = dequantize(type, input);
      expect(Buffer.from(actual.buffer).equals(expected)).toBe(true);
    }
  });

  it('refuses unknown types and cut blocks', () => {
    expect(() => dequantize(10, new Uint8Array(84))).toThrow('cannot read');
    expect(() => dequantize(2, new Uint8Array(17))).toThrow('not whole blocks');
  });
});
