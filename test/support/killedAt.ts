import type { StartOptions } from './tinyModel.js';

/** Runs before the program: counts what it changes on the disk, and kills the process before one of the changes. */
const hook = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
let left = Number(process.env.KILLED_AT);
const counted = (change) => (...given) => {
  if (left-- === 0) {
    // Both are gone where a machine stops: the process that a command started, and the command.
    if (process.connected) process.kill(process.ppid, 'SIGKILL');
    process.kill(process.pid, 'SIGKILL');
  }
  return change(...given);
};
for (const name of process.env.KILLED_IN.split(' ')) fs[name] = counted(fs[name]);
syncBuiltinESMExports();
`;

const changes = ['renameSync', 'rmSync', 'unlinkSync', 'unlink', 'rmdirSync', 'mkdirSync', 'fsyncSync'];

/**
 * How a program is started so that it is killed before change number `change` that it, or a process that it started, makes to the disk:
 * a file flushed, renamed or removed, a folder made or removed. One that makes fewer changes ends as it does.
 */
export function killedAt(change: number, counted = changes): StartOptions {
  const address = `data:text/javascript,${encodeURIComponent(hook)}`;
  const env = { KILLED_AT: String(change), KILLED_IN: counted.join(' ') };
  return { env: { ...env, NODE_OPTIONS: `--import=${address}` } };
}
