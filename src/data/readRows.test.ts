import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { countRows } from './countRows.js';
import type { BadLine } from './jsonl.js';
import { readPrompts } from './prompts.js';
import { readRows } from './readRows.js';
import { readTrainingRecords } from './records.js';

const directory = mkdtempSync(join(tmpdir(), 'redistill-rows-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function read(path: string) {
  const rows: Record<string, unknown>[] = [];
  const bad: BadLine[] = [];
  for await (const { row } of readRows(path, (line) => bad.push(line))) rows.push(row);
  return { rows, bad };
}

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const rows = Array.from({ length: 3000 }, (_, i) => ({ i, text: `ü€𝄞 ${'abc '.repeat(i % 400)}` }));
const lines = rows.map((row) => JSON.stringify(row)).join('\n');
/** zstd as its own program writes it, in two frames with a skippable one between them, of blocks of every kind. */
const zstd = readFileSync(new URL('../../test/fixtures/rows.jsonl.zst', import.meta.url));

describe('readRows goes by content, not by name', () => {
  it.each([
    ['JSON lines', 'a.json', lines],
    ['an array', 'a.jsonl', JSON.stringify(rows)],
    [
      'an array over lines',
      'b.jsonl',
      `\uFEFF\n [${rows.map((row) => JSON.stringify(row, null, 2)).join(',\n')}]\n`,
    ],
    ['gzip', 'c.jsonl', gzipSync(lines)],
    [
      'gzip in two members',
      'c2.jsonl.gz',
      Buffer.concat([gzipSync(`${lines}\n`.slice(0, 999)), gzipSync(lines.slice(999))]),
    ],
    ['an array in gzip', 'd', gzipSync(JSON.stringify(rows))],
    ['zstd', 'e.jsonl', zstd],
  ])('%s', async (_, name, content) => {
    const path = file(name, content);
    expect(await read(path)).toEqual({ rows, bad: [] });
    if (!name.startsWith('b') && !name.startsWith('a.jsonl') && name !== 'd')
      expect(await countRows([path])).toBe(rows.length);
  });

  it('Parquet', async () => {
    const path = file(
      'p.jsonl',
      readFileSync(new URL('../../test/fixtures/parquet/zstd.parquet', import.meta.url)),
    );
    expect((await read(path)).rows).toHaveLength(60);
    const pairs = file('one', '{"prompt":"a","chosen":"b","rejected":"c","label":null}');
    expect(await readTrainingRecords(pairs)).toMatchObject([{ kind: 'preference' }]);
    await expect(readTrainingRecords(path)).rejects.toThrow('p.jsonl, line 1: a training row has');
  });

  it('a pipe, which is read once', async () => {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const source = file('source', gzipSync(lines));
    execFileSync('sh', ['-c', `cat "${source}" > "${path}" &`], { stdio: 'ignore' });
    expect(await countRows([path])).toBe(0);
    expect((await read(path)).rows).toEqual(rows);
  });

  it.each([
    ['UTF-16', '\uFEFF{"a":1}', 'utf16le', /looks like text in UTF-16: save it in UTF-8/],
    ['UTF-16 without a mark', '{"a":1}', 'utf16le', /looks like text in UTF-16.*iconv -f UTF-16LE/],
    ['ZIP', 'PK\x03\x04xx', 'latin1', /looks like a ZIP archive/],
    ['xz', '\xfd7zXZ\0xx', 'latin1', /unxz/],
    ['bzip2', 'BZh91AY', 'latin1', /bunzip2/],
    ['Arrow', 'ARROW1\0\0', 'latin1', /Arrow/],
    ['a pointer', 'version https://git-lfs.github.com/spec/v1\n', 'latin1', /Git LFS pointer/],
    [
      'a broken gzip file',
      gzipSync(lines).subarray(0, 3000).toString('latin1'),
      'latin1',
      /not a whole gzip file/,
    ],
    ['a broken zstd file', zstd.subarray(0, 3000).toString('latin1'), 'latin1', /not a whole Zstandard file/],
    [
      'Parquet in gzip',
      gzipSync('PAR1....PAR1').toString('latin1'),
      'latin1',
      /Parquet file in a pipe or a packed file/,
    ],
    [
      'an array with a deep row',
      `[{},{"a":[1,2]},${'['.repeat(9000)}${']'.repeat(9000)}]`,
      'utf8',
      /line 3: nested too deeply/,
    ],
  ] as const)('names %s', async (name, text, encoding, message) => {
    const path = file('other', Buffer.from(text, encoding));
    await expect(read(path), name).rejects.toThrow(message);
    await expect(read(path), name).rejects.toThrow(path);
    expect(await countRows([path])).toBeGreaterThanOrEqual(0);
  });

  it('sets a line aside that is nested too deeply or in another encoding, and names it', async () => {
    const deep = `{"a":${'['.repeat(9000)}${']'.repeat(9000)}}`;
    const latin = Buffer.from('{"a":"caf\xe9 \xe0"}\n', 'latin1');
    const chinese = Buffer.from('7b2261223a22c4e3bac3cac0bde7227d0a', 'hex');
    const path = file(
      'bad',
      Buffer.concat([Buffer.from(`{"a":1}\n${deep}\n`), latin, chinese, Buffer.from('{"a":2}')]),
    );
    const found = await read(path);
    expect(found.rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(found.bad.map(({ line, problem }) => [line, problem])).toEqual([
      [2, 'nested too deeply, more than 128 levels'],
      [3, 'not valid UTF-8 but looks like Windows-1252 (Latin-1); save the file in UTF-8'],
      [4, 'not valid UTF-8 but looks like GB 18030; save the file in UTF-8'],
    ]);
  });

  it('refuses a file without rows where rows are needed', async () => {
    const path = file('empty', gzipSync(' \n'));
    await expect(readTrainingRecords(path)).rejects.toThrow(`${path} has no rows.`);
    await expect(readPrompts(path)).rejects.toThrow(`${path} has no rows.`);
  });
});
