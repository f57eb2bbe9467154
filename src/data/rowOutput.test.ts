import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ExactNumber, parseJson, writeJson } from '../util/exactJson.js';
import { replaceTogether } from '../util/files.js';
import { readParquetRows } from './parquet.js';
import { readRows } from './readRows.js';
import { openRowOutput } from './rowOutput.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-output-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const rows = [
  {
    problem: '1+2?',
    count: 3,
    ms: 1,
    generations: ['a', 'é 😀'],
    correctness: { mv: [true, false], llm: [null, true] },
    details: [{ finish: 'stop', verdict: { correct: true, stage: null } }, { finish: 'length' }],
    gold: 5,
    anything: { a: 1 },
    always: null,
    empty: {},
  },
  { problem: null, ms: 0.5, generations: [], correctness: null, details: [], gold: 'x', anything: [1] },
  { problem: '', count: -1, generations: null, correctness: { mv: null }, gold: true, later: [[1, 2], []] },
];

async function write(name: string, written: readonly Record<string, unknown>[]): Promise<string> {
  const path = join(root, name);
  using output = openRowOutput(path);
  for (const row of written) output.write(row);
  await output.complete?.();
  replaceTogether([output]);
  return path;
}

async function readParquet(path: string): Promise<Record<string, unknown>[]> {
  const read: Record<string, unknown>[] = [];
  for await (const { row } of readParquetRows(path)) read.push(row);
  return read;
}

describe('openRowOutput', () => {
  it('writes JSON lines', async () => {
    const path = await write('rows.jsonl', rows);
    expect(readFileSync(path, 'utf8')).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  });

  it('writes Parquet with a column a field: absent is null, mixed scalars are text, other mixtures JSON', async () => {
    const path = await write('rows.parquet', rows);
    const absent = {
      count: null,
      ms: null,
      details: null,
      anything: null,
      always: null,
      empty: null,
      later: null,
    };
    expect(await readParquet(path)).toEqual([
      {
        ...absent,
        ...rows[0],
        ms: new ExactNumber('1.0'),
        details: [
          { finish: 'stop', verdict: { correct: true, stage: null } },
          { finish: 'length', verdict: null },
        ],
        ...{ gold: '5', anything: '{"a":1}', empty: '{}' },
      },
      { ...absent, ...rows[1], anything: '[1]' },
      { ...absent, ...rows[2], correctness: { mv: null, llm: null }, gold: 'true' },
    ]);
    expect(readdirSync(root).filter((name) => name.includes('.rows'))).toEqual([]);
  });

  it('writes many row groups', async () => {
    const many = Array.from({ length: 1234 }, (_, id) => ({ id, texts: [`text ${id}`, null] }));
    expect(await readParquet(await write('many.parquet', many))).toEqual(many);
  });

  it.each(['jsonl', 'parquet'])('keeps floats that are whole apart from ints (%s)', async (ending) => {
    const json =
      '[{"a":1.0,"b":[0.0,0.5],"c":{"d":-0.0,"e":1},"f":1e+22},{"a":null,"b":[],"c":null,"f":3.0}]';
    const path = await write(`floats.${ending}`, parseJson(json) as Record<string, unknown>[]);
    const read = [];
    for await (const { row } of readRows(path)) read.push(row);
    expect(writeJson(read)).toBe(json);
  });

  it('leaves nothing where it is given up or stopped', async () => {
    for (const name of ['never.jsonl', 'never.parquet']) {
      using output = openRowOutput(join(root, name));
      output.write({ a: 1 });
      if (name.endsWith('.parquet'))
        await expect(output.complete!(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    }
    expect(readdirSync(root).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('knows no other files', () => {
    expect(() => openRowOutput('a.csv')).toThrow('a.csv must end in .jsonl or .parquet.');
  });
});
