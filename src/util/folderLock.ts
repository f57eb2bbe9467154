/** @file Keeps two processes from working in the same folder at once. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from './errors.js';
import { isKept, isLeftBehind, livingOther, temporaryName } from './temporary.js';

/** The locks that the present piece of work is already inside of. */
const held = new AsyncLocalStorage<ReadonlySet<string>>();

/** A process that has a folder touches its file there so often, and counts as dead after so long, where it cannot be asked. */
const TOUCH_MS = 10_000;
const PATIENCE_MS = 60_000;

/** The files by which this process says so, and when it last touched one, by `performance.now`. */
const marks = new Set<string>();
let touchedAt = 0;

/** To be called on the way by work that gives no timer its turn for minutes: others would take this process for dead. */
export function stayAlive(): void {
  if (performance.now() - touchedAt < TOUCH_MS) return;
  for (const mark of marks) touch(mark);
}

/**
 * Runs `work` while no other process does so with the same folder; work inside of it may ask for the folder again. The lock is a
 * socket that listens under a name made from the folder's device and inode, so the system frees it however the process ends;
 * processes of other hosts and containers see a file in the folder that is touched as long as the work goes on.
 * @throws UserError if another process has the lock
 */
export async function withFolder<T>(
  folder: string,
  work: () => Promise<T>,
  platform = process.platform,
): Promise<T> {
  const { dev, ino } = statSync(folder, { bigint: true });
  const digest = createHash('sha256').update(`${dev}:${ino}`).digest('hex');
  const outer = held.getStore() ?? new Set();
  if (outer.has(digest)) return work();
  const address = addressOf(`redistill-${digest.slice(0, 24)}`, platform);
  const server = (await listen(address)) ?? (await listenAfterDeath(address));
  if (server === undefined) {
    throw new UserError(
      `Another process is writing into ${folder}: wait for it, stop it, or choose another --out.`,
    );
  }
  server.unref();
  try {
    return await withMark(join(folder, 'lock'), folder, () => held.run(new Set([...outer, digest]), work));
  } finally {
    server.close();
  }
}

/** Whether a process works with a folder by `withFolder`, this one included. Changes nothing. */
export const isWorkedIn = (folder: string): boolean => isKept(join(folder, 'lock'), PATIENCE_MS);

/** Whether a process of this machine died at its work with a folder by `withFolder`, and none has begun there again. Changes nothing. */
export const isAbandoned = (folder: string): boolean =>
  !isWorkedIn(folder) && isLeftBehind(join(folder, 'lock'));

/**
 * Runs `work` while a file says that it goes on. The file is there before others are looked for: of two that come at once each sees
 * the other, and neither goes on.
 * @throws UserError where another one does
 */
async function withMark<T>(path: string, folder: string, work: () => Promise<T>): Promise<T> {
  const mark = temporaryName(path);
  rmSync(mark, { force: true }); // of a dead process with our number, or a link that somebody laid
  touch(mark);
  let timer: NodeJS.Timeout | undefined;
  try {
    requireNoOther(path, folder);
    timer = setInterval(touch, TOUCH_MS, mark).unref();
    marks.add(mark);
    return await work();
  } finally {
    clearInterval(timer);
    marks.delete(mark);
    rmSync(mark, { force: true });
  }
}

/** @throws UserError where another process keeps a mark */
function requireNoOther(path: string, folder: string): void {
  const other = livingOther(path, PATIENCE_MS);
  if (other?.isHere)
    throw new UserError(
      `Another process is writing into ${folder}: wait for it, stop it, or choose another --out.`,
    );
  if (other) {
    const [ago, left] = [other.age, PATIENCE_MS - other.age].map((ms) => Math.ceil(ms / 1000));
    throw new UserError(
      `A process of another host or container is writing into ${folder} (it was alive ${ago} s ago): wait for it, stop it, or choose another --out. If it is dead, the folder is free in ${left} s.`,
    );
  }
}

/** Gives a mark the time that it is where the file is kept, which this host's clock may not know: its length changes. */
function touch(mark: string): void {
  touchedAt = performance.now();
  try {
    const fd = openSync(mark, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW);
    try {
      ftruncateSync(fd, fstatSync(fd).size === 0 ? 1 : 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Whoever cannot write here will be told by what the work writes.
  }
}

/** Makes the socket's address: on Linux and Windows a name without a file, which ends with the process. */
function addressOf(name: string, platform: NodeJS.Platform): string {
  if (platform === 'linux') return `\0${name}`;
  return platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/** Listens at the address; undefined if it is taken. */
async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => {
      resolve(server);
    });
  });
}

/** Replaces a socket that is a file and outlived a killed process: nobody answers there. Undefined if somebody does. */
async function listenAfterDeath(address: string): Promise<Server | undefined> {
  if (!address.endsWith('.sock') || (await answers(address))) return undefined;
  rmSync(address, { force: true });
  return listen(address);
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => {
      resolve(false);
    });
  });
}
