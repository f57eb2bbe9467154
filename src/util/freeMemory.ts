/** @file Finds how much memory a process can still take. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Bytes that this process can still take: what the machine has available, and what is left of the limits of its control groups
 * (a container's), whichever is less. Infinity where nobody can tell.
 * @param root where /proc and /sys are
 */
export function freeMemory(root = '/'): number {
  const meminfo = readText(join(root, 'proc/meminfo'));
  const kilobytes = (field: string) => numberIn(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'), meminfo);
  const available = kilobytes('MemAvailable') ?? Infinity;
  return Math.min(1024 * (available + (kilobytes('SwapFree') ?? 0)), leftOfGroups(root));
}

function leftOfGroups(root: string): number {
  const groups = readText(join(root, 'proc/self/cgroup'));
  const second = /^0::(.*)$/m.exec(groups)?.[1];
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(groups)?.[1];
  return Math.min(
    // Within a container its own group is the root of what is shown.
    ...['', ...pathsTo(second)].map((path) =>
      leftOf(join(root, 'sys/fs/cgroup', path), 'memory.max', 'memory.current', 'inactive_file'),
    ),
    ...['', ...pathsTo(first)].map((path) =>
      leftOf(
        join(root, 'sys/fs/cgroup/memory', path),
        'memory.limit_in_bytes',
        'memory.usage_in_bytes',
        'total_inactive_file',
      ),
    ),
  );
}

/** A group's path and those of the groups around it, each of which has a limit of its own. */
function pathsTo(path = ''): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** What a group may still take; pages of files that nobody looks at give way. */
function leftOf(folder: string, limitFile: string, usedFile: string, givesWay: string): number {
  const limit = numberIn(/^(\d+)/, readText(join(folder, limitFile)));
  const used = numberIn(/^(\d+)/, readText(join(folder, usedFile)));
  if (limit === undefined || used === undefined) return Infinity;
  const files = numberIn(new RegExp(`^${givesWay} (\\d+)`, 'm'), readText(join(folder, 'memory.stat'))) ?? 0;
  return Math.max(0, limit - used + files);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function numberIn(pattern: RegExp, text: string): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
