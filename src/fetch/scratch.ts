/** @file Gives work a scratch folder that is always removed, and a lock that other processes respect. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError, messageOf } from '../util/errors.js';
import { makeFolder } from '../util/folders.js';
import { onTermination } from './termination.js';

const SCRATCH_PREFIX = '.scratch-';
/** Age at which folders of other hosts are removed, since it is unknown whether their processes are alive. */
const FOREIGN_SCRATCH_MS = 24 * 3_600_000;
const HEARTBEAT_MS = 5_000;
const SILENT_LOCK_MS = 60_000;
const POLL_MS = 250;

/**
 * Gives `work` a new folder inside `parent` and removes what is left of it afterwards: after a result, an error or a
 * signal. What is to be kept is renamed out of it, which works since it is on the file system of `parent`.
 */
export async function withScratch<T>(parent: string, work: (scratch: string) => Promise<T>): Promise<T> {
  makeDir(parent);
  const scratch = mkdtempSync(join(parent, `${SCRATCH_PREFIX}${hostname()}-${process.pid}-`));
  const remove = { recursive: true, force: true, maxRetries: 3 };
  const forget = onTermination(() => {
    rmSync(scratch, remove);
  });
  try {
    return await work(scratch);
  } finally {
    forget();
    await rm(scratch, remove);
  }
}

/** Removes the scratch folders in `parent` whose process is no longer alive (killed, power cut). */
export function removeStaleScratch(parent: string): void {
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    return;
  }
  for (const name of names) {
    const parts = name.startsWith(SCRATCH_PREFIX)
      ? /^(.*)-(\d+)-[^-]*$/.exec(name.slice(SCRATCH_PREFIX.length))
      : null;
    if (parts === null) continue;
    const path = join(parent, name);
    const dead = parts[1] === hostname() && !isAlive(Number(parts[2]));
    if (dead || ageOf(path) > FOREIGN_SCRATCH_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Runs `work` while no other process runs it under the same lock file. The lock only saves a second download: results
 * are put in place by rename, so that two holders (a suspended process that continues late) do no harm. A lock whose
 * process is dead, or that has not been touched for a minute, is taken over.
 */
export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  makeDir(dirname(path));
  const content = JSON.stringify({ host: hostname(), pid: process.pid, id: Math.random() });
  for (let waiting = false; !tryCreate(path, content);) {
    if (isAbandoned(path)) {
      rmSync(path, { force: true });
      continue;
    }
    if (!waiting) onWait();
    waiting = true;
    await sleep(POLL_MS);
  }
  const release = (): void => {
    if (readIfThere(path) === content) rmSync(path, { force: true });
  };
  const forget = onTermination(release);
  const heartbeat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Another process took the lock over; both may continue.
    }
  }, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    forget();
    release();
  }
}

/** Removes a lock file whose process is dead or has fallen silent, such as one that was killed with its work done. */
export function removeAbandonedLock(path: string): void {
  if (existsSync(path) && isAbandoned(path)) rmSync(path, { force: true });
}

function makeDir(path: string): void {
  try {
    makeFolder(path);
  } catch (error) {
    throw new UserError(
      `cannot create the cache folder ${path} (${messageOf(error)}): set XDG_CACHE_HOME to a folder you can write to`,
    );
  }
}

function tryCreate(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new UserError(
      `cannot write ${path} (${messageOf(error)}): set XDG_CACHE_HOME to a folder you can write to`,
    );
  }
}

function isAbandoned(path: string): boolean {
  if (ageOf(path) > SILENT_LOCK_MS) return true;
  const text = readIfThere(path);
  const owner = text === undefined ? null : /^\{"host":"([^"]*)","pid":(\d+)/.exec(text);
  return owner !== null && owner[1] === hostname() && !isAlive(Number(owner[2]));
}

/** Returns the milliseconds since the last change; 0 for a path that was just removed. */
function ageOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : Date.now() - stats.mtimeMs;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
