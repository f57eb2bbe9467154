/** @file What is wrong with settings, gathered so that all of it is said at once. */
import { UserError } from '../util/errors.js';

export interface Fault {
  /** Where it is, from the outside in: "line 7", "stage sft". */
  place: readonly string[];
  message: string;
  /** Where the keys are explained, if that may help. */
  page?: string;
}

/** More than these are counted only: one mistake can have many consequences. */
const MOST_SHOWN = 10;

export class Faults {
  readonly #all: Fault[] = [];

  add(fault: Fault): void {
    this.#all.push(fault);
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  /** @param where the file, or what else has the faults. @throws UserError with all of them, in one sentence each */
  throwIfAny(where: string): void {
    const [first] = this.#all;
    if (!first) return;
    const sentence = ({ place, message }: Fault) =>
      place.length === 0 ? message : `${place.join(', ')}: ${message}`;
    const pages = [...new Set(this.#all.flatMap(({ page }) => page ?? []))];
    if (this.#all.length === 1) {
      const page = first.page === undefined ? '' : `; ${first.page} has all keys`;
      throw new UserError(`${[where, ...first.place].join(', ')}: ${first.message}${page}`);
    }
    const shown = this.#all.slice(0, MOST_SHOWN).map((fault) => `  ${sentence(fault)}`);
    const more = this.#all.length - shown.length;
    const lines = [
      `${where}: ${this.#all.length} errors:`,
      ...shown,
      ...(more === 0 ? [] : [`  … and ${more} more`]),
      ...pages.map((page) => `${page} has all keys`),
    ];
    throw new UserError(lines.join('\n'));
  }
}
