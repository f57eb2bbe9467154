import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { distinctFiles } from './distinctFiles.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-distinct-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

it('files that are named twice are refused, whatever the path', () => {
  const [a, b, link] = ['a', 'b', 'link'].map((name) => join(root, name)) as [string, string, string];
  writeFileSync(a, 'same');
  writeFileSync(b, 'same');
  symlinkSync(a, link);
  expect(distinctFiles(a)).toEqual([a]);
  expect(distinctFiles([a, b, join(root, 'none')])).toEqual([a, b, join(root, 'none')]);
  expect(() => distinctFiles([a, b, a])).toThrow(`${a} is named twice`);
  expect(() => distinctFiles([a, link])).toThrow(`${a} and ${link} are one file`);
  expect(() => distinctFiles([a, `${root}/./a`])).toThrow('are one file');
  expect(() => distinctFiles(['none', 'none'])).toThrow('none is named twice');
});
