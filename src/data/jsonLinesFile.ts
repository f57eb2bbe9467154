/** @file Writes a file of JSON lines that appears when it is whole. Knows nothing of what rows mean. */
import { writeJson } from '../util/exactJson.js';
import { FileReplacement, type ReplacementOptions } from '../util/files.js';

/** Rows on their way into a file of JSON lines, which takes the place of `path` when it is committed. */
export class JsonLinesFile implements Disposable {
  /** Rows written so far. */
  rows = 0;
  readonly #file: FileReplacement;

  constructor(path: string, options?: ReplacementOptions) {
    this.#file = new FileReplacement(path, options);
  }

  /** Where the rows are until they are committed. */
  get temporary(): string {
    return this.#file.temporary;
  }

  write(row: object): void {
    this.rows++;
    this.#file.write(`${writeJson(row)}\n`);
  }

  commit(): void {
    this.#file.commit();
  }

  /** See `replaceTogether`. */
  finish(): void {
    this.#file.finish();
  }

  replace(): void {
    this.#file.replace();
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
