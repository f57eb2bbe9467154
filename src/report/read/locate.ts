/** @file Finds files that records name: paths count from where a command was run, which may be elsewhere now. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
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
