/** @file Makes a folder of a model's own where the user wants it: `models get --out` and `models merge`. */
import { constants, copyFileSync, linkSync, lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, resolve } from 'node:path';
import { removeStaleScratch, withScratch } from '../fetch/scratch.js';
import { weightFiles } from '../models/directory.js';
import { isAdapter } from '../models/adapterFiles.js';
import { ADAPTER_CONFIG, companionFiles, INDEX_FILE } from '../models/modelFiles.js';
import { UserError } from '../util/errors.js';
import { explained } from '../util/fileErrors.js';
import { makeFolder, removeEmptyFolders, requirePath } from '../util/folders.js';
import type { ModelLocation } from './cache.js';
import { statOf } from './names.js';
import { resolveModel } from './resolve.js';

/** @throws UserError where `out` is something else than a new or empty folder */
export function requireNewFolder(path: string): void {
  requirePath(path);
  const out = normalize(path); // as `join` has it for the files, `..` after a link too
  explained(out, () => {
    if (lstatSync(out, { throwIfNoEntry: false }) === undefined) return;
    if (statOf(out)?.isDirectory() !== true)
      throw new UserError(`${out} is there already and is no folder: name another --out`);
    removeStaleScratch(out); // of a copy that was killed
    requireNothingIn(out);
  });
}

/** @param except the name of what is ours in the folder */
function requireNothingIn(out: string, except?: string): void {
  if (readdirSync(out).some((name) => name !== except))
    throw new UserError(`${out} is there already and is not empty: name another --out`);
}

/**
 * Puts a model's files into a new or empty folder; if that fails, the folder is as it was. Weights from the cache are hard
 * links where that is possible, so that they take no more space; all else, and what comes from a directory of the user's,
 * is copied.
 */
export async function copyModel(model: ModelLocation, path: string): Promise<ModelLocation> {
  const weights = weightFiles(model.path);
  const files = [...companionFiles, INDEX_FILE, ...weights].filter((name) =>
    statOf(join(model.path, name))?.isFile(),
  );
  const out = await intoNewFolder(path, (scratch, out) => {
    for (const name of files) {
      const [from, to] = [join(model.path, name), join(scratch, name)];
      makeFolder(dirname(to));
      if (model.source !== 'directory' && weights.includes(name) && linked(from, to)) continue;
      explained(join(out, name), () => {
        copyFileSync(from, to, constants.COPYFILE_FICLONE);
      });
    }
  });
  return { ...model, path: out, didWork: true };
}

/** Makes a folder of its own, new or empty, of an adapter and its base: a model whose weights are both. */
export async function mergeAdapter(name: string, path: string): Promise<string> {
  requireNewFolder(path);
  if (!isAdapter(name))
    throw new UserError(`${name} is no adapter: it has no ${ADAPTER_CONFIG}, or weights beside it`);
  const dir = await resolveModel(name);
  const { loadModel, saveModel } = await import('../models/checkpoint.js'); // loads libtorch
  return intoNewFolder(path, (scratch) => {
    const loaded = loadModel(dir, { dtype: 'f32' });
    try {
      saveModel(loaded, scratch);
    } finally {
      loaded.model[Symbol.dispose]();
    }
  });
}

/**
 * Has a model's files written into a scratch folder, and puts them into a new or empty folder; if that fails, the folder is as it
 * was.
 * @returns the folder's absolute path
 */
async function intoNewFolder(path: string, write: (scratch: string, out: string) => void): Promise<string> {
  requireNewFolder(path);
  const out = normalize(path);
  const made = makeFolder(out);
  try {
    await withScratch(out, (scratch) => {
      write(scratch, out);
      requireNothingIn(out, basename(scratch));
      // Weights come last: a folder without them is no model.
      const isWeights = (name: string) => Number(name.endsWith('.safetensors'));
      for (const name of readdirSync(scratch).sort((a, b) => isWeights(a) - isWeights(b)))
        renameSync(join(scratch, name), join(out, name));
      return Promise.resolve();
    });
  } catch (error) {
    removeEmptyFolders(made);
    throw error;
  }
  return resolve(out);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return statSync(to).isFile();
  } catch {
    return false; // another file system, or one without links
  }
}
