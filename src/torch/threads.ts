/** @file Decides how many threads an operator gets on the CPU. Reads what Linux says of the machine; touches no libtorch. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/**
 * Returns OMP_NUM_THREADS where the user has set it. Otherwise this process's share of the physical cores that it may
 * run on: two threads of one core only wait for one another in matrix products. Affinity and a cgroup's CPU quota
 * count, and processes that torchrun has started beside this one (LOCAL_WORLD_SIZE) have as much each.
 * @param root where /proc and /sys are
 */
export function threadCount(env: NodeJS.ProcessEnv = process.env, root = '/'): number {
  // For nested parallel regions it is a list, of which ours is the first.
  const asked = wholeOf(env.OMP_NUM_THREADS?.split(',')[0]);
  if (asked !== undefined) return asked;
  return Math.max(1, Math.floor(coreCount(root) / processesHere(env)));
}

/** Returns how many threads of the processes of this machine want each core that they may run on; 1 where there is one for each. */
export const crowding = (env: NodeJS.ProcessEnv = process.env, root = '/'): number =>
  Math.max(1, (threadCount(env, root) * processesHere(env)) / coreCount(root));

/** Physical cores that this process and those beside it may run on. */
const coreCount = (root: string): number =>
  Math.min(physicalCores(root) ?? availableParallelism(), cpuQuota(root));

/** How many processes a launcher has started on this machine, this one among them (LOCAL_WORLD_SIZE). */
export const processesHere = (env: NodeJS.ProcessEnv = process.env): number =>
  wholeOf(env.LOCAL_WORLD_SIZE) ?? 1;

function wholeOf(text: string | undefined): number | undefined {
  const value = Number(text?.trim());
  return Number.isInteger(value) && value >= 1 ? value : undefined;
}

function read(root: string, ...path: string[]): string | undefined {
  try {
    return readFileSync(join(root, ...path), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Counts the cores that this process's affinity leaves it; undefined where this is not Linux. */
function physicalCores(root: string): number | undefined {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read(root, 'proc/self/status') ?? '')?.[1];
  if (allowed === undefined) return undefined;
  const cores = new Set(
    listed(allowed).map((cpu) => {
      const topology = join('sys/devices/system/cpu', `cpu${cpu}`, 'topology');
      // The logical processors of a core all name the same set; one without a topology stands for itself.
      return (
        read(root, topology, 'core_cpus_list') ?? read(root, topology, 'thread_siblings_list') ?? `${cpu}`
      );
    }),
  );
  return cores.size;
}

/** The numbers of a list such as "0-3,8". */
function listed(ranges: string): number[] {
  return ranges.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Processors' worth of time that the cgroup and those above it allow; infinite without a limit. */
function cpuQuota(root: string): number {
  const groups = (read(root, 'proc/self/cgroup') ?? '').split('\n').map((line) => line.split(':'));
  const quotas = groups.flatMap(([, controllers = '', path = '/']) => {
    const isFirst = controllers.split(',').includes('cpu');
    if (!isFirst && controllers !== '') return [];
    const mount = join('sys/fs/cgroup', isFirst ? controllers : '');
    return ancestors(path).map((group) =>
      isFirst
        ? quotient(
            read(root, mount, group, 'cpu.cfs_quota_us'),
            read(root, mount, group, 'cpu.cfs_period_us'),
          )
        : quotient(...(read(root, mount, group, 'cpu.max') ?? '').split(' ')),
    );
  });
  return Math.min(Infinity, ...quotas);
}

/** A path and all above it. A container may see a path that is the host's: only the topmost exists there. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, i) => parts.slice(0, parts.length - i).join('/'));
}

/** Quota over period, each in µs; "max" and −1 are no limit. */
function quotient(quota?: string, period?: string): number {
  const [allowed, whole] = [wholeOf(quota), wholeOf(period)];
  return allowed === undefined || whole === undefined ? Infinity : allowed / whole;
}
