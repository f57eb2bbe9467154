/** @file Printing for machines and people, and numbers in flags. */
import { InvalidArgumentError } from 'commander';
import { writeFileAtomic } from '../util/files.js';
import { printJsonLines } from '../util/output.js';

/** Prints what a machine reads. */
export function printJson(value: unknown): void {
  printJsonLines([value]);
}

/** Writes JSON lines to a file, or to standard output when none is named. */
export function emitLines(rows: Iterable<unknown>, out: string | undefined): void {
  if (out === undefined) printJsonLines(rows);
  else writeFileAtomic(out, Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join(''));
}

/** A flag's whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`must be a whole number from ${least}`);
    return value;
  };
}
