import { join } from 'node:path';
import { FileReplacement } from '../util/files.js';

/** A JSON lines file that appears when all is done. */
export class RowFile implements Disposable {
  rows = 0;
  readonly #file: FileReplacement;

  constructor(dir: string, name: string) {
    this.#file = new FileReplacement(join(dir, name));
  }

  add(row: object): void {
    this.rows++;
    this.#file.write(`${JSON.stringify(row)}\n`);
  }

  commit(): void {
    this.#file.commit();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
