import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { freeMemory } from './freeMemory.js';

const work = mkdtempSync(join(tmpdir(), 'redistill-free-memory-'));
afterAll(() => {
  rmSync(work, { recursive: true });
});

/** A machine of which these files are known. */
function machine(files: Record<string, string>): number {
  const root = mkdtempSync(join(work, 'root-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return freeMemory(root);
}

const meminfo = 'MemTotal:  9000 kB\nMemFree:   100 kB\nMemAvailable:   2000 kB\nSwapFree:  500 kB\n';

describe('the memory that is free', () => {
  it('is what the machine has available, with what can be swapped', () => {
    expect(machine({ 'proc/meminfo': meminfo })).toBe(2500 * 1024);
    expect(machine({})).toBe(Infinity);
    expect(freeMemory()).toBeGreaterThan(1e6);
  });

  it.each<[string, Record<string, string>, number]>([
    [
      'a control group',
      {
        'proc/self/cgroup': '0::/user/run\n',
        'sys/fs/cgroup/user/run/memory.max': '1000000\n',
        'sys/fs/cgroup/user/run/memory.current': '700000\n',
        'sys/fs/cgroup/user/run/memory.stat': 'anon 5\ninactive_file 100000\n',
      },
      400_000,
    ],
    [
      'a group around it',
      {
        'proc/self/cgroup': '0::/user/run\n',
        'sys/fs/cgroup/user/run/memory.max': 'max\n',
        'sys/fs/cgroup/user/run/memory.current': '7\n',
        'sys/fs/cgroup/user/memory.max': '900000\n',
        'sys/fs/cgroup/user/memory.current': '300000\n',
      },
      600_000,
    ],
    [
      'a container',
      {
        'proc/self/cgroup': '0::/\n',
        'sys/fs/cgroup/memory.max': '800000\n',
        'sys/fs/cgroup/memory.current': '900000\n',
      },
      0,
    ],
    [
      'a group of the first version',
      {
        'proc/self/cgroup': '9:cpu:/a\n4:memory:/docker/x\n',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '500000\n',
        'sys/fs/cgroup/memory/memory.usage_in_bytes': '200000\n',
        'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 50000\n',
      },
      350_000,
    ],
  ])('is no more than is left of %s', (_, files, expected) => {
    expect(machine({ 'proc/meminfo': meminfo, ...files })).toBe(expected);
  });
});
