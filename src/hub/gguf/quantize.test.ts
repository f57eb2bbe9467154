import { readFileSync } from 'node:fs';
import { GGMLQuantizationType } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';
import { Random } from '../../util/random.js';
import { dequantize } from './dequantize.js';
import { quantize } from './quantize.js';

const { F32, F16, Q8_0, Q4_0 } = GGMLQuantizationType;
const fixture = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/gguf/quants.json', import.meta.url), 'utf8'),
) as Record<'weights' | 'F16' | 'Q8_0', string>;
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

describe('quantize', () => {
  it.each(['F16', 'Q8_0'] as const)('%s gives the bytes of the Python package gguf', (name) => {
    const weights = new Float32Array(bytesOf(fixture.weights).buffer);
    expect(weights.length).toBeGreaterThan(1000);
    const expected = bytesOf(fixture[name]);
    expect(quantize(GGMLQuantizationType[name], weights)).toEqual(expected);
  });

  it('F16 gives every half back', () => {
    const all = Uint8Array.from({ length: 2 * 65_536 }, (_, i) => (i % 2 === 0 ? i >> 1 : i >> 9) & 0xff);
    const finite = all.filter((_, i) => (all[i | 1]! & 0x7c) !== 0x7c);
    expect(finite).toHaveLength(2 * (65_536 - 2 * 1024));
    expect(quantize(F16, dequantize(F16, finite))).toEqual(finite);
  });

  it('Q8_0 is off by half a step at most, and by what rounding the step adds', () => {
    const random = new Random(1);
    const weights = Float32Array.from({ length: 32 * 500 }, () => (random.nextFloat() - 0.5) * 0.1);
    const read = dequantize(Q8_0, quantize(Q8_0, weights)!);
    for (let block = 0; block < weights.length; block += 32) {
      const largest = Math.max(...weights.subarray(block, block + 32).map(Math.abs));
      const bound = largest / 127 / 2 + largest * 2 ** -11;
      for (let i = block; i < block + 32; i++)
        expect(Math.abs(read[i]! - weights[i]!)).toBeLessThanOrEqual(bound);
    }
  });

  it('Q8_0 makes zeros of what is too small for its scale', () => {
    const tiny = new Float32Array(32).fill(1e-40);
    expect(dequantize(Q8_0, quantize(Q8_0, tiny)!)).toEqual(new Float32Array(32));
  });

  it('says where a number has no place', () => {
    const with_ = (value: number) => new Float32Array(32).fill(value, 7, 8);
    for (const value of [NaN, Infinity, -Infinity])
      for (const type of [F32, F16, Q8_0])
        expect(quantize(type, with_(value)), String(value)).toBeUndefined();
    expect(quantize(F16, with_(65_520))).toBeUndefined();
    expect(quantize(F16, with_(65_519))).toBeDefined();
    expect(quantize(Q8_0, with_(65_520))).toBeDefined();
    expect(quantize(Q8_0, with_(65_520 * 127))).toBeUndefined();
    expect(quantize(F32, with_(1e38))).toBeDefined();
  });

  it('refuses other types and parts of blocks', () => {
    expect(() => quantize(Q4_0, new Float32Array(32))).toThrow('cannot write');
    expect(() => quantize(Q8_0, new Float32Array(31))).toThrow('not whole blocks');
  });
});
