import { expect, it } from 'vitest';
import { formatBytes } from './bytes.js';

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
