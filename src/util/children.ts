/** @file Starts processes of Node.js that end with this one. */

import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();
/** Bytes that one of them has had at most, beside what this process had then. */
let peakBeside = 0;

/**
 * Starts a module as a process of its own, to which messages can be sent. What it prints goes to this process's standard error, so
 * that standard output holds results only.
 * @param env what its environment has besides this one's
 */
export function startProcess(module: URL, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = fork(fileURLToPath(module), {
    // An inline script's kind is no option of a file.
    execArgv: process.execArgv.filter((option) => !option.startsWith('--input-type')),
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  running.add(child);
  // Its last message comes while it still is there.
  child.on('message', () => (peakBeside = Math.max(peakBeside, process.memoryUsage.rss() + peakOf(child))));
  child.once('exit', () => running.delete(child));
  return child;
}

/** The bytes of memory that this process has had at most: alone, or together with one that it has started so and that sends messages. */
export const peakMemory = (): number => Math.max(process.resourceUsage().maxRSS * 1024, peakBeside);

/** The highest resident memory of a process so far, in bytes; 0 where nobody can tell. */
function peakOf({ pid }: ChildProcess): number {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return 1024 * Number(kilobytes ?? 0);
  } catch {
    return 0;
  }
}

/** Kills a process that was started so, if it still runs. */
export function killProcess(child: ChildProcess): void {
  if (running.has(child)) child.kill('SIGKILL');
}

/** Kills all processes that were started so and still run. */
export function killProcesses(): void {
  for (const child of running) child.kill('SIGKILL');
}
