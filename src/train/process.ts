/** @file Runs `train` in a process of its own: both sides, and the messages between them. */

import { startProcess } from '../util/children.js';
import { OtherRun } from '../teacher/header.js';
import { DiskFull, UserError } from '../util/errors.js';
import type { Estimate } from './estimate.js';
import type { ResumeOptions } from './resume.js';
import type { TrainRecipe } from './settings.js';
import type { TrainEvent, TrainResult } from './trainer.js';

/** What the starter says. */
type Order = TrainOrder | { kind: 'stop' };

interface TrainOrder {
  kind: 'train' | 'estimate';
  recipe: TrainRecipe;
  resume: ResumeOptions | undefined;
  /** The number of the process that started this one. */
  starter: number;
}

/** What the training process says. */
type Message =
  | { kind: 'event'; event: TrainEvent }
  | { kind: 'done'; result: TrainResult | Estimate }
  | { kind: 'stopped' }
  | {
      kind: 'failed';
      error: keyof typeof kinds | undefined;
      message: string;
      stack: string | undefined;
    };

/**
 * Trains in a process of its own: it has the machine's settings that a run needs from its start, its memory is given back when it
 * ends, and this process stays free for progress and signals. It ends with this process.
 * @param signal stops the run before its next pack; its state is saved
 * @throws the signal's reason when it stopped the run
 */
export function trainInProcess(
  recipe: TrainRecipe,
  onEvent: (event: TrainEvent) => void,
  signal?: AbortSignal,
  resume?: ResumeOptions,
): Promise<TrainResult> {
  return inProcess(
    { kind: 'train', recipe, resume, starter: process.pid },
    onEvent,
    signal,
  ) as Promise<TrainResult>;
}

/** Predicts what a run takes, in a process as it would have. */
export function estimateInProcess(
  recipe: TrainRecipe,
  onEvent: (event: TrainEvent) => void,
  signal?: AbortSignal,
): Promise<Estimate> {
  const order = { kind: 'estimate', recipe, resume: undefined, starter: process.pid } as const;
  return inProcess(order, onEvent, signal) as Promise<Estimate>;
}

function inProcess(
  order: TrainOrder,
  onEvent: (event: TrainEvent) => void,
  signal: AbortSignal | undefined,
): Promise<TrainResult | Estimate> {
  const child = startProcess(new URL('./trainProcess.js', import.meta.url));
  const send = (order: Order) => {
    // One that has ended says so by its exit.
    child.send(order, () => undefined);
  };
  const stop = () => {
    send({ kind: 'stop' });
  };
  signal?.addEventListener('abort', stop);
  send(order);
  if (signal?.aborted) stop();
  return new Promise<TrainResult | Estimate>((resolve, reject) => {
    let settle = (code: number | null, by: NodeJS.Signals | null) => {
      reject(signal?.aborted ? (signal.reason as Error) : new Error(endInWords(code, by)));
    };
    // It waits until its last message is read, and its memory is free when this promise is settled.
    const end = (how: () => void) => {
      settle = how;
      if (child.connected) child.disconnect();
    };
    child.on('message', (message: Message) => {
      if (message.kind === 'event') onEvent(message.event);
      else if (message.kind === 'done')
        end(() => {
          resolve(message.result);
        });
      else if (message.kind === 'stopped')
        end(() => {
          reject(signal!.reason as Error);
        });
      else
        end(() => {
          reject(revive(message));
        });
    });
    child.on('error', reject);
    child.on('exit', (code, by) => {
      settle(code, by);
    });
  }).finally(() => signal?.removeEventListener('abort', stop));
}

/** Says how a process ended that had not said why. */
function endInWords(code: number | null, by: NodeJS.Signals | null): string {
  if (by === 'SIGKILL')
    return (
      'the training process was killed (SIGKILL), as the system does when memory runs out: ' +
      'lower token_budget, set recompute, or free memory; what had been saved stays'
    );
  return by === null
    ? `the training process ended with code ${code} without saying why`
    : `the training process ended by ${by}; what had been saved stays`;
}

const kinds = { OtherRun, DiskFull, UserError };

function revive({ error: kind, message, stack }: Message & { kind: 'failed' }): Error {
  const error = new (kind === undefined ? Error : kinds[kind])(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Runs the training process's side: waits for its recipe, trains, says how it went, and ends when its starter has heard it. */
export function runProcess(): void {
  const controller = new AbortController();
  const stopped = new Error('stopped');
  // Ctrl-C reaches all processes of a terminal; the starter decides what it means.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (order: Order) => {
    if (order.kind === 'stop') controller.abort(stopped);
    else void obey(order, controller.signal, stopped);
  });
}

async function obey(
  { kind: work, recipe, resume, starter }: TrainOrder,
  signal: AbortSignal,
  stopped: Error,
): Promise<void> {
  const post = (message: Message) => {
    process.send!(message);
  };
  const onEvent = (event: TrainEvent) => {
    post({ kind: 'event', event });
  };
  try {
    const { endWith } = await import('../torch/runtime.js');
    endWith(starter);
    const works = await import('./trainer.js');
    post({ kind: 'done', result: await works[work](recipe, { onEvent, signal, resume }) });
  } catch (error) {
    if (error === stopped) post({ kind: 'stopped' });
    else {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      const names = Object.keys(kinds) as (keyof typeof kinds)[];
      const kind = names.find((name) => error instanceof kinds[name]);
      post({ kind: 'failed', error: kind, message, stack });
    }
  }
}
