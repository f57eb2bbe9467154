import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readJsonLines, writeJsonLines } from './jsonl.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'redistill-jsonl-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function read(content: string | Buffer) {
  const path = join(directory, 'rows.jsonl');
  writeFileSync(path, content);
  return [...readJsonLines(path)];
}

describe('readJsonLines', () => {
  it('numbers lines from 1 and passes over blank ones', () => {
    expect(read('{"a":1}\n\n  \n{"a":2}')).toEqual([
      { line: 1, row: { a: 1 } },
      { line: 4, row: { a: 2 } },
    ]);
    expect(read('')).toEqual([]);
    expect(read('\n')).toEqual([]);
  });

  it('accepts a byte order mark and CRLF', () => {
    expect(read('\uFEFF{"a":1}\r\n{"a":2}\r\n').map(({ row }) => row)).toEqual([{ a: 1 }, { a: 2 }]);
  });

  it('joins rows and characters that are split by the pieces it reads', () => {
    const rows = Array.from({ length: 7 }, (_, i) => ({ i, text: 'ü€𝄞\u2028'.repeat(100_000 + i) }));
    expect(read(rows.map((row) => JSON.stringify(row)).join('\n')).map(({ row }) => row)).toEqual(rows);
  });

  it('names file and line of what is no JSON object', () => {
    expect(() => read('{"a":1}\n{"a":\n')).toThrow(/rows\.jsonl, line 2: not valid JSON/);
    for (const line of ['[1]', 'null', '3', '"text"']) {
      expect(() => read(`${line}\n`)).toThrow(/line 1: a row must be a JSON object/);
    }
  });

  it('names file and line of what is no UTF-8', () => {
    const broken = Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xe9]), Buffer.from('"}\n')]);
    expect(() => read(broken)).toThrow(/rows\.jsonl, line 2: not valid UTF-8/);
    expect(() => read(Buffer.from('{"a":1}\n', 'utf16le'))).toThrow(/line 1: not valid JSON/);
    expect(() => read(Buffer.from('\uFEFF{"a":1}\n', 'utf16le'))).toThrow(/line 1: not valid UTF-8/);
  });

  it('reads back what writeJsonLines wrote', () => {
    const rows = [{ text: 'a\nb\u2028"ü𝄞' }, {}, { deep: [{ x: null }] }];
    const path = join(directory, 'new', 'written.jsonl');
    writeJsonLines(path, rows);
    expect([...readJsonLines(path)].map(({ row }) => row)).toEqual(rows);
  });

  it('says what is wrong with the path', () => {
    expect(() => [...readJsonLines(join(directory, 'absent'))]).toThrow(/absent does not exist/);
    expect(() => [...readJsonLines(directory)]).toThrow(/is a directory/);
    expect(() => [...readJsonLines(directory)]).toThrow(UserError);
  });
});
