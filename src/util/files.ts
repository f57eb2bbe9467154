/** @file Replaces files in one step, so that no reader sees half of one, and reads and writes whole buffers. */

import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UserError } from './errors.js';
import { explained, explainFileError, requireFree } from './fileErrors.js';
import { makeFolder, removeEmptyFolders, requirePath } from './folders.js';
import { removeDeadBeside, temporaryName } from './temporary.js';

/** Replacements that are under way: what they wrote is removed even when the process exits. */
const underWay = new Set<FileReplacement>();
process.on('exit', () => {
  for (const file of underWay) file[Symbol.dispose]();
});

export interface ReplacementOptions {
  /** Bytes that the file will have at least, where that is known before the work. */
  atLeast?: number;
}

/**
 * Writes a file over time. It replaces `path` in one step when it is whole, so that a reader sees the old file or the
 * whole new one. Until then it is a temporary file beside it, which is removed even when the process exits; one that a
 * killed process left is removed by the next replacement of the same file. A link is followed, permissions are kept.
 * What is no regular file (a device, a pipe) is written to as it is.
 * @throws UserError at once where the path cannot be written or the disk is too small
 */
export class FileReplacement implements Disposable {
  readonly fd: number;
  /** The path of the temporary file; the path itself where it is written to directly. */
  readonly temporary: string;
  readonly #target: string;
  readonly #isDirect: boolean;
  readonly #folders: readonly string[];
  #written = 0;
  #state: 'open' | 'finished' | 'closed' = 'open';

  constructor(
    readonly path: string,
    { atLeast = 0 }: ReplacementOptions = {},
  ) {
    const { path: target, stats, isDirect } = targetOf(path);
    this.#target = target;
    this.#isDirect = isDirect;
    if (isDirect) {
      this.#folders = [];
      this.temporary = target;
      this.fd = explained(path, () => openDirect(target, stats!));
    } else {
      if (stats)
        explained(path, () => {
          accessSync(target, constants.W_OK);
        });
      this.#folders = makeFolder(dirname(target));
      removeDeadBeside(target);
      this.temporary = temporaryName(target);
      try {
        requireFree(target, atLeast, 'the result');
        rmSync(this.temporary, { force: true }); // of a dead process with our number, or a link that somebody laid
        this.fd = openSync(this.temporary, 'wx');
      } catch (error) {
        removeEmptyFolders(this.#folders);
        throw explainFileError(error, { path });
      }
      if (stats) keepOwner(this.fd, this.temporary, stats);
    }
    underWay.add(this);
  }

  write(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    this.fill((fd) => {
      writeAll(fd, bytes);
    });
    this.#written += bytes.length;
  }

  /** Lets `write` write to the descriptor, and says with the path what the file system refuses. */
  fill(write: (fd: number) => void): void {
    try {
      write(this.fd);
    } catch (error) {
      throw explainFileError(error, { path: this.path, written: this.#written });
    }
  }

  /** Flushes the file to disk and renames it. */
  commit(): void {
    this.finish();
    this.replace();
  }

  /** The first half of `commit`: flushes the file to disk, beside its place. */
  finish(): void {
    this.fill((fd) => {
      if (!this.#isDirect) fsyncSync(fd);
      closeSync(fd);
    });
    this.#state = 'finished';
  }

  /** The second half of `commit`: puts a finished file in its place. */
  replace(): void {
    if (!this.#isDirect)
      explained(this.path, () => {
        renameSync(this.temporary, this.#target);
      });
    this.#state = 'closed';
    underWay.delete(this);
  }

  /** Removes what has been written, unless it was committed. */
  [Symbol.dispose](): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') closeSync(this.fd);
    if (!this.#isDirect) {
      rmSync(this.temporary, { force: true });
      removeEmptyFolders(this.#folders);
    }
    this.#state = 'closed';
    underWay.delete(this);
  }
}

/** A file on its way that can be put in place in two halves. */
export type Replacing = Pick<FileReplacement, 'finish' | 'replace'>;

/**
 * Puts files of one result in place together: all are on disk before the first is renamed, so that a process that is
 * killed leaves those of the run before or these. The last of them is what says that the result is whole.
 * @param absent files of an earlier run that this one does not have
 */
export function replaceTogether(files: readonly Replacing[], absent: readonly string[] = []): void {
  for (const file of files) file.finish();
  for (const path of absent) rmSync(path, { force: true });
  for (const file of files) file.replace();
}

/** Replaces the file by what `fill` writes to the descriptor; if it throws, the old file stays. */
export function replaceFile(path: string, fill: (fd: number) => void, options?: ReplacementOptions): void {
  using file = new FileReplacement(path, options);
  file.fill(fill);
  file.commit();
}

/** Writes all of `bytes` at a position, or at the descriptor's own (a single `writeSync` may write less). */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let written = 0; written < bytes.length;) {
    try {
      const count = Math.min(bytes.length - written, 1 << 30);
      written += writeSync(fd, bytes, written, count, position === undefined ? null : position + written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause(PIPE_POLL_MS); // a pipe that is full
    }
  }
}

/** Reads from `position` until the buffer is full or the file ends, and returns the number of bytes read. */
export function readFully(fd: number, buffer: Uint8Array, position: number): number {
  let done = 0;
  while (done < buffer.length) {
    const count = readSync(fd, buffer, done, Math.min(buffer.length - done, 1 << 30), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Replaces the file in one step: temporary file, fsync, rename. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  replaceFile(
    path,
    (fd) => {
      writeAll(fd, bytes);
    },
    { atLeast: bytes.length },
  );
}

const PIPE_POLL_MS = 5;
/** How long a pipe waits for its reader, who is usually started in the same line of the shell. */
const PIPE_READER_MS = 5_000;
const MAX_LINKS = 40;
/** Names of what is open already; behind them may be a file that others append to. */
const OPEN_FILES = /^\/(?:proc|dev\/(?:fd|std(?:in|out|err)))(?:\/|$)/;

/** The place that is to be written. */
interface Target {
  path: string;
  /** What is there already. */
  stats: Stats | undefined;
  /** It is written to as it is, since it is no regular file, or one that is open already. */
  isDirect: boolean;
}

/** Follows links to the place that is to be written, which need not exist. */
function targetOf(path: string): Target {
  requirePath(path);
  return explained(path, () => {
    let target = path;
    for (let links = 0; links < MAX_LINKS; links++) {
      const isOpen = OPEN_FILES.test(resolve(target));
      const stats = (isOpen ? statSync : lstatSync)(target, { throwIfNoEntry: false });
      if (isOpen || !stats?.isSymbolicLink()) {
        if (stats?.isDirectory()) throw new UserError(`${path} is a folder: name a file.`);
        if (stats?.isBlockDevice()) throw new UserError(`${path} is a disk: name a file.`);
        if (isOpen && !stats) throw new UserError(`${path} cannot be used: it is not open.`);
        return { path: target, stats, isDirect: stats !== undefined && (isOpen || !stats.isFile()) };
      }
      target = resolve(realpathSync(dirname(target)), readlinkSync(target));
    }
    throw new UserError(`${path}: its links lead in a circle.`);
  });
}

/** Opens what is written to directly. A pipe without a reader would block the process, signals and all. */
function openDirect(path: string, stats: Stats): number {
  if (!stats.isFIFO()) return openSync(path, constants.O_WRONLY | constants.O_APPEND);
  for (let waited = 0; ; waited += PIPE_POLL_MS) {
    try {
      return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO' || waited >= PIPE_READER_MS) throw error;
      pause(PIPE_POLL_MS);
    }
  }
}

/** Gives the new file the permissions of the old one, and its owner where that is allowed. */
function keepOwner(fd: number, temporary: string, { mode, uid, gid }: Stats): void {
  try {
    chownSync(temporary, uid, gid);
  } catch {
    // Only root may give files away.
  }
  fchmodSync(fd, mode & 0o7777);
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Names a file beside another: `dir/name.jsonl` → `dir/name.<ending>`. */
export function siblingPath(path: string, ending: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  return join(dirname(path), `${dot > 0 ? name.slice(0, dot) : name}.${ending}`);
}
