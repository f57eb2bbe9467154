import { describe, expect, it } from 'vitest';
import { together } from './meanwhile.js';

describe('together', () => {
  it('fails only when all have ended', async () => {
    let isOver = false;
    const slow = new Promise<void>((resolve) =>
      setTimeout(() => {
        isOver = true;
        resolve();
      }, 20),
    );
    const failed = Promise.reject(new Error('full'));
    const { done } = together([
      { taken: failed, done: failed },
      { taken: slow, done: slow },
    ]);
    await expect(done).rejects.toThrow('full');
    expect(isOver).toBe(true);
  });
});
