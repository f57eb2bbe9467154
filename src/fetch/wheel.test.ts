import {
  type WriteStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ZipMember, makeWheel, makeZip } from '../../test/support/zip.js';
import { UserError } from '../util/errors.js';
import { readWheelMetadata, unpackWheel } from './wheel.js';

vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  return { ...fs, createWriteStream: vi.fn(fs.createWriteStream) };
});

let root: string;
let folder: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'redistill-wheel-'));
  folder = join(root, 'out', 'tree');
  mkdirSync(folder, { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.mocked(createWriteStream).mockClear();
});

function store(bytes: Uint8Array): string {
  const path = join(root, 'torch-2.11.0-cp311-cp311-linux.whl');
  writeFileSync(path, bytes);
  return path;
}

const remedy = 'run `redistill setup` again';

async function unpack(bytes: Uint8Array): Promise<void> {
  await unpackWheel(store(bytes), folder, { keep: (path) => !path.endsWith('.py'), remedy });
}

/** 300 kB that do not compress, so that a file takes several chunks. */
const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255));
const files: ZipMember[] = [
  { name: 'torch/lib/libtorch_cpu.so', data: noise },
  { name: 'torch/include/a.h', data: '' },
  { name: 'torch/__init__.py', data: 'raise' },
];

describe('unpackWheel', () => {
  it('writes the wanted files byte for byte and reports all bytes', async () => {
    const steps: [number, number][] = [];
    const wheel = store(makeWheel('torch-2.11.0', files, ['Requires-Dist: x']));
    await unpackWheel(wheel, folder, {
      keep: (path) => path.startsWith('torch/') && !path.endsWith('.py'),
      onProgress: (done, total) => steps.push([done, total]),
      remedy,
    });
    expect(readFileSync(join(folder, 'torch/lib/libtorch_cpu.so')).equals(noise)).toBe(true);
    expect(readFileSync(join(folder, 'torch/include/a.h')).length).toBe(0);
    expect(readdirSync(join(folder, 'torch')).sort()).toEqual(['include', 'lib']);
    expect(steps.at(-1)).toEqual([noise.length, noise.length]);
    expect(await readWheelMetadata(wheel)).toContain('Requires-Dist: x');
  });

  it.each(['../evil.so', '/evil.so', 'torch/../../../evil.so', 'torch\\..\\..\\evil.so'])(
    'refuses the name %s and writes nothing outside',
    async (name) => {
      await expect(unpack(makeWheel('torch-2.11.0', [{ name, data: 'x' }]))).rejects.toThrow(
        /damaged .*run `redistill setup` again/,
      );
      expect(readdirSync(folder)).toEqual([]);
      expect(readdirSync(root).sort()).toEqual(['out', 'torch-2.11.0-cp311-cp311-linux.whl']);
    },
  );

  it.each([0, 10, 0.5, 0.999])('refuses a file cut short (%s)', async (length) => {
    const whole = makeWheel('torch-2.11.0', files);
    const cut = whole.subarray(0, length < 1 ? Math.floor(whole.length * length) : length);
    const failure = unpack(cut);
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow('torch-2.11.0-cp311-cp311-linux.whl is damaged');
  });

  it('refuses changed bytes, sizes that lie, files outside RECORD, names given twice, a missing RECORD', async () => {
    const wheel = makeWheel('torch-2.11.0', [{ name: 'torch/a.h', data: 'the quick brown fox' }]);
    const other = makeWheel('torch-2.11.0', [{ name: 'torch/a.h', data: 'the quick brown fix' }]);
    const spliced = Buffer.concat([other.subarray(0, 60), wheel.subarray(60)]);
    await expect(unpack(spliced)).rejects.toThrow('torch/a.h differs from its checksum');

    for (const claimedSize of [3, 3000, 4e9]) {
      await expect(
        unpack(makeWheel('torch-2.11.0', [{ name: 'torch/a.h', data: noise, claimedSize }])),
      ).rejects.toThrow(UserError);
      rmSync(join(folder, 'torch'), { recursive: true, force: true });
    }
    const extra = makeZip([
      { name: 'torch/a.h', data: 'a' },
      { name: 'torch-2.11.0.dist-info/RECORD', data: 'torch/b.h,sha256=abc,1\n' },
    ]);
    await expect(unpack(extra)).rejects.toThrow('torch/a.h is not in its RECORD');
    await expect(unpack(makeZip([{ name: 'torch/a.h', data: 'a' }]))).rejects.toThrow('it has no RECORD');
    const twice = { name: 'torch/twice.h', data: 'a' };
    await expect(unpack(makeWheel('torch-2.11.0', [twice, twice]))).rejects.toThrow('damaged');
  });

  it('says so when the disk fills up midway', async () => {
    const full = new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }));
      },
    });
    vi.mocked(createWriteStream).mockReturnValueOnce(full as unknown as WriteStream);
    await expect(unpack(makeWheel('torch-2.11.0', files))).rejects.toThrow(
      /the disk of .* is full: free some space/,
    );
  });
});
