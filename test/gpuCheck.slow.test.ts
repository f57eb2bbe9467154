import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('scripts/gpu-check.sh goes through its dry run on the CPU and writes its two files', async () => {
  const out = mkdtempSync(join(tmpdir(), 'redistill-gpu-'));
  const script = join(import.meta.dirname, '../scripts/gpu-check.sh');
  const { stdout } = await promisify(execFile)('bash', [script, '--out', out, '--device', 'cpu', '--tiny']);
  expect(stdout).toContain('test/cuda ended with 0, bench/gpu with 0');
  const report = JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as Record<string, unknown>;
  const tables = Object.values(report).filter((part) => Array.isArray(part));
  expect(tables.map((rows) => rows.length > 0)).toEqual([true, true, true, true, true, true]);
  expect(readFileSync(join(out, 'gpu.md'), 'utf8')).toMatch(/tokens\/s/);
  rmSync(out, { recursive: true });
});
