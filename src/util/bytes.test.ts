import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatUnequalBytes } from './bytes.js';

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [12_345, '12 kB'],
    [999_700, '1 MB'],
    [538_090_408, '538 MB'],
    [8.1e9, '8.1 GB'],
    [5.6e14, '560 TB'],
    [9.5e21, '9500000 PB'],
  ])('%d: %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

it('writes unequal sizes unequally', () => {
  expect(formatUnequalBytes(8.1e9, 3)).toEqual(['8.1 GB', '3 bytes']);
  expect(formatUnequalBytes(198_412, 198_400)).toEqual(['198412 bytes', '198400 bytes']);
  expect(formatUnequalBytes(5000, 5000)).toEqual(['5 kB', '5 kB']);
});

describe('formatCount', () => {
  it.each([
    [0, '0'],
    [848, '848'],
    [19_248, '19.2 k'],
    [134_515_008, '135 M'],
    [999_600, '1 M'],
    [1_543_714_304, '1.54 B'],
    [2e15, '2000 T'],
  ])('%d: %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });
});
