import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withFolder } from './folderLock.js';

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
