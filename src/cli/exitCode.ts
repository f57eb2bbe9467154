/** @file A command's answer as an exit code. */

/** Ends a command that has printed its result with a code that tells it; it is not an error. */
export class ExitCode extends Error {
  override name = 'ExitCode';

  constructor(readonly code: number) {
    super(`exit code ${code}`);
  }
}
