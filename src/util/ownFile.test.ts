import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { beginsWith, requireOwnFile } from './ownFile.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-own-file-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
const require = (path: string) => () => {
  requireOwnFile(path, beginsWith('{"key":'), 'answers are kept');
};

it.each([
  ['absent', undefined],
  ['empty', ''],
  ['begun by a run that was killed', '{"ke'],
  ['ours', '{"key": 1}\n{"other": 2}\n'],
])('takes a file that is %s', (name, text) => {
  const path = join(root, name);
  if (text !== undefined) writeFileSync(path, text);
  expect(require(path)).not.toThrow();
});

it('refuses every other file, and what is none', () => {
  const path = join(root, 'notes');
  writeFileSync(path, 'precious');
  expect(require(path)).toThrow(
    `${path} is in the way: it is where answers are kept, and it holds something else`,
  );
  expect(require(root)).toThrow('is a folder, not a file');
  const pipe = join(root, 'pipe');
  execFileSync('mkfifo', [pipe]);
  expect(require(pipe)).toThrow('is a device or a pipe, not a file');
});
