/** @file Makes one kind of error of whatever libtorch and the addon throw, and tells which of them are for want of memory. */
import { formatBytes } from '../util/bytes.js';

/** Error of libtorch or of the addon; its message begins with the operator or function that failed. */
export class TorchError extends Error {
  override name = 'TorchError';

  constructor(
    message: string,
    /** ERR_OUT_OF_MEMORY, ERR_DISPOSED, ERR_ARGUMENT, ERR_TORCH, or of a group ERR_ABSENT and ERR_CONNECT. */
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A process of the group has ended, or cannot be reached, so that the others cannot go on. */
export class LostMember extends Error {
  override name = 'LostMember';
}

/** Tells whether there was not enough memory, on the CPU or a GPU, wherever that was noticed. */
export const isOutOfMemory = (error: unknown): boolean =>
  error instanceof TorchError && error.code === 'ERR_OUT_OF_MEMORY';

/**
 * Turns an error of the addon into a TorchError; returns anything else as it is.
 * @param name the operator or function
 * @param given what it was called with, for the end of the message
 */
export function explain(name: string, error: unknown, given = ''): unknown {
  if (!(error instanceof Error) || !('code' in error) || error instanceof TorchError) return error;
  return new TorchError(`${sentence(name, error)}${given}`, String(error.code), { cause: error });
}

function sentence(name: string, { message, code }: Error & { code?: unknown }): string {
  if (code === 'ERR_OUT_OF_MEMORY') {
    const bytes = /(?:tried to allocate|unable to mmap) (\d+) bytes/.exec(message)?.[1];
    return `out of memory: ${name}${bytes === undefined ? ` (${message})` : ` asked for ${formatBytes(Number(bytes))}`}`;
  }
  return message.startsWith(name) ? message : `${name}: ${message}`;
}

/**
 * Runs what needs memory however little goes through the model at once.
 * @param what the sentence's beginning, such as "the weights of ./student in f32 take"
 * @param bytes how much that is
 * @throws Error that says so, where there is not enough
 */
export function withMemoryFor<T>(what: string, bytes: number, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    throw new Error(
      `there is not enough memory: ${what} ${formatBytes(bytes)}. Take a smaller model, or a machine with more memory.`,
      { cause: error },
    );
  }
}
