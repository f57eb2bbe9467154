import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { inOrder } from './inOrder.js';

async function* numbers(
  count: number,
  onRead: (n: number) => void = () => undefined,
): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    await sleep(0);
    onRead(n);
    yield n;
  }
}

describe('inOrder', () => {
  it('keeps the order whatever finishes first, and no more than so many under way', async () => {
    let underWay = 0;
    let most = 0;
    const results = inOrder(numbers(30), 4, async (n) => {
      most = Math.max(most, ++underWay);
      await sleep(10 + ((n * 7) % 5));
      underWay--;
      return n * n;
    });
    const seen: number[] = [];
    for await (const result of results) seen.push(result);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => n * n));
    expect(most).toBe(4);
  });

  it('does not read ahead of what may be under way', async () => {
    let read = -1;
    const results = inOrder(
      numbers(100, (n) => (read = n)),
      3,
      (n) => Promise.resolve(n),
    );
    for (let i = 0; i < 5; i++) await results.next();
    expect(read).toBeLessThanOrEqual(7);
    await results.return(undefined);
  });

  it('throws the first failure at its place', async () => {
    const seen: number[] = [];
    const results = inOrder(numbers(10), 3, async (n) => {
      await sleep(n === 4 ? 0 : 2);
      if (n >= 4) throw new Error(`failed at ${n}`);
      return n;
    });
    await expect(
      (async () => {
        for await (const n of results) seen.push(n);
      })(),
    ).rejects.toThrow('failed at 4');
    expect(seen).toEqual([0, 1, 2, 3]);
  });
});
