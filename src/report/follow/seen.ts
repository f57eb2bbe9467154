/** @file Files that are read again only where they have changed. */
import { statSync } from 'node:fs';

/** What tells a file's state from another one; empty where there is no file. */
export function stateOf(path: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs].join(' ');
  } catch {
    return '';
  }
}

/** When a file was changed, in milliseconds since 1970; undefined where there is none. */
export function changedAt(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** What stands in a file, read when it is asked for and the file is another one than then. */
export class SeenFile<T> {
  #state: string | undefined;
  #value: T | undefined;

  /** @param read what a missing file holds, too */
  constructor(
    readonly path: string,
    readonly read: (path: string) => T,
  ) {}

  get value(): T {
    const state = stateOf(this.path);
    if (state !== this.#state) {
      this.#value = this.read(this.path);
      this.#state = state;
    }
    return this.#value!;
  }
}
