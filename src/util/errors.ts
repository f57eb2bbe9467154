/** Wrong usage or wrong input: the command line prints the message as one sentence and exits with 2. */
export class UserError extends Error {
  override name = 'UserError';
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
