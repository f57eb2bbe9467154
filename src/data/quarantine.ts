/** @file Keeps the rows that could not be read, with the reason, in a file of their own. */
import { rmSync } from 'node:fs';
import { requireOwnFile } from '../util/ownFile.js';
import type { BadLine } from './jsonl.js';
import { JsonLinesFile } from './jsonLinesFile.js';

/** Rows that were set aside, one `{file, line, problem, text}` a line; the file exists only if there are any. */
export class Quarantine implements Disposable {
  first: BadLine | undefined;
  #file: JsonLinesFile | undefined;

  /** @throws UserError where a file of that name is there that holds something else, such as rows that were mended */
  constructor(readonly path: string) {
    requireOwnFile(path, isQuarantine, 'rows that cannot be read are set aside');
  }

  get count(): number {
    return this.#file?.rows ?? 0;
  }

  add(bad: BadLine): void {
    this.first ??= bad;
    this.#file ??= new JsonLinesFile(this.path);
    this.#file.write(bad);
  }

  commit(): void {
    this.finish();
    this.replace();
  }

  /** See `replaceTogether`. */
  finish(): void {
    this.#file?.finish();
  }

  replace(): void {
    if (this.#file) this.#file.replace();
    else rmSync(this.path, { force: true }); // what an earlier run set aside is no longer true
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}

/** Whether a text is the beginning of a file of ours, by its first row; an empty one is. */
function isQuarantine(text: string): boolean {
  const [line = ''] = text.split('\n', 1);
  return (
    text === '' || /^\{"file":"(?:[^"\\]|\\.)*","line":\d+,"problem":"(?:[^"\\]|\\.)*","text":/.test(line)
  );
}
