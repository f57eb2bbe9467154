/** @file Finds files that records name: paths count from where a command was run, which may be elsewhere now. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { modelInput } from '../../hub/resolve.js';
import { ChatTokenizer } from '../../text/tokenizer.js';
import { UserError } from '../../util/errors.js';

/** The file or folder of a path in a record: as it stands, or beside the folder that has the record. */
export function locate(path: unknown, own: string): string | undefined {
  if (typeof path !== 'string' || path === '') return undefined;
  const beside = join(own, '..');
  const places = [
    resolve(path),
    join(beside, basename(dirname(path)), basename(path)),
    join(beside, basename(path)),
  ];
  return places.find((place) => existsSync(place));
}

/**
 * What a user has named for a report, folders and files. Records may be somebody else's and a report goes to others, so that rows of a
 * file which a record alone names stay out of it.
 */
export class NamedPaths {
  readonly #paths: readonly string[];
  /** Files that records name and that were not read, each once. */
  readonly left = new Set<string>();

  constructor(paths: readonly string[]) {
    this.#paths = paths.map((path) => realpathSync(path));
  }

  /** Whether a file is one of them, or in one of them; where links in its path lead is what counts. One that is not is remembered. */
  has(file: string): boolean {
    const real = realpathSync(file);
    const isNamed = this.#paths.some((top) => isWithin(top, real));
    if (!isNamed) this.left.add(file);
    return isNamed;
  }
}

/** Whether a path is a folder or lies in it, as paths are written. */
export const isWithin = (top: string, path: string): boolean => {
  const below = relative(top, path);
  return below.split(sep)[0] !== '..' && !isAbsolute(below);
};

/** Tokenizers by the models that records name. No weights are read. */
export class Tokenizers {
  readonly #opened = new Map<string, ChatTokenizer | undefined>();

  /** @returns undefined where the model is not on this machine, or its tokenizer cannot be read */
  of(model: unknown, own: string): ChatTokenizer | undefined {
    if (typeof model !== 'string') return undefined;
    const dir = locate(modelInput(model), own);
    if (dir === undefined) return undefined;
    if (!this.#opened.has(dir)) this.#opened.set(dir, open(dir));
    return this.#opened.get(dir);
  }
}

function open(dir: string): ChatTokenizer | undefined {
  try {
    return ChatTokenizer.load(dir);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
