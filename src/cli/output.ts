/** @file Printing for machines and people, and numbers in flags. */
import { InvalidArgumentError } from 'commander';
import { writeFileAtomic } from '../util/files.js';

/** Prints what a machine reads. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Writes JSON lines to a file, or to standard output when none is named. */
export function emitLines(rows: Iterable<unknown>, out: string | undefined): void {
  const lines = Array.from(rows, (row) => `${JSON.stringify(row)}\n`).join('');
  if (out === undefined) process.stdout.write(lines);
  else writeFileAtomic(out, lines);
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
