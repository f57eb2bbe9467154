import type { StartOptions } from './tinyModel.js';

/** Runs before the program: counts what it changes on the disk, and kills the process before one of the changes. */
const hook = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
let left = Number(process.env.KILLED_AT);
const counted = (change) => (...given) => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
  return change(...given);
};
if (isMainThread) {
  for (const name of ['renameSync', 'rmSync', 'unlinkSync', 'rmdirSync', 'mkdirSync', 'fsyncSync'])
    fs[name] = counted(fs[name]);
  for (const name of ['rename', 'rm', 'unlink', 'mkdir']) fs.promises[name] = counted(fs.promises[name]);
  const open = fs.openSync;
  const created = counted(open);
  fs.openSync = (path, flags, ...more) =>
    (typeof flags === 'string' && flags !== 'r' ? created : open)(path, flags, ...more);
  syncBuiltinESMExports();
}
`;

/**
 * How a program is started so that it is killed before its change number `change` to the disk: a file made, flushed,
 * renamed or removed, a folder made or removed. One that makes fewer changes ends as it does.
 */
export function killedAt(change: number): StartOptions {
  const address = `data:text/javascript,${encodeURIComponent(hook)}`;
  return { env: { KILLED_AT: String(change), NODE_OPTIONS: `--import=${address}` } };
}
