/** @file Finds the results of redistill under folders that a user names. Reads records alone. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { samplesFile } from '../../evaluate/samples.js';
import { UserError } from '../../util/errors.js';
import { explained } from '../../util/fileErrors.js';
import { recordOf, type FolderRecord } from '../../util/ownFolder.js';

/** A folder of a result. */
export interface FoundFolder {
  dir: string;
  /** By which people know it: its place under the folder that was named. */
  name: string;
  record: FolderRecord;
}

/** Commands whose folders hold folders of other results. */
export const HOLDERS = ['run', 'study', 'benchmark'];
const MAX_DEPTH = 8;
const MAX_FOLDERS = 20_000;

/**
 * Finds all results in and under folders, stages in the order of their recipe, others in that of their names.
 * @param notes takes what could not be looked at, a sentence each
 * @throws UserError for a folder that is not there, and where there is no result at all
 */
export function findResults(dirs: readonly string[], notes: string[] = []): FoundFolder[] {
  const found = new Map<string, FoundFolder>();
  const names = namesOf(dirs);
  for (const dir of dirs) {
    if (!explained(dir, () => statSync(dir)).isDirectory())
      throw new UserError(`${dir} is a file: name the folder of a run, of a training or of an evaluation.`);
    const before = found.size;
    const isKnown = found.has(resolve(dir));
    for (const one of resultsBelow(dir, {
      notes,
      ...(dirs.length > 1 && { name: names.get(resolve(dir)) }),
    })) {
      const key = resolve(one.dir);
      if (!found.has(key)) found.set(key, one);
    }
    if (found.size === before && !isKnown)
      throw new UserError(
        `${dir} holds no result of redistill: name the folder of a run, of a training or of an evaluation.`,
      );
  }
  return [...found.values()];
}

/** The folders among what a user has named, where there are any: files beside them are rows that records name. */
export function foldersAmong(paths: readonly string[]): readonly string[] {
  const folders = paths.filter((path) => !statSync(path, { throwIfNoEntry: false })?.isFile());
  return folders.length > 0 ? folders : paths;
}

/** The folders of single results among them: what is added to one changes it. */
export const singleResults = (paths: readonly string[]): string[] =>
  findResults(foldersAmong(paths)).flatMap(({ dir, record }) =>
    HOLDERS.includes(record.command) ? [] : [dir],
  );

/**
 * Names of folders that are told from each other: their last parts, as many as that takes.
 * @returns by the whole path of each
 */
export function namesOf(dirs: readonly string[]): Map<string, string> {
  const paths = [...new Set(dirs.map((dir) => resolve(dir)))];
  const last = (path: string, parts: number) => path.split(sep).filter(Boolean).slice(-parts).join(sep);
  return new Map(
    paths.map((path) => {
      let parts = 1;
      const isShared = () =>
        paths.some((other) => other !== path && last(other, parts) === last(path, parts));
      while (isShared() && parts < path.split(sep).length) parts++;
      return [path, last(path, parts)];
    }),
  );
}

export interface Looking {
  /** What the folder is called, where it is one of several: what is in it is called after it. */
  name?: string | undefined;
  /** Reads a folder's record, or knows it already. */
  recordIn?: (dir: string) => FolderRecord | undefined;
  /** Takes what could not be looked at, a sentence each. */
  notes?: string[];
}

/** Goes through a folder. @throws UserError where it cannot be read; what is in it and cannot be read is left out */
export function* resultsBelow(
  top: string,
  { name: own, recordIn = recordOf, notes = [] }: Looking = {},
): Generator<FoundFolder> {
  const open = [{ dir: top, depth: 0 }];
  for (let seen = 0; open.length > 0; seen++) {
    if (seen === MAX_FOLDERS) {
      notes.push(`${top} holds more than ${MAX_FOLDERS} folders: what is in the others is left out.`);
      return;
    }
    const { dir, depth } = open.pop()!;
    const record = recordIn(dir) ?? unsigned(dir);
    const below = relative(top, dir);
    if (record)
      yield { dir, name: below === '' ? (own ?? basename(resolve(top))) : join(own ?? '', below), record };
    if ((record && !HOLDERS.includes(record.command)) || depth === MAX_DEPTH) continue;
    for (const name of inOrder(depth === 0 ? foldersIn(dir) : readable(dir, notes), record).toReversed())
      open.push({ dir: join(dir, name), depth: depth + 1 });
  }
}

/** The folders in one; none, and said, where it cannot be read: it may be somebody else's, or gone by now. */
function readable(dir: string, notes: string[]): string[] {
  try {
    return foldersIn(dir);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notes.push(`What is in a folder is left out: ${error.message}`);
    return [];
  }
}

/** The folders in one, without hidden ones and links, in the order of their names. */
const foldersIn = (dir: string): string[] =>
  explained(dir, () => readdirSync(dir, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();

/** What the library has left without a record. */
function unsigned(dir: string): FolderRecord | undefined {
  const has = (name: string) => existsSync(join(dir, name));
  if (has(samplesFile)) return { command: 'evaluate' };
  return has('metrics.jsonl') ? { command: 'train' } : undefined;
}

const pipeline = z.object({ recipe: z.object({ stages: z.array(z.object({ name: z.string() })) }) });

/** Folders of stages in the order of the recipe, others behind them. */
function inOrder(names: readonly string[], record: FolderRecord | undefined): string[] {
  const stages = pipeline.safeParse(record).data?.recipe.stages.map(({ name }) => name) ?? [];
  const known = stages.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !known.includes(name))];
}

/** The time of the newest of some files; undefined where none is there. */
export function newestOf(paths: readonly string[]): Date | undefined {
  const times = paths.filter((path) => existsSync(path)).map((path) => statSync(path).mtimeMs);
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
