import { spawn } from 'node:child_process';
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { contentDigest } from './contentDigest.js';
import { isAbandoned, isWorkedIn, withFolder } from './folderLock.js';

vi.mock('node:fs', async () => {
  const fs = await vi.importActual<typeof import('node:fs')>('node:fs');
  return { ...fs, openSync: vi.fn(fs.openSync) };
});

const root = mkdtempSync(join(tmpdir(), 'redistill-lock-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const folder = (name: string) => mkdtempSync(join(root, `${name}-`));
const once = (dir: string, platform?: NodeJS.Platform) =>
  withFolder(dir, () => Promise.resolve('done'), platform);

describe.each<NodeJS.Platform>(['linux', 'darwin'])('on %s a folder', (platform) => {
  it('is kept to one at a time, by whatever path', async () => {
    const dir = folder('one');
    const link = `${dir}-link`;
    symlinkSync(dir, link);
    let ask: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const inside = withFolder(
      dir,
      async () => {
        await asked;
        expect(await once(link, platform)).toBe('done'); // the same piece of work
        return once(folder('other'), platform);
      },
      platform,
    );
    await expect(once(link, platform)).rejects.toThrow('Another process is writing into');
    ask();
    expect(await inside).toBe('done');
    expect(await once(link, platform)).toBe('done');
  });

  it('is free again after an error', async () => {
    const dir = folder('error');
    const failing = withFolder(dir, () => Promise.reject(new Error('no')), platform);
    await expect(failing).rejects.toThrow('no');
    expect(await once(dir, platform)).toBe('done');
  });
});

it('a socket that a killed process left behind is taken over', async () => {
  const dir = folder('killed');
  // what `darwin` does, in a process that does not clean up
  const before = new Set(readdirSync(tmpdir()));
  await withFolder(
    dir,
    async () => {
      const name = readdirSync(tmpdir()).find((entry) => entry.endsWith('.sock') && !before.has(entry))!;
      expect(statSync(join(tmpdir(), name)).isSocket()).toBe(true);
      before.add(name);
      await Promise.resolve();
    },
    'darwin',
  );
  const name = [...before].find((entry) => /^redistill-[0-9a-f]{24}\.sock$/.test(entry))!;
  const script = `require('net').createServer().listen(${JSON.stringify(join(tmpdir(), name))}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await expect(once(dir, 'darwin')).rejects.toThrow('Another process');
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(statSync(join(tmpdir(), name)).isSocket()).toBe(true);
  expect(await once(dir, 'darwin')).toBe('done');
});

describe('the mark of a process in a folder', () => {
  const mark = (dir: string, name: string, secondsAgo: number) => {
    writeFileSync(join(dir, name), '');
    const then = Date.now() / 1000 - secondsAgo;
    utimesSync(join(dir, name), then, then);
  };
  const here = async (dir: string) => {
    let names: string[] = [];
    await withFolder(dir, () => Promise.resolve((names = readdirSync(dir))));
    return /^lock\.([0-9a-f]{8})-\d+\.tmp$/.exec(names[0]!)![1]!;
  };

  it('of another host keeps others out as long as it is touched', async () => {
    const dir = folder('foreign');
    mark(dir, 'lock.0123abcd-7.tmp', 12);
    await expect(once(dir)).rejects.toThrow(
      /^A process of another host or container is writing into .* \(it was alive 1[23] s ago\).* is free in 4[78] s\.$/,
    );
    expect(readdirSync(dir)).toEqual(['lock.0123abcd-7.tmp']);
    mark(dir, 'lock.0123abcd-7.tmp', 61);
    expect(await once(dir)).toBe('done');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is there before others are looked for: of two hosts that begin at once none goes on by the side of the other', async () => {
    const dir = folder('at-once');
    const { openSync: open } = await vi.importActual<typeof import('node:fs')>('node:fs');
    let seen: string[] = [];
    vi.mocked(openSync).mockImplementationOnce((path, ...how) => {
      mark(dir, 'lock.0123abcd-7.tmp', 0); // the other host has looked before, and found nobody
      const fd = open(path, ...how);
      seen = readdirSync(dir); // as the other host sees it, which looks from now on
      return fd;
    });
    await expect(once(dir)).rejects.toThrow('A process of another host or container is writing into');
    expect(seen).toHaveLength(2);
    expect(readdirSync(dir)).toEqual(['lock.0123abcd-7.tmp']);
  });

  it.each([-120, 120])(
    'is judged by the clock of the file system, with this host %i s beside it',
    async (beside) => {
      const dir = folder('clock');
      mark(dir, 'lock.0123abcd-7.tmp', 5);
      mark(dir, 'lock.0123abcd-8.tmp', 61);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1000 * beside });
      try {
        await expect(once(dir)).rejects.toThrow(/\(it was alive [56] s ago\).* is free in 5[45] s\./);
        rmSync(join(dir, 'lock.0123abcd-7.tmp'));
        expect(await once(dir)).toBe('done');
        await withFolder(dir, () => {
          const [name] = readdirSync(dir);
          const apart = statSync(join(dir, name!)).mtimeMs - Date.now();
          expect(Math.abs(apart + 1000 * beside)).toBeLessThan(5000);
          return Promise.resolve();
        });
      } finally {
        vi.useRealTimers();
      }
      expect(readdirSync(dir)).toEqual([]);
    },
  );

  it('of this host counts as long as its process lives, which may have no socket that is seen here', async () => {
    const dir = folder('own');
    const host = await here(dir);
    mark(dir, `lock.${host}-${process.ppid}.tmp`, 1);
    await expect(once(dir)).rejects.toThrow('Another process is writing into');
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('close', resolve));
    for (const [name, secondsAgo] of [
      [`lock.${host}-${dead.pid!}.tmp`, 1],
      [`lock.${host}-${process.ppid}.tmp`, 61], // its number is another process's by now
    ] as const) {
      for (const other of readdirSync(dir)) rmSync(join(dir, other));
      mark(dir, name, secondsAgo);
      const isDead = name.includes(`-${dead.pid!}.`);
      expect([isWorkedIn(dir), isAbandoned(dir)]).toEqual([false, isDead]);
      expect(await once(dir)).toBe('done');
      expect(readdirSync(dir)).toEqual([]);
    }
    mark(dir, `lock.${host}-${dead.pid!}.tmp`, 1);
    mark(dir, `lock.${host}-${process.ppid}.tmp`, 1);
    expect([isWorkedIn(dir), isAbandoned(dir)]).toEqual([true, false]);
  });

  it('neither follows nor empties what lies in its place', async () => {
    const dir = folder('planted');
    const precious = join(root, 'precious');
    writeFileSync(precious, 'mine');
    const name = `lock.${await here(dir)}-${process.pid}.tmp`;
    symlinkSync(precious, join(dir, name));
    expect(await once(dir)).toBe('done');
    expect(readFileSync(precious, 'utf8')).toBe('mine');
    expect(readdirSync(dir)).toEqual([]); // a link of that name is nobody's but ours
  });

  it('is touched while the work goes on', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const dir = folder('touched');
    await withFolder(dir, async () => {
      const [name] = readdirSync(dir);
      mark(dir, name!, 50);
      vi.advanceTimersByTime(10_000);
      expect(Date.now() - statSync(join(dir, name!)).mtimeMs).toBeLessThan(5000);
      await Promise.resolve();
    });
    vi.useRealTimers();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is touched on the way by work that gives no timer its turn', async () => {
    const dir = folder('busy');
    const large = join(root, 'large.bin');
    writeFileSync(large, Buffer.alloc(3 << 20));
    let seconds = 0;
    await withFolder(dir, async () => {
      const [name] = readdirSync(dir);
      mark(dir, name!, 50);
      vi.spyOn(performance, 'now').mockImplementation(() => 1e9 + 1000 * (seconds += 4)); // of a slow disk
      contentDigest(large);
      vi.restoreAllMocks();
      expect(Date.now() - statSync(join(dir, name!)).mtimeMs).toBeLessThan(5000);
      await Promise.resolve();
    });
    expect(readdirSync(dir)).toEqual([]);
  });
});
