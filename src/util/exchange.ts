/** @file Exchanges a folder for a new one by two renames, and ends exchanges between whose renames a process was killed. */
import { existsSync, renameSync } from 'node:fs';
import { explained } from './fileErrors.js';

/** Where the folder is written that is to take the place of `path`. */
export const partialOf = (path: string): string => `${path}.partial`;

/** Where the folder goes that stood at `path`, until it is removed. */
export const earlierOf = (path: string): string => `${path}.earlier.partial`;

/** Puts the new folder, which is whole and on the disk, in the place of `path`; what stood there is beside it then. */
export function exchange(path: string): void {
  explained(path, () => {
    if (existsSync(path)) renameSync(path, earlierOf(path));
    renameSync(partialOf(path), path);
  });
}

/**
 * Ends an exchange that was cut short, given the folder that gave way: where nothing has its place, the new one takes it, which was
 * whole before the other moved, or else the folder itself comes back. Every other folder stays as it is.
 */
export function endExchange(earlier: string): void {
  const path = earlier.replace(/\.earlier\.partial$/, '');
  if (path === earlier || existsSync(path)) return;
  explained(path, () => {
    renameSync(existsSync(partialOf(path)) ? partialOf(path) : earlier, path);
  });
}
