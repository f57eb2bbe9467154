/** @file Names temporary files so that a later run knows which of them a killed process has left. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** Processes of other hosts cannot be asked whether they are alive. */
const FOREIGN_MS = 24 * 3_600_000;

/** Containers of one host may share its name and a folder, and have process numbers of their own. */
const host = createHash('sha256').update(`${hostname()} ${processNumbers()}`).digest('hex').slice(0, 8);

function processNumbers(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return ''; // there are none of their own
  }
}

/** The temporary file that takes the place of `path`: `<path>.<host>-<pid>.tmp`. */
export function temporaryName(path: string): string {
  return `${path}.${host}-${process.pid}.tmp`;
}

/** The name of a file that says that this process uses `name`. */
export function useName(name: string): string {
  return `${name}.${host}-${process.pid}.use`;
}

interface Owner {
  target: string;
  host: string;
  pid: number;
}

/** The name that a file of a process stands for and whose it is; undefined for all other files. */
function ownerOf(name: string, ending = 'tmp'): Owner | undefined {
  const parts = /^(.+)\.([0-9a-f]{8})-([0-9]{1,10})\.([a-z]+)$/s.exec(name);
  return parts?.[4] === ending ? { target: parts[1]!, host: parts[2]!, pid: Number(parts[3]) } : undefined;
}

/** The names that processes use by the files of a folder; those of dead processes are removed. */
export function usersOf(folder: string): Set<string> {
  const used = new Set<string>();
  for (const name of namesIn(folder)) {
    const owner = ownerOf(name, 'use');
    if (owner === undefined) continue;
    const path = join(folder, name);
    if (isDead(owner, path)) rmSync(path, { force: true });
    else used.add(owner.target);
  }
  return used;
}

/** Whether a name is that of a temporary file, living or dead. */
export function isTemporary(name: string): boolean {
  return ownerOf(name) !== undefined;
}

/** Whether a file is the temporary one of a process that is alive. */
export function isUnderWay(path: string): boolean {
  const owner = ownerOf(basename(path));
  return owner !== undefined && !isDead(owner, path);
}

/**
 * Makes the temporary file that a dead process has left for `path` that of this process, which goes on with it: of several the
 * largest. Nothing changes where this process has one.
 */
export function takeDeadTemporary(path: string): void {
  const folder = dirname(path);
  const own = temporaryName(path);
  if (existsSync(own)) return;
  const [largest] = namesIn(folder)
    .filter((name) => ownerOf(name)?.target === basename(path) && !isUnderWay(join(folder, name)))
    .map((name) => join(folder, name))
    .sort((a, b) => sizeOf(b) - sizeOf(a));
  if (largest === undefined) return;
  try {
    renameSync(largest, own);
  } catch (error) {
    // Another process has taken it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  removeDeadBeside(path);
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Removes the temporary files that dead processes have left for `path`; without it for every file of the folder. */
export function removeDeadTemporaries(folder: string, path?: string): void {
  for (const name of namesIn(folder)) {
    const owner = ownerOf(name);
    if (owner === undefined || (path !== undefined && owner.target !== basename(path))) continue;
    const file = join(folder, name);
    if (isDead(owner, file)) rmSync(file, { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // nothing can be there, or it cannot be read
  }
}

const isDead = (owner: Owner, file: string): boolean =>
  owner.host === host ? !isAlive(owner.pid) : Date.now() - (touchedAt(file) ?? Infinity) > FOREIGN_MS;

/**
 * The age in milliseconds of a file that another process keeps for `path`, by the clock of the file system: against the file of this
 * process, which has just been touched, since clocks of hosts differ. A process lives as long as it touches its file within
 * `patience`, and one of this host as long as the system says so, too. Files of dead processes are removed.
 */
export function livingOther(path: string, patience: number): { age: number; isHere: boolean } | undefined {
  const folder = dirname(path);
  const own = temporaryName(path);
  const now = touchedAt(own) ?? Date.now(); // where nothing can be written there is no file
  for (const name of namesIn(folder)) {
    const owner = ownerOf(name);
    const file = join(folder, name);
    if (owner?.target !== basename(path) || file === own) continue;
    const then = touchedAt(file);
    if (then === undefined) continue; // it has gone
    const age = Math.max(0, now - then);
    const isHere = owner.host === host;
    if (age < patience && (!isHere || isAlive(owner.pid))) return { age, isHere };
    rmSync(file, { force: true });
  }
  return undefined;
}

/** Whether a living process keeps a file for `path`, as `livingOther` knows it, by this machine's clock. Changes nothing. */
export function isKept(path: string, patience: number): boolean {
  return namesIn(dirname(path)).some((name) => {
    const owner = ownerOf(name);
    if (owner?.target !== basename(path)) return false;
    const then = touchedAt(join(dirname(path), name));
    if (then === undefined || Date.now() - then > patience) return false;
    return owner.host !== host || isAlive(owner.pid);
  });
}

/** Whether a process of this host that has died keeps a file for `path`. Changes nothing. */
export const isLeftBehind = (path: string): boolean =>
  namesIn(dirname(path)).some((name) => {
    const owner = ownerOf(name);
    return owner?.target === basename(path) && owner.host === host && !isAlive(owner.pid);
  });

/** Removes what dead processes have left beside `path` for it. */
export function removeDeadBeside(path: string): void {
  removeDeadTemporaries(dirname(path), path);
}

const touchedAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.mtimeMs;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
