/** @file Results that cannot be read: each is left out with a sentence, so that one does not take the others with it. */
import { UserError, messageOf } from '../../util/errors.js';
import type { FoundFolder } from './folders.js';

export class Damaged {
  readonly #errors: UserError[] = [];
  /** What is left out, a sentence each. */
  readonly notes: string[] = [];

  /** What `read` makes of a result; undefined, and noted, where it refuses its files. */
  unless<T>(folder: FoundFolder, read: () => Promise<T>): Promise<T | undefined>;
  unless<T>(folder: FoundFolder, read: () => T): T | undefined;
  unless<T>(folder: FoundFolder, read: () => T | Promise<T>): T | undefined | Promise<T | undefined> {
    try {
      const found = read();
      if (!(found instanceof Promise)) return found;
      return found.catch((error: unknown) => {
        this.#note(folder, error);
        return undefined;
      });
    } catch (error) {
      this.#note(folder, error);
      return undefined;
    }
  }

  /** @throws UserError what was wrong first, if anything */
  throwFirst(): void {
    if (this.#errors[0]) throw this.#errors[0];
  }

  #note({ name }: FoundFolder, error: unknown): void {
    if (!(error instanceof UserError)) throw error;
    this.#errors.push(error);
    this.notes.push(`${name} is left out: ${messageOf(error)}`);
  }
}
