/** @file Writes the rows of a rule into their files, which appear together. */
import { join } from 'node:path';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { curationRules } from './rules/index.js';
import type { CurationRule, Output } from './rules/rule.js';

/** Files that only some runs write. */
export const optionalFiles: readonly string[] = [
  'contaminated',
  ...curationRules.flatMap(({ files = [] }) => files),
].map((name) => `${name}.jsonl`);

/** All files that curation may write. */
export const curatedFiles: readonly string[] = [
  ...['sft.jsonl', 'pref.jsonl', 'dropped.jsonl', 'duplicates.jsonl', 'quarantine.jsonl', 'summary.json'],
  ...optionalFiles,
];

/** sft.jsonl, pref.jsonl and the files of the rule, on their way. */
export class OutputFiles implements Disposable {
  readonly #files: ReadonlyMap<string, JsonLinesFile>;

  constructor(dir: string, { files = [] }: CurationRule) {
    this.#files = new Map(
      ['sft', 'pref', ...files].map((name) => [name, new JsonLinesFile(join(dir, `${name}.jsonl`))]),
    );
  }

  /** How many rows each file has, by its name without the ending. */
  get rows(): Record<string, number> {
    return Object.fromEntries(Array.from(this.#files, ([name, { rows }]) => [name, rows]));
  }

  /** Returns how many pairs were written. */
  write(output: Output): number {
    let pairs = 0;
    for (const [name, rows] of Object.entries(output)) {
      for (const row of rows) this.#files.get(name)!.write(row);
      if (name !== 'sft') pairs += rows.length;
    }
    return pairs;
  }

  /** See `replaceTogether`. */
  finish(): void {
    for (const file of this.#files.values()) file.finish();
  }

  replace(): void {
    for (const file of this.#files.values()) file.replace();
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }
}
