/**
 * @file Defines the error for which the user is responsible. Any other error is a fault of the program or the
 * machine.
 */

/** Reports wrong usage or wrong input: the command line prints the message as one sentence and exits with 2. */
export class UserError extends Error {
  override name = 'UserError';
}

/** Gives the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
