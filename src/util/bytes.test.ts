import { expect, it } from 'vitest';
import { formatBytes, formatBytesApart, formatCount } from './bytes.js';

it('formats sizes', () => {
  expect([0, 999, 1000, 12_345, 538_090_408, 8.1e9].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1 kB',
    '12 kB',
    '538 MB',
    '8.1 GB',
  ]);
});

it('tells sizes apart that round to the same', () => {
  expect(formatBytesApart(198_100, 197_900)).toEqual(['198100 bytes', '197900 bytes']);
  expect(formatBytesApart(1e9, 12_000)).toEqual(['1 GB', '12 kB']);
});

it.each([
  [0, '0'],
  [940, '940'],
  [12_345, '12.3 k'],
  [134_515_008, '134.5 M'],
  [7e9, '7.0 G'],
  [5e17, '500000.0 T'],
])('writes the number %d as %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});
