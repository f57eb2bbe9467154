import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheDir } from '../util/cacheDir.js';
import { temporaryName, useName } from '../util/temporary.js';
import { cacheFolder, markUsed, trimCache, type CacheKind } from './cacheFiles.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-cache-files-'));
const children: ChildProcess[] = [];

beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(root, 'cache-')));
  vi.stubEnv('REDISTILL_CACHE_GB', '3e-6');
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** Makes a file of 1000 bytes that was used so many minutes ago. */
function put(kind: CacheKind, name: string, minutes: number): string {
  const path = join(cacheFolder(kind), name);
  mkdirSync(cacheFolder(kind), { recursive: true });
  writeFileSync(path, 'x'.repeat(1000));
  const then = new Date(Date.now() - 60_000 * minutes);
  utimesSync(path, then, then);
  return path;
}
const left = () =>
  (['tokens', 'references'] as const).flatMap((kind) => readdirSync(cacheFolder(kind))).sort();

/** Leaves the mark of another process, and says its number. */
function markOfOther(name: string, pid: number): void {
  mkdirSync(join(cacheDir(), 'uses'), { recursive: true });
  writeFileSync(join(cacheDir(), 'uses', useName(name).replace(`-${process.pid}.`, `-${pid}.`)), '');
}

describe('files of the cache', () => {
  it('go when there are too many bytes, those first that were used longest ago', () => {
    ['a', 'b', 'c'].forEach((name, i) => put('tokens', name, 10 - i));
    ['d', 'e'].forEach((name, i) => put('references', name, 9.5 - i));
    trimCache(); // from the oldest: a, d, b, e, c
    expect(left()).toEqual(['b', 'c', 'e']);
    put('tokens', 'f', 0);
    put('references', 'd', 0);
    trimCache();
    expect(left()).toEqual(['c', 'd', 'f']);
  });

  it('stay where there is room, and none is looked for where no folder is', () => {
    trimCache();
    ['a', 'b', 'c'].forEach((name) => put('tokens', name, 1));
    put('references', 'x', 1);
    vi.stubEnv('REDISTILL_CACHE_GB', undefined);
    trimCache();
    expect(left()).toEqual(['a', 'b', 'c', 'x']);
  });

  it('stay while a process uses them, this one or another, and not when it has ended', async () => {
    put('references', 'x', 1);
    const paths = ['a', 'b', 'c', 'd'].map((name, i) => put('tokens', name, 10 - i));
    markUsed(paths[0]!);
    utimesSync(paths[0]!, new Date(0), new Date(0)); // which its use has renewed
    const other = spawn('sleep', ['60']);
    children.push(other);
    markOfOther('b', other.pid!);
    const ended = spawn('true');
    await once(ended, 'exit');
    markOfOther('c', ended.pid!);
    trimCache();
    expect(left()).toEqual(['a', 'b', 'x']);
    expect(readdirSync(join(cacheDir(), 'uses')).some((name) => name.startsWith('c.'))).toBe(false);
    other.kill('SIGKILL');
    await once(other, 'exit');
    put('tokens', 'e', 0);
    trimCache();
    expect(left()).toEqual(['a', 'e', 'x']);
  });

  it('are used last by whom they are marked', () => {
    ['a', 'b', 'c', 'd'].forEach((name, i) => put('tokens', name, 10 - i));
    put('references', 'x', 1);
    rmSync(join(cacheFolder('references'), 'x'));
    markUsed(join(cacheFolder('tokens'), 'a'));
    rmSync(join(cacheDir(), 'uses'), { recursive: true });
    trimCache();
    expect(left()).toEqual(['a', 'c', 'd']);
  });

  it('that are being written stay', () => {
    const temporary = temporaryName('a');
    ['b', 'c', 'd', 'e'].forEach((name) => put('tokens', name, 1));
    put('references', temporary, 100);
    trimCache();
    expect(left()).toContain(temporary);
    expect(left()).toHaveLength(4);
  });

  it('have no limit that is no number', () => {
    for (const value of ['', 'many', '-1']) {
      vi.stubEnv('REDISTILL_CACHE_GB', value);
      expect(() => {
        trimCache();
      }).toThrow(`REDISTILL_CACHE_GB must be a number of gigabytes, not "${value}"`);
    }
  });
});
