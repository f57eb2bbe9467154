const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const cleanups = new Set<() => void>();

/**
 * Runs `cleanup` when a signal ends this process (the signal keeps its effect). Returns the function that takes the
 * registration back. Cleanups run in reverse order of registration and must be synchronous.
 */
export function onTermination(cleanup: () => void): () => void {
  if (cleanups.size === 0) for (const signal of signals) process.on(signal, terminate);
  // A wrapper of its own, so that the same function may be registered twice.
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
      // The others must still run, and the process is ending in any case.
    }
  }
  cleanups.clear();
  stopListening();
  // Without our listeners the signal does what it does by default, or what another listener makes of it.
  process.kill(process.pid, signal);
}
