import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { writeJson } from '../util/exactJson.js';
import { readJsonLines } from './jsonl.js';
import { isParquet, parquetSize, readParquetRows } from './parquet.js';

/** Written by pyarrow: test/oracles/parquet_files.py. */
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../test/fixtures/parquet/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(fixture('rows.json'), 'utf8')) as Record<string, unknown>[];

const directory = mkdtempSync(join(tmpdir(), 'redistill-parquet-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function read(path: string) {
  const rows = [];
  for await (const row of readParquetRows(path)) rows.push(row);
  return rows;
}

describe('readParquetRows', () => {
  it.each(['snappy', 'zstd', 'gzip', 'none'])('reads what pyarrow wrote (%s)', async (codec) => {
    const rows = await read(fixture(`${codec}.parquet`));
    expect(rows.map(({ row }) => row)).toEqual(expected);
    expect(rows.map(({ line }) => line)).toEqual(expected.map((_, i) => i + 1));
  });

  it('reads a file without rows', async () => {
    expect(await read(fixture('empty.parquet'))).toEqual([]);
  });

  it('says that a file is damaged', async () => {
    const path = join(directory, 'cut.parquet');
    const whole = readFileSync(fixture('snappy.parquet'));
    writeFileSync(path, whole.subarray(0, 900));
    await expect(read(path)).rejects.toThrow(/cut\.parquet is not a Parquet file that can be read/);
    const spoilt = Buffer.from(whole);
    spoilt.fill(0xff, 20, 900);
    writeFileSync(path, spoilt);
    await expect(read(path)).rejects.toThrow(/cut\.parquet is not a Parquet file that can be read/);
  });
});

describe('the footer', () => {
  it('knows rows and bytes', async () => {
    const { rows, bytes } = await parquetSize(fixture('zstd.parquet'));
    expect(rows).toBe(60);
    expect(bytes).toBeGreaterThan(2000);
  });

  it('is looked for in files that begin with the format’s mark', () => {
    expect(isParquet(fixture('none.parquet'))).toBe(true);
    expect(isParquet(fixture('rows.json'))).toBe(false);
    expect(isParquet(directory)).toBe(false);
    expect(() => isParquet(join(directory, 'none'))).toThrow(/none does not exist/);
    const pointer = join(directory, 'pointer.parquet');
    writeFileSync(pointer, 'version https://git-lfs.github.com/spec/v1\n');
    expect(() => isParquet(pointer)).toThrow(/pointer\.parquet is not a Parquet file.*Git LFS pointer/);
  });
});

it('gives back numbers that a double does not hold, digit by digit', async () => {
  const wanted = Array.from(readJsonLines(fixture('numbers.jsonl')), ({ row }) => row);
  expect((await read(fixture('numbers.parquet'))).map(({ row }) => row)).toEqual(wanted);
  expect(writeJson(wanted[0]!)).toContain('"id":9007199254740993,"unsigned":18446744073709551615,');
});
