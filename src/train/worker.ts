import { parentPort, SHARE_ENV, Worker, workerData } from 'node:worker_threads';
import { UserError } from '../util/errors.js';
import type { TrainRecipe } from './settings.js';
import type { TrainEvent, TrainResult } from './trainer.js';

interface WorkerData {
  recipe: TrainRecipe;
  /** Set to 1 by the main thread to ask the worker to stop; it reads it between packs. */
  stop: SharedArrayBuffer;
}

type Message =
  | { kind: 'event'; event: TrainEvent }
  | { kind: 'done'; result: TrainResult }
  | { kind: 'failed'; message: string; stack?: string; name: 'UserError' | 'Stopped' | 'Error' };

/** The run was stopped on request. */
export class TrainingStopped extends Error {
  override name = 'TrainingStopped';
}

/**
 * Trains in a worker thread, so that this thread stays free for progress and signals.
 * @param signal stops the run before its next pack; what had been saved stays
 */
export function trainInWorker(
  recipe: TrainRecipe,
  onEvent: (event: TrainEvent) => void,
  signal?: AbortSignal,
): Promise<TrainResult> {
  const stop = new SharedArrayBuffer(4);
  const request = () => {
    Atomics.store(new Int32Array(stop), 0, 1);
  };
  signal?.addEventListener('abort', request);
  if (signal?.aborted) request();
  const data: WorkerData = { recipe, stop };
  // The worker shares the environment: libgomp reads its waiting policy from the process's own.
  const worker = new Worker(new URL('./trainWorker.js', import.meta.url), {
    workerData: data,
    env: SHARE_ENV,
  });
  return new Promise<TrainResult>((resolve, reject) => {
    worker.on('message', (message: Message) => {
      if (message.kind === 'event') onEvent(message.event);
      else if (message.kind === 'done') resolve(message.result);
      else reject(revive(message));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      reject(new Error(`the training thread ended with code ${code}`));
    });
  }).finally(() => signal?.removeEventListener('abort', request));
}

function revive({ name, message, stack }: Message & { kind: 'failed' }): Error {
  const error =
    name === 'UserError'
      ? new UserError(message)
      : name === 'Stopped'
        ? new TrainingStopped(message)
        : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The worker's side. */
export async function runWorker(): Promise<void> {
  const port = parentPort!;
  const { recipe, stop } = workerData as WorkerData;
  const flag = new Int32Array(stop);
  const post = (message: Message) => {
    port.postMessage(message);
  };
  const { Stopped, train } = await import('./trainer.js');
  const { trimMemory } = await import('../torch/runtime.js');
  try {
    const result = await train(recipe, {
      onEvent: (event) => {
        post({ kind: 'event', event });
      },
      stopRequested: () => Atomics.load(flag, 0) === 1,
    });
    post({ kind: 'done', result });
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    const name =
      failure instanceof UserError ? 'UserError' : failure instanceof Stopped ? 'Stopped' : 'Error';
    post({
      kind: 'failed',
      name,
      message: failure.message,
      ...(failure.stack !== undefined && { stack: failure.stack }),
    });
  } finally {
    trimMemory();
  }
}
