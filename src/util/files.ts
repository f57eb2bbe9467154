import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Calls `fill` with the descriptor of a temporary file beside `path`, then flushes it to disk and renames it:
 * a reader sees the old file or the whole new one. The temporary file is removed when `fill` throws.
 */
export function replaceFile(path: string, fill: (fd: number) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, 'w');
  try {
    try {
      fill(fd);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes all of `bytes` at the descriptor's position (a single `writeSync` may write less). */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(fd, bytes, written, Math.min(bytes.length - written, 1 << 30));
  }
}

/** Reads from `position` on until the buffer is full or the file ends; returns how many bytes were read. */
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
