/**
 * @file Makes a model directory of a low-rank adapter: links to the files of its base, and to the adapter's own. All that takes a
 * model's directory then takes an adapter's.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isAdapter, readAdapterConfig } from '../models/adapterFiles.js';
import {
  ADAPTER_CONFIG,
  ADAPTER_LINK,
  companionFiles,
  INDEX_FILE,
  weightsOnly,
} from '../models/modelFiles.js';
import { weightFiles } from '../models/directory.js';
import { cacheDir } from '../util/cacheDir.js';
import { UserError } from '../util/errors.js';
import { explained } from '../util/fileErrors.js';
import { cacheEntry, modelCache, readCached } from './cache.js';
import { modelNamed, statOf } from './names.js';

const ownFiles = companionFiles.filter((name) => !weightsOnly.includes(name));

/**
 * Returns the directory of the model that an adapter was made for: of a `.gguf` file or a name of what `models get` has put into the cache.
 * @throws UserError that says how to get it
 */
function baseDirectory(dir: string): string {
  const { base } = readAdapterConfig(dir);
  const key = `${join(dir, ADAPTER_CONFIG)}: base_model_name_or_path`;
  if (base === undefined) throw new UserError(`${key} is missing: write the model's directory there`);
  const beside = [base, join(dir, base), join(dirname(resolve(dir)), basename(base))];
  const found = beside.find((path) => existsSync(join(path, 'config.json')));
  if (found !== undefined) return resolve(found);
  const name = beside.find((path) => modelNamed(path)?.kind === 'gguf') ?? base;
  const named = modelNamed(name);
  if (named && named.kind !== 'directory' && named.kind !== 'other') {
    const entry = cacheEntry(named, modelCache());
    if (readCached(entry) !== undefined) return entry.target;
    const isFile = named.kind === 'gguf';
    throw new UserError(
      `${key} is ${base}, which is not ${isFile ? 'converted' : 'on this machine'} yet: run \`redistill models get ${name}\` first`,
    );
  }
  throw new UserError(
    `${key} is ${base}, and there is no model: put it beside the adapter's folder, or write its directory there`,
  );
}

/** Says why an adapter has no base here; undefined if it has one. */
export function adapterProblem(dir: string): string | undefined {
  try {
    baseDirectory(dir);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/**
 * Returns a model directory in the cache that is made of links: config.json and weights are those of the adapter's base, the
 * tokenizer is the adapter's own where it has one, and the link `redistill-adapter` leads to the adapter. Its name follows from the links, so
 * that one which is there is right.
 * @throws UserError where there is no base
 */
export function adaptedDirectory(dir: string): string {
  const base = baseDirectory(dir);
  const own = resolve(dir);
  const tokenizer = existsSync(join(own, 'tokenizer.json')) ? own : base;
  const links = [
    ...ownFiles.map((name) => [name, join(tokenizer, name)] as const),
    ...[...weightsOnly, INDEX_FILE, ...weightFiles(base)].map((name) => [name, join(base, name)] as const),
    [ADAPTER_LINK, own] as const,
  ].filter(([, to]) => statOf(to) !== undefined);
  const key = createHash('sha256').update(JSON.stringify(links)).digest('hex').slice(0, 16);
  const cache = join(cacheDir(), 'adapters');
  const target = join(cache, `${basename(own)}-${key}`);
  if (existsSync(target)) return target;
  return explained(target, () => {
    mkdirSync(cache, { recursive: true });
    const partial = mkdtempSync(join(cache, 'partial-'));
    try {
      for (const [name, to] of links) {
        mkdirSync(dirname(join(partial, name)), { recursive: true });
        symlinkSync(to, join(partial, name));
      }
      renameSync(partial, target);
    } catch (error) {
      rmSync(partial, { recursive: true, force: true });
      if (!existsSync(target)) throw error; // another process was quicker
    }
    return target;
  });
}

/** The name or path by which an adapter over this model finds it again: that of a hub, or the directory's. */
export function baseName(written: string, dir: string): string {
  const adapter = isAdapter(written);
  const name = adapter ? readAdapterConfig(written).base : written;
  const named = name === undefined ? undefined : modelNamed(name);
  if (named?.kind === 'hub' && named.revision === 'main') return named.name;
  return adapter ? baseDirectory(written) : resolve(dir);
}
