/** @file Replaces files in one step, so that no reader sees half of one, and reads and writes whole buffers. */

import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes a file over time. It replaces `path` in one step when it is whole, so that a reader sees the old file or the
 * whole new one. Until then it is a temporary file beside it, which is removed even when the process exits.
 */
export class FileReplacement implements Disposable {
  readonly fd: number;
  /** The path of the temporary file. */
  readonly temporary: string;
  #open = true;
  readonly #discard = () => {
    this[Symbol.dispose]();
  };

  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.temporary = `${path}.${process.pid}.tmp`;
    this.fd = openSync(this.temporary, 'w');
    process.on('exit', this.#discard);
  }

  write(text: string): void {
    writeAll(this.fd, Buffer.from(text, 'utf8'));
  }

  /** Flushes the file to disk and renames it. */
  commit(): void {
    fsyncSync(this.fd);
    this.#close();
    try {
      renameSync(this.temporary, this.path);
    } catch (error) {
      rmSync(this.temporary, { force: true });
      throw error;
    }
  }

  /** Removes what has been written, unless it was committed. */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#close();
    rmSync(this.temporary, { force: true });
  }

  #close(): void {
    this.#open = false;
    process.off('exit', this.#discard);
    closeSync(this.fd);
  }
}

/** Replaces the file by what `fill` writes to the descriptor; if it throws, the old file stays. */
export function replaceFile(path: string, fill: (fd: number) => void): void {
  using file = new FileReplacement(path);
  fill(file.fd);
  file.commit();
}

/** Writes all of `bytes` at the descriptor's position (a single `writeSync` may write less). */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(fd, bytes, written, Math.min(bytes.length - written, 1 << 30));
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
  replaceFile(path, (fd) => {
    writeAll(fd, typeof data === 'string' ? Buffer.from(data, 'utf8') : data);
  });
}
