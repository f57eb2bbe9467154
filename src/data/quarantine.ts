import { rmSync } from 'node:fs';
import { FileReplacement } from '../util/files.js';
import type { BadLine } from './jsonl.js';

/** Rows that were set aside, one `{file, line, problem, text}` a line; the file is there only if there are any. */
export class Quarantine implements Disposable {
  count = 0;
  first: BadLine | undefined;
  #file: FileReplacement | undefined;

  constructor(readonly path: string) {}

  add(bad: BadLine): void {
    this.count++;
    this.first ??= bad;
    this.#file ??= new FileReplacement(this.path);
    this.#file.write(`${JSON.stringify(bad)}\n`);
  }

  commit(): void {
    if (this.#file) this.#file.commit();
    else rmSync(this.path, { force: true }); // what an earlier run set aside is no longer true
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}
