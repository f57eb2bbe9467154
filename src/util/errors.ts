/**
 * @file Defines the error for which the user is responsible. Any other error is a fault of the program or the
 * machine.
 */

/** Reports wrong usage or wrong input: the command line prints the message as one sentence and exits with 2. */
export class UserError extends Error {
  override name = 'UserError';
}

/** A disk has no room. What it means is up to the work: before it the user named a place that is too small, in its midst the machine fails. */
export class DiskFull extends UserError {
  override name = 'DiskFull';
}

/** Gives the message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return 'something that cannot be written as a text';
  }
}

/** Anything that was thrown, as an error. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(messageOf(thrown));

/** What JavaScript and the libraries for checks throw where the program is wrong. */
const FAULTS = new Set([
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'AssertionError',
  'ZodError',
]);

/** Says of an error that no user can mend whose fault it is; undefined of others. */
export function faultOf(error: unknown): string | undefined {
  // `fetch` throws a TypeError with a cause where the network fails.
  const isFault = !(error instanceof Error) || (FAULTS.has(error.name) && error.cause === undefined);
  if (!isFault) return undefined;
  return `this is a fault of redistill: ${messageOf(error).replace(/\s+/g, ' ')} (--debug shows where; please report it)`;
}
