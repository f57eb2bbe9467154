/** @file Long work of a command: its progress bar, and what Ctrl-C does. */
import { killProcesses } from '../util/children.js';
import { ignoresHangUp } from '../util/hangUp.js';
import { createProgress, type Progress } from '../util/progress.js';

const isDetached = ignoresHangUp();
if (isDetached) process.on('SIGHUP', () => undefined); // Node.js would end at it

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', ...(isDetached ? [] : ['SIGHUP' as const])];

/**
 * Milliseconds in which a second signal is the first once more: npx passes on to its command what the terminal has sent to both, and
 * timeout(1) sends to its command and to the group that it is in.
 */
const ECHO_MS = 500;

/** Ctrl-C, after what was under way has been put in order. */
export class Interrupted extends Error {
  override name = 'Interrupted';

  constructor(
    message: string,
    readonly signal: NodeJS.Signals,
  ) {
    super(message);
  }
}

/**
 * Runs `work` with a progress bar and a signal that the first Ctrl-C aborts; a SIGTERM or SIGHUP (a closed terminal)
 * does the same, but a SIGHUP that was to be ignored (`nohup`) does nothing. A later one ends the process at once, which loses
 * nothing but the present step, since files are replaced whole. It kills the processes that it started as well: they may be within
 * libtorch for as long as a matrix product, or the half hour of a collective whose partner is gone.
 * @param stopped what is said when it was stopped; asked then, if it depends on what there is
 * @throws Interrupted when it was
 */
export async function longWork<T>(
  title: string,
  stopped: string | (() => string),
  work: (progress: Progress, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  let by: NodeJS.Signals = 'SIGINT';
  let first = 0;
  const stop = (name: NodeJS.Signals) => {
    if (signal.aborted) {
      if (performance.now() - first < ECHO_MS) return;
      killProcesses();
      process.kill(process.pid, 'SIGKILL');
    }
    by = name;
    first = performance.now();
    controller.abort();
    progress.log('stopping… (Ctrl-C again to stop at once)');
  };
  const progress = createProgress(title);
  for (const name of SIGNALS) process.on(name, stop);
  try {
    return await work(progress, signal);
  } catch (error) {
    throw signal.aborted ? new Interrupted(typeof stopped === 'string' ? stopped : stopped(), by) : error;
  } finally {
    progress.finish();
    const listenNoMore = () => {
      for (const name of SIGNALS) process.off(name, stop);
    };
    // The process lives on until no second of two signals can come, which would end it otherwise than the first has.
    if (signal.aborted) setTimeout(listenNoMore, first + ECHO_MS - performance.now());
    else listenNoMore();
  }
}
