import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { DamagedTokens, TokenFile, TokenFileWriter, type TokenisedRow } from './tokenFile.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-tokens-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const ids = (...values: number[]) => Int32Array.from(values);

const rows: TokenisedRow[] = [
  {
    line: 1,
    digest: '00000000000ab',
    sequences: [{ role: 'demonstration', row: { ids: ids(7), responseStart: 0 } }],
  },
  {
    line: 4,
    digest: 'fffffffffffff',
    sequences: [
      {
        role: 'chosen',
        row: {
          ids: ids(1, 2, 3, 2_000_000_000, 5),
          responseStart: 2,
          weights: Float64Array.from([0.1, -1 / 3, 0]),
          segments: Uint8Array.from([0, 255, 1]),
          scoreOnly: ids(0, 2),
          scalars: { reward: -1, pass_rate: 1 / 3 },
          columns: { behaviour: Float64Array.from([-1, -0.1, 0]), reward: Float64Array.of(1) },
        },
      },
      {
        role: 'rejected',
        row: { ids: ids(1, 2, 9), responseStart: 2, segments: Uint8Array.from([3]), scalars: { reward: 2 } },
      },
    ],
  },
  {
    line: 5,
    digest: '00000000000ab',
    sequences: [{ role: 'demonstration', row: { ids: ids(8, 8), responseStart: 1 } }],
  },
];

function written(name: string): string {
  const path = join(root, name);
  using writer = new TokenFileWriter(path);
  writer.write(rows.slice(0, 2));
  writer.write(rows.slice(2));
  writer.commit({ said: 'so' });
  return path;
}

it('gives back every row as it was written', () => {
  using file = new TokenFile(written('whole'));
  expect(file.notes).toEqual({ said: 'so' });
  const read = Array.from({ length: file.rows }, (_, row) => {
    const { first, end } = file.sequencesOf(row);
    const sequences = Array.from({ length: end - first }, (_, i) => ({
      role: file.role(first + i),
      row: file.read(first + i),
    }));
    return { line: file.line(row), digest: file.id(row).split('-')[0], sequences };
  });
  expect(read).toEqual(rows);
});

it('knows lengths and largest ids without reading tokens, and tells equal rows apart', () => {
  using file = new TokenFile(written('index'));
  const all = Array.from({ length: file.sequences }, (_, i) => [file.length(i), file.largestId(i)]);
  expect(all).toEqual([
    [1, 7],
    [5, 2_000_000_000],
    [3, 9],
    [2, 8],
  ]);
  expect([0, 1, 2].map((row) => file.id(row))).toEqual([
    '00000000000ab-0',
    'fffffffffffff-0',
    '00000000000ab-1',
  ]);
});

it('is not there before it is whole', () => {
  const path = join(root, 'begun');
  {
    using writer = new TokenFileWriter(path);
    writer.write(rows);
  }
  expect(() => new TokenFile(path)).toThrow('does not exist');
});

it('finds out wherever it was cut off, and whatever byte of its index has changed', () => {
  const path = written('cut');
  const whole = readFileSync(path);
  const open = () => {
    new TokenFile(path)[Symbol.dispose]();
  };
  for (let size = 0; size < whole.length; size++) {
    writeFileSync(path, whole.subarray(0, size));
    expect(open).toThrow(DamagedTokens);
  }
  // The tokens of these rows take 20 + 8 + 24 + 4 + 64, 12 + 4 + 8, 4 and 8 bytes.
  for (let at = 156; at < whole.length; at++) {
    const other = Buffer.from(whole);
    other[at]! ^= 1;
    writeFileSync(path, other);
    expect(open, String(at)).toThrow(DamagedTokens);
  }
});

it('finds out which sequence has changed, and removes the file', () => {
  const whole = readFileSync(written('bytes'));
  for (let at = 0; at < 84; at++) {
    const path = join(root, 'changed');
    writeFileSync(path, whole);
    const fd = openSync(path, 'r+');
    writeSync(fd, Uint8Array.of(whole[at]! ^ 0x40), 0, 1, at);
    closeSync(fd);
    using file = new TokenFile(path);
    const faults = Array.from({ length: file.sequences }, (_, i) => {
      try {
        file.read(i);
        return undefined;
      } catch (error) {
        return error;
      }
    }).filter((error) => error !== undefined);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toBeInstanceOf(DamagedTokens);
    expect(() => new TokenFile(path)).toThrow('does not exist');
  }
});

it('holds more rows than its tables begin with', () => {
  const path = join(root, 'many');
  using writer = new TokenFileWriter(path);
  const many = Array.from({ length: 5000 }, (_, i) => ({
    line: i + 1,
    digest: '1',
    sequences: [{ role: 'demonstration', row: { ids: ids(i, i + 1), responseStart: 1 } }],
  }));
  writer.write(many);
  writer.commit(null);
  using file = new TokenFile(path);
  expect(file.id(4999)).toBe('0000000000001-4999');
  expect(file.read(4999)).toEqual(many[4999]!.sequences[0]!.row);
});

it('gives back columns of token ids, which count among the ids of a sequence', () => {
  const path = join(root, 'top-k');
  const row = {
    ids: ids(1, 2, 9),
    responseStart: 1,
    scalars: { reward: 2 },
    columns: { behaviour: Float64Array.of(-2, -1) },
    topK: {
      teacher_topk: {
        starts: Uint32Array.of(0, 3, 3),
        ids: ids(9, 2_000_000_001, 0),
        logps: Float64Array.of(-0.1, -1 / 3, -700),
      },
      verdict: { starts: Uint32Array.of(0, 0, 2), ids: ids(4, 5) },
    },
  };
  const digests = [row, { ...row, topK: { verdict: row.topK.verdict } }].map((given) => {
    using writer = new TokenFileWriter(path);
    writer.write([{ line: 1, digest: '0', sequences: [{ role: 'sample', row: given }] }]);
    writer.commit({});
    using file = new TokenFile(path);
    expect(file.read(0)).toEqual(given);
    return [file.largestId(0), file.digestOf(0)];
  });
  expect(digests.map(([largest]) => largest)).toEqual([2_000_000_001, 9]);
  expect(digests[0]![1]).not.toBe(digests[1]![1]);
});
