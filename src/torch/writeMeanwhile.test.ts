import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { together } from '../util/meanwhile.js';
import { Random } from '../util/random.js';
import { writeMeanwhile } from './writeMeanwhile.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-meanwhile-'));
const mounts: string[] = [];
afterAll(() => {
  for (const dir of mounts) execFileSync('umount', [dir]);
  rmSync(root, { recursive: true });
});

/** A file system of its own; undefined where this user may not mount one. */
function mount(type: string, options: string): string | undefined {
  const dir = join(root, type);
  mkdirSync(dir);
  if (spawnSync('mount', ['-t', type, '-o', options, type, dir]).status !== 0) return undefined;
  mounts.push(dir);
  return dir;
}
/** One that knows no way past the page cache, and one that is soon full. */
const [cached, small] = [mount('ramfs', 'mode=700'), mount('tmpfs', `size=${6 << 20}`)];
if (cached === undefined || small === undefined)
  console.warn('skipped: file systems of their own (this user may not mount them)');

/** Bytes of a file that are in the page cache; undefined where nobody tells, or the files are nowhere else. */
function residentBytes(path: string): number | undefined {
  if (statfsSync(path).type === 0x1021994) return undefined; // tmpfs
  const { status, stdout } = spawnSync('fincore', ['-b', '-n', '-o', 'RES', path], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

const random = new Random(7);
const bytesOf = (size: number) => Buffer.from(Array.from({ length: size }, () => random.nextInt(256)));
/** What is written at a time. */
const ROOM = 4 << 20;

/** Parts that begin and end anywhere, fill what is written at a time to the byte, and leave an end that is no whole block. */
const cases: [string, readonly Uint8Array[]][] = [
  ['nothing', []],
  ['empty parts', [new Uint8Array(0), new Uint8Array(0)]],
  ['a byte', [bytesOf(1)]],
  ['a block', [bytesOf(4096)]],
  ['many small ones', Array.from({ length: 3000 }, (_, i) => Buffer.from(`${i},`))],
  ['what is written at a time', [new Uint8Array(ROOM).fill(3)]],
  ['a byte more', [bytesOf(100), new Uint8Array(ROOM - 100).fill(4), bytesOf(1)]],
  ['several times that', [bytesOf(8), new Uint8Array(2 * ROOM + 5000).fill(5), bytesOf(4095), bytesOf(9)]],
  ['a part that begins anywhere', [bytesOf(9000).subarray(333, 8999)]],
];

describe.each([
  ['a disk', root],
  ['a file system that knows no way past the cache', cached],
])('writeMeanwhile on %s', (_, folder) => {
  it.skipIf(folder === undefined).each(cases)(
    'writes its parts one after the other: %s',
    async (name, parts) => {
      const path = join(folder!, name);
      const { taken, done } = writeMeanwhile(path, parts);
      await taken;
      await done;
      expect(Buffer.compare(readFileSync(path), Buffer.concat(parts))).toBe(0);
    },
  );
});

describe('writeMeanwhile', () => {
  it('takes the bytes before it is done: they may change then', async () => {
    const bytes = new Uint8Array(1 << 20).fill(1);
    const { taken, done } = writeMeanwhile(join(root, 'taken'), [bytes]);
    await taken;
    bytes.fill(2);
    await done;
    expect(readFileSync(join(root, 'taken')).every((byte) => byte === 1)).toBe(true);
  });

  it('writes several files at a time', async () => {
    const all = Array.from({ length: 7 }, (_, i) => new Uint8Array(300_001 + i).fill(i));
    await together(all.map((bytes, i) => writeMeanwhile(join(root, `one-of-${i}`), [bytes]))).done;
    for (const [i, bytes] of all.entries())
      expect(Buffer.compare(readFileSync(join(root, `one-of-${i}`)), bytes)).toBe(0);
  });

  it.skipIf(residentBytes(root) === undefined)(
    'leaves no pages of a file in the cache, for which the system would have to find memory',
    async () => {
      const path = join(root, 'large');
      await writeMeanwhile(path, [new Uint8Array(40 << 20).fill(1), new Uint8Array(5000)]).done;
      expect(residentBytes(path)).toBeLessThan(1 << 20);
      expect(residentBytes(path)).toBeGreaterThan(0); // the end
    },
  );

  it('says in a sentence what the system refuses', () => {
    expect(() => writeMeanwhile(join(root, 'absent', 'x'), [])).toThrow(UserError);
    writeFileSync(join(root, 'there'), 'mine');
    expect(() => writeMeanwhile(join(root, 'there'), [])).toThrow(/something of that name is in the way/);
    expect(readFileSync(join(root, 'there'), 'utf8')).toBe('mine');
  });

  it.skipIf(small === undefined)(
    'says how much a full disk has taken, and nothing has waited for it',
    async () => {
      const path = join(small!, 'x');
      const { taken, done } = writeMeanwhile(path, [new Uint8Array(9 << 20)]);
      const sentence =
        /x cannot be written: the disk is full \(it needs more than [\d.]+ MB, .* are free\): free some/;
      await expect(taken).rejects.toThrow(sentence);
      await expect(done).rejects.toThrow(sentence);
      await expect(done).rejects.toThrow(UserError);
      rmSync(path); // it is closed
      expect(statfsSync(small!).bavail * statfsSync(small!).bsize).toBeGreaterThan(5 << 20);
    },
  );
});
