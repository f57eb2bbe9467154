/** @file Long work of a command: its progress bar, and what Ctrl-C does. */
import { createProgress, type Progress } from '../util/progress.js';
import { printError } from '../util/output.js';

/** Ctrl-C, after what was under way has been put in order. */
export class Interrupted extends Error {
  override name = 'Interrupted';
}

/**
 * Runs `work` with a progress bar and a signal that the first Ctrl-C (or a SIGTERM) aborts; a second one ends the
 * process at once, which loses nothing but the present step, since files are replaced whole.
 * @param stopped what is said when it was stopped
 * @throws Interrupted when it was
 */
export async function longWork<T>(
  title: string,
  stopped: string,
  work: (progress: Progress, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => {
    if (signal.aborted) process.exit(130);
    printError('\nstopping… (Ctrl-C again to stop at once)\n');
    controller.abort();
  };
  const progress = createProgress(title);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return await work(progress, signal);
  } catch (error) {
    throw signal.aborted ? new Interrupted(stopped) : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    progress.finish();
  }
}
