/** @file Finds the results of redistill under folders that a user names. Reads records alone. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
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
const HOLDERS = ['run', 'study', 'benchmark'];
const MAX_DEPTH = 8;
const MAX_FOLDERS = 20_000;

/**
 * Finds all results in and under folders, stages in the order of their recipe, others in that of their names.
 * @throws UserError for a folder that is not there, and where there is no result at all
 */
export function findResults(dirs: readonly string[]): FoundFolder[] {
  const found = new Map<string, FoundFolder>();
  for (const dir of dirs) {
    if (!explained(dir, () => statSync(dir)).isDirectory())
      throw new UserError(`${dir} is a file: name the folder of a run, of a training or of an evaluation.`);
    const before = found.size;
    const isKnown = found.has(resolve(dir));
    for (const one of resultsBelow(dir, dirs.length > 1)) {
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

/** Goes through a folder. @param recordIn reads a folder's record, or knows it already */
export function* resultsBelow(
  top: string,
  isOneOfSeveral: boolean,
  recordIn: (dir: string) => FolderRecord | undefined = recordOf,
): Generator<FoundFolder> {
  const open = [{ dir: top, depth: 0 }];
  for (let seen = 0; open.length > 0 && seen < MAX_FOLDERS; seen++) {
    const { dir, depth } = open.pop()!;
    const record = recordIn(dir) ?? unsigned(dir);
    const below = relative(top, dir);
    const own = basename(resolve(top));
    if (record) yield { dir, name: below === '' ? own : isOneOfSeveral ? join(own, below) : below, record };
    if ((record && !HOLDERS.includes(record.command)) || depth === MAX_DEPTH) continue;
    for (const name of inOrder(foldersIn(dir), record).toReversed())
      open.push({ dir: join(dir, name), depth: depth + 1 });
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
