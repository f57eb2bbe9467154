import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { KeptRows, type KeptRow } from './keptRows.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-kept-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

async function rowsOf(kept: KeptRows): Promise<KeptRow[]> {
  const rows: KeptRow[] = [];
  for await (const row of kept.rows()) rows.push(row);
  return rows;
}

it('gives rows in their order, of this run and of an earlier one', async () => {
  const path = join(root, 'order');
  {
    await using kept = await KeptRows.open(path, { a: 1 });
    kept.add(2, { text: 'c', tokens: 5 });
  }
  await using kept = await KeptRows.open(path, { a: 1 });
  expect([...kept.before]).toEqual([[2, 5]]);
  kept.add(0, { text: 'a', tokens: 1 });
  expect((await rowsOf(kept)).map((row) => JSON.stringify(row))).toEqual([
    '{"text":"a","tokens":1}',
    '{"text":"c","tokens":5}',
  ]);
  await expect(KeptRows.open(path, { a: 2 })).rejects.toThrow('begun with another a');
});

it('takes nothing for its own that is not', async () => {
  const path = join(root, 'notes');
  writeFileSync(path, 'my notes\n');
  await expect(KeptRows.open(path, {})).rejects.toThrow('is in the way');
  expect(readFileSync(path, 'utf8')).toBe('my notes\n');
  mkdirSync(join(root, 'folder'));
  await expect(KeptRows.open(join(root, 'folder'), {})).rejects.toThrow('a folder, not a file');
});

it('makes no result of a file that two commands have written at once', async () => {
  const path = join(root, 'two');
  {
    await using kept = await KeptRows.open(path, {});
    kept.add(0, { tokens: 1 });
    await rowsOf(kept);
    appendFileSync(path, '{"index":7,"row":{"tokens":2}}\n');
    kept.add(1, { tokens: 3 });
    await expect(rowsOf(kept)).rejects.toThrow('by another command at the same time');
  }
  // All lines are whole, so a command that is alone has them.
  await using kept = await KeptRows.open(path, {});
  expect([...kept.before]).toEqual([
    [0, 1],
    [7, 2],
    [1, 3],
  ]);
});
