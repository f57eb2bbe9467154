/** Memory after many requests of all kinds, of good will and of ill, in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { writeTinyModel } from '../../test/support/tinyModel.js';

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), 'redistill-serve-memory-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

interface Measured {
  tensors: number;
  heapBytes: number;
  residentBytes: number;
  failed: number;
}

/** What the heap may grow by in 1,900 requests: 5 kB each; and the process, whose allocators keep what they once had. */
const MARGIN = { heap: 10e6, resident: 40e6 };

it('after 2,000 requests it is what it was after 100', async () => {
  const model = writeTinyModel(join(root, 'tiny'), { max_position_embeddings: 2048 });
  const program = fileURLToPath(new URL('../../test/programs/manyRequests.ts', import.meta.url));
  const { stdout } = await run(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    program,
    model,
    '100',
    '2000',
  ]);
  const [before, after] = JSON.parse(stdout) as [Measured, Measured];
  expect(after.tensors).toBe(before.tensors);
  expect(after.failed).toBeGreaterThan(400);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(MARGIN.heap);
  expect(after.residentBytes - before.residentBytes).toBeLessThan(MARGIN.resident);
});
