import { UserError } from '../../src/util/errors.js';

/** The sentence with which something is refused; any other error is thrown on. */
export function refusalOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}
