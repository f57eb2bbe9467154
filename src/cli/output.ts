/** @file Printing for machines and people, and values of flags. */
import { InvalidArgumentError, Option } from 'commander';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { printJsonLines } from '../util/output.js';

/** Prints what a machine reads. */
export function printJson(value: unknown): void {
  printJsonLines([value]);
}

/** Prints what the code calls `headDim` as `head_dim`, as all files have it. */
export function printRecord(record: object): void {
  printJson(withSnakeKeys(record));
}

function withSnakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSnakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => [
      key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`),
      withSnakeKeys(part),
    ]),
  );
}

/** JSON lines on their way to a file, or to standard output when none is named, or `-`. */
export class LinesOut implements Disposable {
  readonly #file: JsonLinesFile | undefined;

  /** Opens the file, before the work. @throws UserError where it cannot be written */
  constructor(out: string | undefined) {
    this.#file = out === undefined || out === '-' ? undefined : new JsonLinesFile(out);
  }

  /** Writes all rows. */
  emit(rows: Iterable<object>): void {
    if (this.#file === undefined) {
      printJsonLines(rows);
      return;
    }
    for (const row of rows) this.#file.write(row);
    this.#file.commit();
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }
}

/** Far beyond the cores and GPUs of a machine. */
const MOST_PROCESSES = 256;

/** The flag by which several processes train. @param first the help's first words, which say what trains */
export const nprocOption = (first: string): Option =>
  new Option(
    '--nproc <n>',
    `${first} in so many processes of this machine, which divide each step and the state of the optimizer among them`,
  ).argParser(wholeNumber(1, MOST_PROCESSES));

/** A flag's whole number from `least` to `most`. */
export function wholeNumber(least: number, most = Infinity): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(
        `must be a whole number from ${least}${most === Infinity ? '' : ` to ${most}`}`,
      );
    return value;
  };
}

/** Gathers the values of a flag that may be given several times. */
export const repeated = (value: string, before: readonly string[] = []): string[] => [...before, value];
