import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { Quarantine } from './quarantine.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-quarantine-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

it('replaces what an earlier run has set aside', () => {
  const path = join(root, 'ours.jsonl');
  const bad = { file: 'a "b".jsonl', line: 3, problem: 'it is "odd"', text: '{' };
  for (const text of ['{', 'x'.repeat(100_000), '[']) {
    using quarantine = new Quarantine(path);
    quarantine.add({ ...bad, text });
    quarantine.commit();
  }
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ ...bad, text: '[' });
});

it.each([
  ['rows that were mended', '{"problem":"2+2?","answer":"4"}\n'],
  ['rows with a field "file"', '{"file":"a.jsonl","problem":"2+2?","answer":"4"}\n'],
  ['rows with more of its fields', '{"file":"a.jsonl","line":3,"problem":"2+2?","answer":"4"}\n'],
  ['a part of a row', '{"file":"a.jso'],
])('refuses a file of %s', (name, text) => {
  const path = join(root, name);
  writeFileSync(path, text);
  expect(() => new Quarantine(path)).toThrow(`${path} is in the way: it is where rows that cannot be read`);
  expect(readFileSync(path, 'utf8')).toBe(text);
});
