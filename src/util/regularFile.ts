/** @file Opens and reads what must be a file: a device or a pipe of that name would block or never end. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { formatBytes } from './bytes.js';
import { messageOf, UserError } from './errors.js';
import { readFully } from './files.js';

/** Opens a file for reading. @throws UserError for what is absent, closed to this user, or no file */
export function openRegular(path: string): { fd: number; size: number } {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // opening a pipe would wait for a writer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UserError(`${path} does not exist`);
    throw new UserError(`cannot open ${path} (${messageOf(error)})`);
  }
  const stats = fstatSync(fd);
  if (stats.isFile()) return { fd, size: stats.size };
  closeSync(fd);
  throw new UserError(`${path} is ${stats.isDirectory() ? 'a folder' : 'a device or a pipe'}, not a file`);
}

/** Reads a whole file of at most `limit` bytes as UTF-8. @throws UserError for what is no such file, or is larger */
export function readRegular(path: string, limit: number): string {
  const { fd, size } = openRegular(path);
  try {
    if (size > limit)
      throw new UserError(
        `${path} has ${formatBytes(size)}, too much for such a file (at most ${formatBytes(limit)})`,
      );
    const bytes = Buffer.alloc(size);
    return bytes.toString('utf8', 0, readFully(fd, bytes, 0));
  } finally {
    closeSync(fd);
  }
}
