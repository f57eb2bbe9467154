/** @file Makes folders and names the files in them. */
import { lstatSync, mkdirSync, readdirSync, rmdirSync, statSync, type Dirent } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from './errors.js';
import { explainFileError } from './fileErrors.js';

/**
 * Makes a folder and those above it. (The recursive form of `mkdir` never ends below /proc.)
 * @returns the folders that were made, from the top
 * @throws UserError naming the path where one of them is a file or cannot be made
 */
export function makeFolder(path: string): string[] {
  requirePath(path);
  const missing: string[] = [];
  for (let folder = resolve(path); !isThere(folder); folder = dirname(folder)) {
    missing.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  const made: string[] = [];
  try {
    if (missing.length === 0) requireFolder(path, resolve(path));
    else requireFolder(dirname(missing[0]!));
    for (const folder of missing) {
      if (makeOne(folder)) made.push(folder);
    }
  } catch (error) {
    removeEmptyFolders(made);
    throw explainFileError(error, { path });
  }
  return made;
}

/** Finds a name that nothing has: the path itself, or with -2, -3, … behind it. */
export function freeName(path: string): string {
  let name = path;
  for (let n = 2; isThere(name); n++) name = `${path}-${n}`;
  return name;
}

/** Removes those of the folders that are empty, the last first. */
export function removeEmptyFolders(folders: readonly string[]): void {
  for (const folder of folders.toReversed()) {
    try {
      rmdirSync(folder);
    } catch {
      return; // it holds something, or somebody else has removed it
    }
  }
}

/** @throws UserError for what can be no path of a file or a folder */
export function requirePath(path: string): void {
  if (path.trim() === '') throw new UserError('The path to write to is empty: name a file or a folder.');
  if (path.includes('\0')) throw new UserError(`The path ${JSON.stringify(path)} has a NUL character.`);
}

/** A file below a folder: its path with slashes, relative to the folder. */
export interface FolderEntry {
  path: string;
  isFolder: boolean;
}

/** Model folders and checkpoints are flat; a deeper tree is not ours. */
const MAX_DEPTH = 8;

/**
 * Everything below a folder, depth first; links are not followed. A folder that is too deep is given but not entered, and
 * one in it that another process removes meanwhile is empty.
 */
export function* entriesBelow(folder: string, within = '', depth = 0): Generator<FolderEntry> {
  for (const entry of entriesOf(join(folder, within), depth > 0)) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    yield { path, isFolder: entry.isDirectory() };
    if (entry.isDirectory() && depth < MAX_DEPTH) yield* entriesBelow(folder, path, depth + 1);
  }
}

function entriesOf(folder: string, mayBeGone: boolean): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (mayBeGone && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    // Another process may have made it in the meantime.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return false;
    throw error;
  }
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a part of it is a file or cannot be entered; whoever makes the folder is told
  }
}

function requireFolder(path: string, whole = path): void {
  const stats = statSync(whole, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new UserError(`${path} is a link to nothing: remove it, or name another folder.`);
  if (!stats.isDirectory()) throw new UserError(`${path} is a file: name a folder.`);
}
