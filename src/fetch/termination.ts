/** @file Runs cleanups when a signal ends the process. */
import { ignoresHangUp } from '../util/hangUp.js';

const signals: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  ...(ignoresHangUp() ? [] : ['SIGHUP' as const]), // it does not end the process then
];
const cleanups = new Set<() => void>();

/**
 * Registers `cleanup` to run when a signal ends this process (the signal keeps its effect). Returns the function that
 * removes the registration. Cleanups run in reverse order of registration and must be synchronous.
 */
export function onTermination(cleanup: () => void): () => void {
  if (cleanups.size === 0) for (const signal of signals) process.on(signal, terminate);
  // Each registration wraps the function, so that the same one may be registered twice.
  const entry = (): void => {
    cleanup();
  };
  cleanups.add(entry);
  return () => {
    if (cleanups.delete(entry) && cleanups.size === 0) stopListening();
  };
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, terminate);
}

function terminate(signal: NodeJS.Signals): void {
  for (const cleanup of [...cleanups].reverse()) {
    try {
      cleanup();
    } catch {
      // The other cleanups must still run, and the process is ending anyway.
    }
  }
  cleanups.clear();
  stopListening();
  // Without our listeners the signal has its default effect, or that of another listener.
  process.kill(process.pid, signal);
}
