import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from './errors.js';
import { together, writeMeanwhile } from './meanwhile.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-meanwhile-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

describe('writeMeanwhile', () => {
  it('writes its parts one after the other, however many there are', async () => {
    const parts = Array.from({ length: 3000 }, (_, i) => Buffer.from(`${i},`));
    const path = join(root, 'parts');
    await writeMeanwhile(path, [...parts, new Uint8Array(0)]).done;
    expect(readFileSync(path, 'utf8')).toBe(parts.join(''));
  });

  it('takes the bytes before it is done: they may change then', async () => {
    const bytes = new Uint8Array(1 << 20).fill(1);
    const { taken, done } = writeMeanwhile(join(root, 'taken'), [bytes]);
    await taken;
    bytes.fill(2);
    await done;
    expect(readFileSync(join(root, 'taken')).every((byte) => byte === 1)).toBe(true);
  });

  it('says in a sentence what the system refuses', async () => {
    expect(() => writeMeanwhile(join(root, 'absent', 'x'), [])).toThrow(UserError);
    const full = writeMeanwhile(join(root, 'fine'), [Buffer.from('x')]);
    await expect(together([full]).done).resolves.toBeUndefined();
  });
});

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
