/** @file Runs `train` in a worker thread: both sides of the thread, and the messages between them. */

import { parentPort, SHARE_ENV, Worker, workerData } from 'node:worker_threads';
import { UserError } from '../util/errors.js';
import type { TrainRecipe } from './settings.js';
import type { TrainEvent, TrainResult } from './trainer.js';

interface WorkerData {
  recipe: TrainRecipe;
  /** Set to 1 by the main thread to stop the worker, which reads it between packs. */
  stop: SharedArrayBuffer;
}

type Message =
  | { kind: 'event'; event: TrainEvent }
  | { kind: 'done'; result: TrainResult }
  | { kind: 'stopped' }
  | { kind: 'failed'; isUserError: boolean; message: string; stack: string | undefined };

/**
 * Trains in a worker thread, so that this thread stays free for progress and signals.
 * @param signal stops the run before its next pack; what had been saved stays
 * @throws the signal's reason when it stopped the run
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
      else if (message.kind === 'stopped') reject(signal!.reason as Error);
      else reject(revive(message));
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      reject(new Error(`the training thread ended with code ${code}`));
    });
  }).finally(() => signal?.removeEventListener('abort', request));
}

function revive({ isUserError, message, stack }: Message & { kind: 'failed' }): Error {
  const error = isUserError ? new UserError(message) : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Runs the worker's side. */
export async function runWorker(): Promise<void> {
  const port = parentPort!;
  const { recipe, stop } = workerData as WorkerData;
  const flag = new Int32Array(stop);
  const post = (message: Message) => {
    port.postMessage(message);
  };
  const stopped = new Error('stopped');
  const signal = {
    throwIfAborted: () => {
      if (Atomics.load(flag, 0) === 1) throw stopped;
    },
  };
  const { train } = await import('./trainer.js');
  const { trimMemory } = await import('../torch/runtime.js');
  const onEvent = (event: TrainEvent) => {
    post({ kind: 'event', event });
  };
  try {
    post({ kind: 'done', result: await train(recipe, { onEvent, signal }) });
  } catch (error) {
    if (error === stopped) post({ kind: 'stopped' });
    else {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      post({ kind: 'failed', isUserError: error instanceof UserError, message, stack });
    }
  } finally {
    trimMemory();
  }
}
