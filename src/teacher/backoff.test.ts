import { expect, it } from 'vitest';
import { backoffMs, retryAfterMs } from './backoff.js';

it('doubles up to a minute, less a random half', () => {
  const longest = Array.from({ length: 9 }, (_, i) => backoffMs(i + 1, 1000, () => 0));
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(backoffMs(2000, 1000, () => 0)).toBe(60_000);
  expect(backoffMs(3, 1000, () => 0.999999)).toBeCloseTo(2000, 0);
});

it.each<[Record<string, string>, number | undefined]>([
  [{}, undefined],
  [{ 'retry-after': '3' }, 3000],
  [{ 'retry-after': ' 0.25 ' }, 250],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '-5' }, undefined],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:10 GMT' }, 10_000],
  [{ 'retry-after': 'Wed, 21 Oct 2015 07:27:00 GMT' }, 0],
  [{ 'retry-after-ms': '120', 'retry-after': '1' }, 120],
  [{ 'retry-after-ms': 'x', 'retry-after': '1' }, 1000],
])('%j', (headers, expected) => {
  expect(retryAfterMs(new Headers(headers), Date.UTC(2015, 9, 21, 7, 28, 0))).toBe(expected);
});
