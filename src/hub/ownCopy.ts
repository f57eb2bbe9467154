/** @file Makes a folder of a model's own where the user wants it: `models get --out`. */
import { constants, copyFileSync, linkSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { explainDiskError } from '../fetch/disk.js';
import { withScratch } from '../fetch/scratch.js';
import { weightFiles } from '../models/directory.js';
import { companionFiles, INDEX_FILE } from '../models/modelFiles.js';
import { makeFolder } from '../util/folders.js';
import { UserError } from '../util/errors.js';
import type { ModelLocation } from './cache.js';
import { statOf } from './names.js';

/** @throws UserError where `out` is something that must not be replaced */
export function requireFree(out: string): void {
  const stats = statOf(out);
  if (stats === undefined) return;
  if (!stats.isDirectory())
    throw new UserError(`${out} is there already and is no folder: name another --out`);
  if (readdirSync(out).length > 0)
    throw new UserError(`${out} is there already and is not empty: name another --out`);
}

/**
 * Puts a model's files into a new folder, in one step. Weights from the cache are hard links where that is possible, so
 * that they take no more space; all else, and what comes from a directory of the user's, is copied.
 */
export async function copyModel(model: ModelLocation, out: string): Promise<ModelLocation> {
  requireFree(out);
  const target = resolve(out);
  const weights = weightFiles(model.path);
  const files = [...companionFiles, INDEX_FILE, ...weights].filter((name) =>
    statOf(join(model.path, name))?.isFile(),
  );
  makeFolder(dirname(target));
  await withScratch(dirname(target), (scratch) => {
    const folder = join(scratch, 'model');
    mkdirSync(folder);
    for (const name of files) {
      const [from, to] = [join(model.path, name), join(folder, name)];
      if (model.source === 'directory' || !weights.includes(name) || !linked(from, to)) copy(from, to);
    }
    requireFree(out);
    renameSync(folder, target);
    return Promise.resolve();
  });
  return { ...model, path: target, didWork: true };
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return statSync(to).isFile();
  } catch {
    return false; // another file system, or one without links
  }
}

function copy(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    throw explainDiskError(error);
  }
}
