/** @file Keeps the rows that could not be read, with the reason, in a file of their own. */
import { rmSync, statSync } from 'node:fs';
import { UserError } from '../util/errors.js';
import { readJsonLines, type BadLine } from './jsonl.js';
import { JsonLinesFile } from './jsonLinesFile.js';

/** Rows that were set aside, one `{file, line, problem, text}` a line; the file exists only if there are any. */
export class Quarantine implements Disposable {
  first: BadLine | undefined;
  #file: JsonLinesFile | undefined;

  /** @throws UserError where a file of that name is there that holds something else, such as rows that were mended */
  constructor(readonly path: string) {
    if (statSync(path, { throwIfNoEntry: false }) && !isQuarantine(path))
      throw new UserError(
        `${path} is in the way: rows that cannot be read are set aside there, and it holds something else. Move it, or name another place for the result.`,
      );
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

/** Whether the file is one of ours, by its first line. */
function isQuarantine(path: string): boolean {
  const bad: BadLine[] = [];
  const first = readJsonLines(path, (line) => bad.push(line)).next();
  if (first.done) return bad.length === 0;
  return bad.length === 0 && ['file', 'line', 'problem', 'text'].every((field) => field in first.value.row);
}
