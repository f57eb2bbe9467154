/** @file Keeps the rows that could not be read, with the reason, in a file of their own. */
import { rmSync } from 'node:fs';
import type { BadLine } from './jsonl.js';
import { JsonLinesFile } from './jsonLinesFile.js';

/** Rows that were set aside, one `{file, line, problem, text}` a line; the file exists only if there are any. */
export class Quarantine implements Disposable {
  first: BadLine | undefined;
  #file: JsonLinesFile | undefined;

  constructor(readonly path: string) {}

  get count(): number {
    return this.#file?.rows ?? 0;
  }

  add(bad: BadLine): void {
    this.first ??= bad;
    this.#file ??= new JsonLinesFile(this.path);
    this.#file.write(bad);
  }

  commit(): void {
    if (this.#file) this.#file.commit();
    else rmSync(this.path, { force: true }); // what an earlier run set aside is no longer true
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}
