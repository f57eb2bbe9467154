import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { crowding, threadCount } from './threads.js';

const root = mkdtempSync(join(tmpdir(), 'redistill-threads-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let machines = 0;

/** A made-up /proc and /sys. */
function machine(files: Record<string, string>): string {
  const dir = join(root, String(++machines));
  mkdirSync(dir);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), `${text}\n`);
  }
  return dir;
}

const status = (allowed: string) => ({
  'proc/self/status': `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nThreads:\t11`,
});

/** Logical processors in cores of `threads`, numbered as Linux does: 0 and n/2 are of one core. */
function cores(logical: number, threads: number, file = 'core_cpus_list'): Record<string, string> {
  const count = logical / threads;
  return Object.fromEntries(
    Array.from({ length: logical }, (_, cpu) => [
      `sys/devices/system/cpu/cpu${cpu}/topology/${file}`,
      Array.from({ length: threads }, (_, thread) => (cpu % count) + thread * count).join(','),
    ]),
  );
}

const v2 = (path: string, max: Record<string, string>) => ({
  'proc/self/cgroup': `0::${path}`,
  ...Object.fromEntries(
    Object.entries(max).map(([group, text]) => [join('sys/fs/cgroup', group, 'cpu.max'), text]),
  ),
});
const v1 = (controllers: string, path: string, group: string, quota: string, period: string) => ({
  'proc/self/cgroup': `12:memory:${path}\n4:${controllers}:${path}\n1:name=systemd:${path}`,
  [join('sys/fs/cgroup', controllers, group, 'cpu.cfs_quota_us')]: quota,
  [join('sys/fs/cgroup', controllers, group, 'cpu.cfs_period_us')]: period,
});

describe('threadCount', () => {
  it.each<[string, number, Record<string, string>, NodeJS.ProcessEnv]>([
    ['a plain machine', 4, { ...status('0-3'), ...cores(4, 1) }, {}],
    ['two threads a core', 8, { ...status('0-15'), ...cores(16, 2) }, {}],
    ['an older kernel', 8, { ...status('0-15'), ...cores(16, 2, 'thread_siblings_list') }, {}],
    ['four of eight cores by affinity', 4, { ...status('0-3,8-11'), ...cores(16, 2) }, {}],
    ['both threads of one core', 1, { ...status('2,10'), ...cores(16, 2) }, {}],
    ['no topology', 6, status('0-5'), {}],
    ['four processes on one machine', 2, { ...status('0-15'), ...cores(16, 2) }, { LOCAL_WORLD_SIZE: '4' }],
    ['more processes than cores', 1, { ...status('0-1'), ...cores(2, 1) }, { LOCAL_WORLD_SIZE: '8' }],
    ['the wish of a user', 3, { ...status('0-15'), ...cores(16, 2) }, { OMP_NUM_THREADS: '3' }],
    [
      'the wish of a user beside other processes',
      6,
      { ...status('0-15'), ...cores(16, 2) },
      { OMP_NUM_THREADS: '6', LOCAL_WORLD_SIZE: '4' },
    ],
    ['nested regions', 5, { ...status('0-15'), ...cores(16, 2) }, { OMP_NUM_THREADS: '5,2' }],
    ['a wish that is none', 8, { ...status('0-15'), ...cores(16, 2) }, { OMP_NUM_THREADS: 'many' }],
    ['an empty wish', 8, { ...status('0-15'), ...cores(16, 2) }, { OMP_NUM_THREADS: '' }],
    ['a quota', 2, { ...status('0-15'), ...cores(16, 2), ...v2('/', { '/': '250000 100000' }) }, {}],
    ['a small quota', 1, { ...status('0-15'), ...cores(16, 2), ...v2('/', { '/': '50000 100000' }) }, {}],
    [
      'a quota above the cores',
      8,
      { ...status('0-15'), ...cores(16, 2), ...v2('/', { '/': '1200000 100000' }) },
      {},
    ],
    ['no quota', 8, { ...status('0-15'), ...cores(16, 2), ...v2('/', { '/': 'max 100000' }) }, {}],
    [
      'a quota of a group above',
      3,
      { ...status('0-7'), ...cores(8, 1), ...v2('/a/b', { '/a/b': 'max 100000', '/a': '300000 100000' }) },
      {},
    ],
    [
      'a path of the host in a container',
      3,
      { ...status('0-7'), ...cores(8, 1), ...v2('/docker/4711', { '/': '300000 100000' }) },
      {},
    ],
    [
      'a quota of the first version',
      3,
      { ...status('0-7'), ...cores(8, 1), ...v1('cpu,cpuacct', '/docker/4711', '/', '300000', '100000') },
      {},
    ],
    [
      'no quota of the first version',
      8,
      { ...status('0-7'), ...cores(8, 1), ...v1('cpu', '/x', '/x', '-1', '100000') },
      {},
    ],
    [
      'a quota and two processes',
      2,
      { ...status('0-7'), ...cores(8, 1), ...v2('/', { '/': '400000 100000' }) },
      { LOCAL_WORLD_SIZE: '2' },
    ],
  ])('%s: %i', (_, expected, files, env) => {
    expect(threadCount(env, machine(files))).toBe(expected);
  });

  it('is what Node says where there is no /proc', () => {
    expect(threadCount({}, machine({}))).toBe(availableParallelism());
  });

  it('is between 1 and the processors on this machine', () => {
    expect(threadCount({})).toBeGreaterThanOrEqual(1);
    expect(threadCount({})).toBeLessThanOrEqual(availableParallelism());
  });
});

describe('crowding', () => {
  it.each<[number, NodeJS.ProcessEnv]>([
    [1, {}],
    [1, { LOCAL_WORLD_SIZE: '4' }], // each takes its share
    [2, { LOCAL_WORLD_SIZE: '16' }],
    [3, { LOCAL_WORLD_SIZE: '4', OMP_NUM_THREADS: '6' }],
    [1, { LOCAL_WORLD_SIZE: '2', OMP_NUM_THREADS: '1' }],
  ])('is %f of eight cores under %o', (expected, env) => {
    expect(crowding(env, machine({ ...status('0-15'), ...cores(16, 2) }))).toBe(expected);
  });
});
