/** @file Results in folders: which folder is ours to write into, what made it, and what in it we may remove. */
import {
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlink,
  unlinkSync,
} from 'node:fs';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from './errors.js';
import { explained, explainFileError } from './fileErrors.js';
import { FileReplacement, writeFileAtomic } from './files.js';
import { endExchange } from './exchange.js';
import { parsePlainJson } from './exactJson.js';
import { withFolder } from './folderLock.js';
import { entriesBelow, makeFolder, removeEmptyFolders, requirePath, type FolderEntry } from './folders.js';
import { isTemporary, removeDeadTemporaries } from './temporary.js';

/** The file in every folder of results that says what made it. A folder without it is not ours. */
export const RECORD = 'redistill.json';
const MAX_RECORD_BYTES = 1 << 24;

const removeSoon = promisify(unlink);

/** How a command uses its folder. */
export interface FolderUse {
  /** A folder belongs to one command: results of another one are not written over. */
  command: string;
  /** The files that the command may write, relative to the folder; `*` stands for any part of one name. */
  writes: readonly string[];
  /** Files that only a command that was killed leaves; they are removed, but for those of an exchange of folders that was cut short. */
  scratch?: readonly string[];
  /** What made the folder: version, settings, digests of what was read. Plain data. */
  record: Readonly<Record<string, unknown>>;
}

/**
 * Runs `work` with a folder that is ours: one that is made now, is empty (hidden files do not count), or holds the
 * record of the same command. The record is written before the work; where nothing came of a new folder it is removed.
 * No other process of this machine has the folder in the meantime.
 * @throws UserError for every other folder, and where something that is not ours stands in the place of a file
 */
export async function withOwnFolder<T>(path: string, use: FolderUse, work: () => Promise<T>): Promise<T> {
  requirePath(path);
  const folder = normalize(path); // as `join` does for the files: the system takes `..` after a link for another folder
  const made = makeFolder(folder);
  try {
    requireOwn(folder, use); // the lock writes into it; what another process makes of it meanwhile is looked at again
    return await withFolder(folder, async () => {
      const isNew = requireOwn(folder, use);
      removeScratch(folder, use);
      if (isNew) writeRecord(folder, use);
      try {
        const result = await work();
        if (!isNew) writeRecord(folder, use); // until there is a new result, the record is that of the old one
        return result;
      } catch (error) {
        if (isNew && contentsOf(folder).every((name) => name === RECORD)) removeFile(join(folder, RECORD));
        throw error;
      }
    });
  } catch (error) {
    removeEmptyFolders(made);
    throw error;
  }
}

/**
 * Runs `work` on the result that a command has left in a folder, while no other process of this machine has the folder.
 * @throws UserError for a folder in which the command has left none
 */
export async function withResultOf<T>(command: string, folder: string, work: () => Promise<T>): Promise<T> {
  if (commandOf(folder) !== command)
    throw new UserError(
      `${folder} is no folder of a result of \`${command}\`: there is no ${RECORD} of it in there.`,
    );
  return withFolder(folder, work);
}

/** A folder's record, if it has one, with settings that have changed since, on its way into the place of the old one. */
export function amendedRecord(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): FileReplacement | undefined {
  const record = recordOf(folder);
  if (record === undefined) return undefined;
  const amended = { ...record, settings: { ...(record.settings as object | undefined), ...settings } };
  const file = new FileReplacement(join(folder, RECORD));
  file.write(`${JSON.stringify(amended, null, 2)}\n`);
  return file;
}

/**
 * Removes a folder of ours with everything that the command has written.
 * @throws UserError naming a file that it has not written; then nothing is removed
 */
export function removeOwn(folder: string, use: Pick<FolderUse, 'command' | 'writes' | 'scratch'>): void {
  remove(folder, requireRemovable(folder, use) ?? []);
}

/**
 * Finds everything in a folder that is about to be removed; undefined where there is no folder.
 * @throws UserError where it was not made by the command, or naming a file in it that the command has not written
 */
export function requireRemovable(
  folder: string,
  { command, writes, scratch = [] }: Pick<FolderUse, 'command' | 'writes' | 'scratch'>,
): FolderEntry[] | undefined {
  if (!isFolderItself(folder)) return undefined;
  requireOwn(folder, { command, writes, scratch });
  return requireKnown(folder, [...writes, ...scratch, RECORD]);
}

/**
 * Finds everything in a folder that is about to be removed; undefined where there is no folder.
 * @throws UserError naming a file that is none of `files`
 */
export function requireKnown(folder: string, files: readonly string[]): FolderEntry[] | undefined {
  if (!isFolderItself(folder)) return undefined;
  const isKnown = matcher(files);
  const found = [...explained(folder, () => entriesBelow(folder))];
  const stranger = found.find((entry) => !isKnown(entry) && !isTemporary(entry.path));
  if (stranger)
    throw new UserError(
      `${join(folder, stranger.path)} is in the way: redistill has not written it, and ${folder} is about to be replaced. Move it to another folder.`,
    );
  return found;
}

/**
 * Whether there is a folder at a path that is about to be removed.
 * @throws UserError for a link: what it leads to is somebody else's, whatever it looks like
 */
function isFolderItself(path: string): boolean {
  const stats = explained(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (stats?.isSymbolicLink())
    throw new UserError(
      `${path} is a link, and the folder that it leads to would be replaced: remove the link, or name another folder for the result.`,
    );
  return stats !== undefined;
}

/** Removes a folder that holds no other files than these. @throws as `requireKnown`; then nothing is removed */
export function removeKnown(folder: string, files: readonly string[]): void {
  remove(folder, requireKnown(folder, files) ?? []);
}

/** The same while the program goes on: the system takes its time over a large file. */
export async function removeKnownMeanwhile(folder: string, files: readonly string[]): Promise<void> {
  for (const { path, isFolder } of requireKnown(folder, files) ?? [])
    if (!isFolder)
      await removeSoon(join(folder, path)).catch((error: unknown) => {
        throw explainFileError(error);
      });
  removeKnown(folder, files);
}

/**
 * Takes the name from a folder that is about to be removed: a process that is killed meanwhile leaves no half of one.
 * @returns its path now
 */
export function giveWay(path: string, files: readonly string[]): string {
  const removed = `${path}.removed.partial`; // one that is exchanged has another: it may be the only whole one
  removeKnown(removed, files);
  requireKnown(path, files);
  explained(path, () => {
    renameSync(path, removed);
  });
  return removed;
}

/** Removes entries, the record last: without it what a killed process has left would be taken for somebody else's. */
function remove(folder: string, found: readonly FolderEntry[]): void {
  const isRecord = ({ path }: FolderEntry) => path === RECORD;
  const others = found.filter((entry) => !isRecord(entry)).toReversed();
  for (const { path, isFolder } of [...others, ...found.filter(isRecord)]) {
    if (isFolder) rmdirSync(join(folder, path));
    else removeFile(join(folder, path));
  }
  removeEmptyFolders([folder]);
}

/**
 * Whether a folder is new: nothing stands in it.
 * @throws UserError where it is not ours
 */
function requireOwn(
  folder: string,
  { command, writes, scratch = [] }: Pick<FolderUse, 'command' | 'writes' | 'scratch'>,
): boolean {
  const contents = explained(folder, () => contentsOf(folder));
  const maker = commandOf(folder);
  if (maker !== undefined && maker !== command)
    throw new UserError(
      `${folder} holds a result of \`${maker}\`: name another folder for that of \`${command}\`.`,
    );
  if (maker === undefined && contents.length > 0)
    throw new UserError(
      `${folder} was not made by redistill and is not empty (it holds ${contents[0]!}): name a new folder or an empty one.`,
    );
  const places = new Set(writes.filter((path) => !path.includes('*')));
  const isOurs = matcher([...writes, ...scratch]);
  for (const { path, isFolder } of entriesBelow(folder)) {
    if (isFolder && places.has(path))
      throw new UserError(
        `${join(folder, path)} is a folder, and \`${command}\` writes a file of that name: move it away.`,
      );
    if (!isFolder && isOurs({ path, isFolder: true }))
      throw new UserError(
        `${join(folder, path)} is a file or a link, and \`${command}\` makes a folder of that name: move it away.`,
      );
  }
  return contents.length === 0;
}

/** The names in a folder, without hidden ones and what file systems put there. */
function contentsOf(folder: string): string[] {
  return readdirSync(folder).filter(
    (name) => !name.startsWith('.') && name !== 'lost+found' && !isTemporary(name),
  );
}

/** The command whose record is in a folder; undefined where there is none. */
export function commandOf(folder: string): string | undefined {
  return recordOf(folder)?.command;
}

export interface FolderRecord extends Record<string, unknown> {
  command: string;
}

/** The record in a folder; undefined where there is none. */
export function recordOf(folder: string): FolderRecord | undefined {
  const path = join(folder, RECORD);
  try {
    if (statSync(path).size > MAX_RECORD_BYTES) return undefined;
    const record = parsePlainJson(readFileSync(path, 'utf8')) as Record<string, unknown> | null;
    if (record?.made_by !== 'redistill' || typeof record.command !== 'string') return undefined;
    return { ...record, command: record.command };
  } catch {
    return undefined;
  }
}

function writeRecord(folder: string, { command, record }: FolderUse): void {
  const text = JSON.stringify({ made_by: 'redistill', command, ...record }, null, 2);
  writeFileAtomic(join(folder, RECORD), `${text}\n`);
}

/** Ends exchanges of folders that were cut short, and removes what a killed process has left. */
function removeScratch(folder: string, { writes, scratch = [] }: FolderUse): void {
  const [isOurs, isScratch] = [matcher([...writes, ...scratch]), matcher(scratch)];
  removeDeadTemporaries(folder);
  for (const { path, isFolder } of [...entriesBelow(folder)])
    if (isFolder && isScratch({ path, isFolder })) endExchange(join(folder, path));
  for (const entry of [...entriesBelow(folder)].toReversed()) {
    const path = join(folder, entry.path);
    if (!entry.isFolder && isScratch(entry)) removeFile(path);
    if (entry.isFolder && isOurs(entry)) removeDeadTemporaries(path);
    if (entry.isFolder && isScratch(entry)) removeEmptyFolders([path]);
  }
}

function removeFile(path: string): void {
  explained(path, () => {
    unlinkSync(path);
  });
}

/** Tells whether an entry is one of the files, or a folder of one. */
function matcher(files: readonly string[]): (entry: FolderEntry) => boolean {
  const pattern = (path: string) =>
    new RegExp(`^${path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`, 's');
  const parents = files.flatMap((path) => {
    const parts = path.split('/');
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'));
  });
  const [fileNames, folderNames] = [files.map(pattern), parents.map(pattern)];
  return ({ path, isFolder }) => (isFolder ? folderNames : fileNames).some((name) => name.test(path));
}
