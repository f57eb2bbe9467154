/** @file Starts processes of Node.js that end with this one. */

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();

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
  child.once('exit', () => running.delete(child));
  return child;
}

/** Kills a process that was started so, if it still runs. */
export function killProcess(child: ChildProcess): void {
  if (running.has(child)) child.kill('SIGKILL');
}

/** Kills all processes that were started so and still run. */
export function killProcesses(): void {
  for (const child of running) child.kill('SIGKILL');
}
