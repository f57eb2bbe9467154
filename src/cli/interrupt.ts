/** Ctrl-C, after what was under way has been put in order. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/**
 * Runs `work` with a signal that the first Ctrl-C (or a SIGTERM) aborts; a second one ends the process at once, which
 * loses nothing but the present step, since files are replaced whole.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write('\nstopping… (Ctrl-C again to stop at once)\n');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
