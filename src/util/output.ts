/**
 * @file Standard output and standard error. Whatever the program says goes through here, so that no text from
 * outside steers a terminal.
 */
import { jsonLine, printable, printablePainted } from './printable.js';

/** Prints a text for people to standard output. */
export function print(text: string): void {
  process.stdout.write(printable(text));
}

/** Prints a text whose colours are our own. */
export function printPainted(text: string): void {
  process.stdout.write(printablePainted(text));
}

/** Prints values for machines, each as JSON in a line. */
export function printJsonLines(values: Iterable<unknown>): void {
  process.stdout.write(Array.from(values, (value) => `${jsonLine(value)}\n`).join(''));
}

/** Prints a text to standard error. */
export function printError(text: string): void {
  process.stderr.write(printable(text));
}

/** Whether standard output is a terminal on which colours are welcome. */
export function takesColours(): boolean {
  return process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '';
}

/** Standard error itself, for progress, which draws and makes its texts printable. */
export const standardError = (): NodeJS.WriteStream => process.stderr;

/** Standard output itself, for the line that a person types, which is echoed there. */
export const standardOutput = (): NodeJS.WriteStream => process.stdout;

/** What a shell reports of a program that was ended because nobody read its output (128 + SIGPIPE). */
const NOBODY_READS = 141;

/**
 * Ends the process where standard output takes no more: in silence where its reader has ended (`| head`), else with one
 * sentence. What standard error does not take is dropped, since work must not fail for want of a listener. To be called
 * once, by the command line.
 */
export function endWithOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(NOBODY_READS);
    const reason = error.code === 'ENOSPC' ? 'there is no space left' : error.message;
    printError(`error: standard output cannot be written: ${reason}\n`);
    process.exit(1);
  });
  process.stderr.on('error', () => undefined);
}
