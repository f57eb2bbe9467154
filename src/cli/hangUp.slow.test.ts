import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, it, expect } from 'vitest';
import { stringify as toYaml } from 'yaml';
import { turns, writeRows, writeTinyModel } from '../../test/support/tinyModel.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-hang-up-'));
const model = join(root, 'model');
const program = fileURLToPath(new URL('../../bin/redistill.js', import.meta.url));

beforeAll(() => {
  writeTinyModel(model);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

it.each([
  ['nohup', 'nohup "$@"'],
  ['nohup at a terminal, behind another command', 'env "$@" 0> /dev/null'],
  ['a shell that ignores it', `trap '' HUP; "$@"; true`],
])('%s: a hang-up ends neither a training nor its processes', async (name, line) => {
  const out = join(root, name.replace(/\W+/g, '-'));
  const data = `${out}.jsonl`;
  writeRows(data, [{ messages: turns('2+2?', '4') }]);
  const recipe = { model, data, out, dtype: 'f32', objective: 'sft', batch_size: 2, max_steps: 400 };
  writeFileSync(`${out}.yaml`, toYaml({ ...recipe, optimizer: { lr: 1e-4 } }));
  const command = [process.execPath, program, 'train', `${out}.yaml`];
  const shell = spawn('bash', ['-c', line, 'bash', ...command], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  let isHungUp = false;
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
    if (isHungUp || !/^step 0: /m.test(told)) return;
    isHungUp = true;
    process.kill(-shell.pid!, 'SIGHUP');
  });
  await once(shell.stderr, 'close'); // all that were started have ended
  expect(told).toMatch(/^step 0: /m); // it had its hang-up
  expect(existsSync(join(out, 'finished.json')), told).toBe(true);
  expect(told).not.toContain('stopping');
});
