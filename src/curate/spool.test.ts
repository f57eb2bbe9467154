import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Random } from '../util/random.js';
import { Spool } from './spool.js';

const directory = mkdtempSync(join(tmpdir(), 'redistill-spool-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

it.each([0, 2 ** 26, 2 ** 40])('gives records in the order of their keys (%i bytes expected)', (bytes) => {
  const random = new Random(bytes % 1000);
  const dir = join(directory, String(bytes));
  const spool = new Spool<{ key: number; ordinal: number; text: string }>(dir, bytes);
  const records = Array.from({ length: 3000 }, (_, ordinal) => ({
    key: random.nextInt(4) === 0 ? 0 : Math.floor(random.nextFloat() * 2 ** 48),
    ordinal,
    text: 'π\n"🙂'.repeat(random.nextInt(50)),
  }));
  records.push({ key: 2 ** 48 - 1, ordinal: 3000, text: '' });
  for (const record of records) spool.add(record);
  expect([...spool.drain()]).toEqual(records.toSorted((a, b) => a.key - b.key || a.ordinal - b.ordinal));
  expect(readdirSync(dir)).toEqual([]);
});
