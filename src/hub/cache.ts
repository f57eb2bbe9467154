/** @file Knows where the cache keeps models, and reads what is there. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheDir } from '../util/cacheDir.js';
import { checkModelDirectory, readJsonObject } from '../models/directory.js';
import { ggufParts } from './gguf/parts.js';
import type { NamedModel } from './names.js';

/** Stands beside the files of a model in the cache and says where it came from. */
export const SOURCE_FILE = 'redistill-source.json';

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

/** Where models are kept that were fetched or converted. */
export const modelCache = (): string => join(cacheDir(), 'models');

/** What a folder of the cache is made from, and what it has to match to be used. */
export interface CacheEntry {
  /** The folder. */
  target: string;
  source: 'gguf' | 'hub' | 'package';
  /** A GGUF file, `owner/name@revision` or a Python requirement. */
  origin: string;
  /** Commit of the repository, or size and time of the GGUF file; if absent, any will do. */
  version?: string;
}

/** Changes when a file does. */
function stampOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'absent' : `${stats.size}-${stats.mtimeNs}`;
}

/** Returns the place in the cache of a model that is not a directory of the user's. */
export function cacheEntry(
  model: Exclude<NamedModel, { kind: 'directory' | 'other' }>,
  cache: string,
): CacheEntry {
  switch (model.kind) {
    case 'gguf': {
      const parts = ggufParts(resolve(model.path));
      const path = parts[0]!;
      const version = parts.map(stampOf).join();
      const key = createHash('sha256').update(path).digest('hex').slice(0, 16);
      const target = join(cache, 'gguf', `${basename(path, '.gguf')}-${key}`);
      return { target, source: 'gguf', origin: path, version };
    }
    case 'package': {
      const { requirement } = model.packaged;
      const target = join(cache, 'packages', requirement.replace('==', '-'));
      return { target, source: 'package', origin: requirement };
    }
    case 'hub': {
      const target = join(cache, 'hub', model.name.replace('/', '--'), encodeURIComponent(model.revision));
      return { target, source: 'hub', origin: `${model.name}@${model.revision}` };
    }
  }
}

/** Returns what an earlier call left, if its files are still complete and of the version that is wanted. */
export function readCached(entry: CacheEntry): ModelLocation | undefined {
  const { target, version } = entry;
  if (!existsSync(join(target, SOURCE_FILE))) return undefined;
  try {
    checkModelDirectory(target);
    const { version: found } = readJsonObject(join(target, SOURCE_FILE));
    if (version !== undefined && version !== found) return undefined;
    return { ...located(entry, typeof found === 'string' ? found : undefined), didWork: false };
  } catch {
    // It was damaged since, and is made again.
    return undefined;
  }
}

export function located(
  { target, source, origin }: CacheEntry,
  version: string | undefined,
): Omit<ModelLocation, 'didWork'> {
  return { path: target, source, origin, ...(source === 'hub' && { commit: version }) };
}
