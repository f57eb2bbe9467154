/** @file Finds the model that a setting names among what is on this machine. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../util/errors.js';
import { nearestOf } from '../util/nearest.js';
import { silentProgress, type Progress } from '../util/progress.js';
import { isAdapter } from '../models/adapterFiles.js';
import { adaptedDirectory, adapterProblem } from './adapter.js';
import { cacheEntry, modelCache, readCached } from './cache.js';
import { modelNamed, packagedModels } from './names.js';

/**
 * Returns the directory of a model: of a directory itself, of an adapter's one with its base's files (`adaptedDirectory`), of a
 * `.gguf` file its converted copy, which is made if need be, and of a name (`smollm2-135m`, `owner/name[@revision]`) what
 * `models get` has put into the cache. Nothing is downloaded.
 * @throws UserError that says what is there instead, and how to get the model
 */
export async function resolveModel(name: string, progress: Progress = silentProgress): Promise<string> {
  const problem = modelProblem(name);
  if (problem !== undefined) throw new UserError(problem);
  const { kind } = modelNamed(name)!;
  if (kind === 'directory' && isAdapter(name)) return adaptedDirectory(name);
  if (kind !== 'gguf') return modelInput(name);
  const { getModel } = await import('./get.js');
  return (await getModel(name, { progress, offline: true })).path;
}

/**
 * Says why `resolveModel` would refuse a name; undefined if it would not, as far as can be told without reading the
 * model's files.
 */
export function modelProblem(name: string): string | undefined {
  const named = modelNamed(name);
  switch (named?.kind) {
    case 'gguf':
      return undefined;
    case 'directory':
      if (isAdapter(name)) return adapterProblem(name);
      return looksLikeModel(name)
        ? undefined
        : `${name} is not a model directory (it has neither config.json nor tokenizer.json)${nearby(name)}`;
    case 'other':
      return `${name} is neither a model directory nor a .gguf file`;
    case 'package':
      return modelInput(name) === name
        ? `${name} is not on this machine yet: run \`redistill models get ${name}\` first`
        : undefined;
    case 'hub':
      return modelInput(name) === name
        ? `There is neither a directory ${name} nor a model of that name in the cache: ` +
            `\`redistill models get ${name}\` fetches it if it is a repository of the hub${nearby(name, '; nearby')}`
        : undefined;
    default:
      return (
        `There is no ${name}: \`redistill models get NAME${name.endsWith('.gguf') ? '' : ` --out ${name}`}\` makes a ` +
        `model directory of ${Object.keys(packagedModels).join(', ')}, a Hugging Face repository or a .gguf file` +
        nearby(name, '; nearby')
      );
  }
}

/** Returns the file or directory that a model's name stands for; the name itself if it is not on this machine. */
export function modelInput(name: string): string {
  const named = modelNamed(name);
  if (named?.kind !== 'package' && named?.kind !== 'hub') return name;
  const entry = cacheEntry(named, modelCache());
  return readCached(entry) === undefined ? name : entry.target;
}

const looksLikeModel = (directory: string): boolean =>
  existsSync(join(directory, 'config.json')) ||
  existsSync(join(directory, 'tokenizer.json')) ||
  isAdapter(directory);

/** Folders that are looked at for models, and models that are named. */
const MOST_FOLDERS = 1000;
const MOST_NAMED = 3;

/** Names the models in, and next to, the directory that was given; empty if there are none. */
function nearby(name: string, words = ': nearby'): string {
  const parent = dirname(name);
  const shown = (path: string) => (/^\.?\.?\//.test(path) ? path : `./${path}`);
  const folders = [name, ...foldersOf(parent).map((folder) => join(parent, folder))];
  const models = [...new Set(folders.flatMap((folder) => [folder, join(folder, 'model')]))].filter(
    looksLikeModel,
  );
  const first = models.filter((path) => path.startsWith(`${name}/`));
  const rest = models.filter((path) => !first.includes(path));
  while (rest.length > 0 && first.length < MOST_NAMED) {
    const nearest = nearestOf(name, rest)!;
    first.push(rest.splice(rest.indexOf(nearest), 1)[0]!);
  }
  return first.length === 0
    ? ''
    : `${words} ${first.length === 1 ? 'is' : 'are'} ${first.map(shown).join(', ')}`;
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .slice(0, MOST_FOLDERS)
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
