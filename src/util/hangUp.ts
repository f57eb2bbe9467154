/** @file Tells whether a process was started to outlive its terminal. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** The first signal's bit in the masks of signals that Linux shows. */
const HANG_UP = 1n;

/**
 * Whether the hang-up of the terminal was to be ignored when this process started. Node.js itself heeds it again before any script
 * runs, so signs are left: the command that shells name in `_` is `nohup`, standard input is the one that GNU's `nohup` puts in place
 * of a terminal and nobody can read, or the parent ignores it, as a shell does after `trap '' HUP`.
 * @param _ the variable of that name
 */
export function ignoresHangUp({ _ = '' } = process.env, parent = process.ppid): boolean {
  if (basename(_) === 'nohup') return true;
  const access = Number.parseInt(fieldOf('/proc/self/fdinfo/0', 'flags') ?? '0', 8) & 3;
  const ignored = BigInt(`0x${fieldOf(`/proc/${parent}/status`, 'SigIgn') ?? '0'}`);
  return access === 1 || (ignored & HANG_UP) !== 0n;
}

/** The number that a file of /proc has under a name; undefined where there is no such file. */
function fieldOf(path: string, name: string): string | undefined {
  try {
    return new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(readFileSync(path, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
