/** @file Runs `train` in processes of its own: all sides, and the messages between them. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { killProcess, startProcess } from '../util/children.js';
import { OtherRun } from '../teacher/header.js';
import { LostMember } from '../torch/errors.js';
import { launchEnvironment } from '../torch/launch.js';
import { DiskFull, UserError } from '../util/errors.js';
import type { Estimate } from './estimate.js';
import type { Ranks } from './ranks.js';
import type { ResumeOptions } from './resume.js';
import type { TrainRecipe } from './settings.js';
import type { TrainEvent, TrainResult } from './trainer.js';

/** What the starter says. */
type Order = WorkOrder | { kind: 'stop' };

type Work =
  | { kind: 'train'; recipe: TrainRecipe; resume: ResumeOptions | undefined }
  | { kind: 'estimate'; recipe: TrainRecipe; world: number }
  | { kind: 'follow' };

interface WorkOrder {
  kind: 'work';
  work: Work;
  /** Whether the process is one of several, as its environment says. */
  isRank: boolean;
  /** The number of the process that started this one. */
  starter: number;
}

/** What the training process says. */
type Message =
  | { kind: 'event'; event: TrainEvent }
  /** It has found the other ranks. */
  | { kind: 'joined' }
  | { kind: 'done'; result?: TrainResult | Estimate }
  | { kind: 'stopped' }
  | {
      kind: 'failed';
      error: keyof typeof kinds | undefined;
      message: string;
      stack: string | undefined;
    };

/** The processes that train together: so many that are started here, or those of a launcher, of which this is one. */
export type Processes = { nproc: number } | { rank: number };

/**
 * Trains in a process of its own, or in several: they have the machine's settings that a run needs from its start, their memory is given
 * back when they end, and this process stays free for progress and signals. They end with this process, and with one another.
 * @param signal stops the run before its next pack; its state is saved
 * @param processes default: one
 * @throws the signal's reason when it stopped the run
 */
export async function trainInProcess(
  recipe: TrainRecipe,
  onEvent: (event: TrainEvent) => void,
  signal?: AbortSignal,
  resume?: ResumeOptions,
  processes: Processes = { nproc: 1 },
): Promise<TrainResult> {
  const lead = { kind: 'train', recipe, resume } as const;
  const result =
    'rank' in processes
      ? await inProcesses([{ work: lead, rank: processes.rank }], onEvent, signal)
      : await inProcesses(await startsOf(lead, processes.nproc), onEvent, signal);
  return result as TrainResult;
}

/** Does the part of a rank that a launcher has started and that is not the first. */
export async function followInProcess(
  rank: number,
  onNotice: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const onEvent = (event: TrainEvent) => {
    if (event.kind === 'notice') onNotice(event.sentence);
  };
  await inProcesses([{ work: { kind: 'follow' }, rank }], onEvent, signal);
}

/** Predicts what a run takes, in a process as it would have. @param processes those that would train; default: one */
export async function estimateInProcess(
  recipe: TrainRecipe,
  onEvent: (event: TrainEvent) => void,
  signal?: AbortSignal,
  processes: Processes = { nproc: 1 },
): Promise<Estimate> {
  const world = 'nproc' in processes ? processes.nproc : launchEnvironment()!.world;
  const start: Start = { work: { kind: 'estimate', recipe, world } };
  if ('nproc' in processes && world > 1) start.env = { LOCAL_WORLD_SIZE: String(world) };
  const result = await inProcesses([start], onEvent, signal);
  return result as Estimate;
}

/** A process to be started, and which of several it is. */
interface Start {
  work: Work;
  rank?: number;
  env?: Record<string, string>;
}

/** One process, or several of this machine, each of which gets the environment that torchrun would give it. */
async function startsOf(lead: Work, nproc: number): Promise<Start[]> {
  if (nproc === 1) return [{ work: lead }];
  const shared = {
    ...{ MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) },
    // A machine's own name may lead nowhere.
    GLOO_SOCKET_IFNAME: process.env.GLOO_SOCKET_IFNAME ?? 'lo',
    ...{ WORLD_SIZE: String(nproc), LOCAL_WORLD_SIZE: String(nproc) },
  };
  return Array.from({ length: nproc }, (_, rank) => ({
    work: rank === 0 ? lead : { kind: 'follow' },
    rank,
    env: { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) },
  }));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** How a process ended. */
type Ending =
  { kind: 'done'; result?: TrainResult | Estimate } | { kind: 'stopped' } | { kind: 'failed'; error: Error };

/** Runs the processes to their end; where one fails, the others are ended. @returns the first one's result */
async function inProcesses(
  starts: readonly Start[],
  onEvent: (event: TrainEvent) => void,
  signal: AbortSignal | undefined,
): Promise<TrainResult | Estimate | undefined> {
  const children = starts.map((start, i) => startWork(start, i === 0 ? onEvent : undefined, signal));
  const ends: Ending[] = []; // in the order of time
  const over = Promise.all(children.map(async ({ ending }) => ends.push(await ending)));
  // One that has only lost another rank waits for what that one has to say.
  await Promise.race([
    over,
    ...children.map(async ({ ending }) => {
      const end = await ending;
      if (end.kind !== 'failed') await over;
      else if (end.error instanceof LostMember)
        await Promise.race([over, sleep(LOST_MS, undefined, { ref: false })]);
    }),
  ]);
  for (const { child } of children) killProcess(child);
  await over;
  const failures = ends.flatMap((end) => (end.kind === 'failed' ? [end.error] : []));
  const failure = failures.find((error) => !(error instanceof LostMember)) ?? failures[0];
  if (failure) throw signal?.aborted ? signal.reason : failure;
  const end = await children[0]!.ending;
  if (end.kind === 'done') return end.result;
  throw signal?.aborted ? signal.reason : new Error('stopped, since another rank was told to stop');
}

/** Time for the rank that is lost to say why. */
const LOST_MS = 3000;
/** A rank for which the others take longer to come says that it waits. */
const QUIET_MS = 5000;

/** Starts a process with its work. */
function startWork(
  { work, rank, env }: Start,
  onEvent: ((event: TrainEvent) => void) | undefined,
  signal: AbortSignal | undefined,
): { child: ChildProcess; ending: Promise<Ending> } {
  const child = startProcess(new URL('./trainProcess.js', import.meta.url), env);
  const isRank = rank !== undefined;
  let isFree = !isRank;
  const send = (order: Order) => {
    // One that has ended says so by its exit.
    child.send(order, () => undefined);
  };
  const stop = () => {
    if (isFree) send({ kind: 'stop' });
    else killProcess(child); // it waits for others, and hears nothing
  };
  signal?.addEventListener('abort', stop);
  send({ kind: 'work', work, isRank, starter: process.pid });
  if (signal?.aborted) stop();
  const who = isRank ? `rank ${rank}` : 'the training process';
  const waiting = setTimeout(() => {
    const { MASTER_ADDR: host = '127.0.0.1', MASTER_PORT: port } = { ...process.env, ...env };
    if (!isFree) onEvent?.({ kind: 'notice', sentence: `${who} waits for the others at ${host}:${port}` });
  }, QUIET_MS);
  const ending = new Promise<Ending>((resolve) => {
    let end: Ending | undefined;
    const fail = (error: Error) => {
      // The first speaks for the run.
      if (isRank && (rank > 0 || error instanceof LostMember)) error.message = `${who}: ${error.message}`;
      return { kind: 'failed' as const, error };
    };
    child.on('message', (message: Message) => {
      if (message.kind === 'event') onEvent?.(message.event);
      else if (message.kind === 'joined') isFree = true;
      else {
        end = message.kind === 'failed' ? fail(revive(message)) : message;
        // It waits until its last message is read, and its memory is free when this promise is settled.
        if (child.connected) child.disconnect();
      }
    });
    child.on('error', (error) => {
      resolve(fail(error));
    });
    child.on('exit', (code, by) => {
      resolve(end ?? { kind: 'failed', error: new Error(endInWords(who, code, by)) });
    });
  }).finally(() => {
    clearTimeout(waiting);
    signal?.removeEventListener('abort', stop);
  });
  return { child, ending };
}

/** Says how a process ended that had not said why. */
function endInWords(who: string, code: number | null, by: NodeJS.Signals | null): string {
  if (by === 'SIGKILL')
    return (
      `${who} was killed (SIGKILL), as the system does when memory runs out: ` +
      'lower token_budget, set recompute, or free memory; what had been saved stays'
    );
  return by === null
    ? `${who} ended with code ${code} without saying why`
    : `${who} ended by ${by}; what had been saved stays`;
}

const kinds = { OtherRun, DiskFull, UserError, LostMember };

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
  { work, isRank, starter }: WorkOrder,
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
    // What c10d says at every try to connect, with the stack of C++, becomes one sentence at the end.
    if (isRank) process.env.TORCH_CPP_LOG_LEVEL ??= 'FATAL';
    const { endWith } = await import('../torch/runtime.js');
    endWith(starter);
    const { ProcessGroup } = await import('../torch/distributed.js');
    const { Ranks } = await import('./ranks.js');
    using group = isRank ? new ProcessGroup(launchEnvironment()!, PATIENCE_SECONDS) : undefined;
    const ranks = new Ranks(group);
    post({ kind: 'joined' });
    post({ kind: 'done', result: await resultOf(work, { onEvent, signal, ranks }) });
  } catch (error) {
    const { RankStopped } = await import('./ranks.js');
    if (error === stopped || error instanceof RankStopped) post({ kind: 'stopped' });
    else {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      const names = Object.keys(kinds) as (keyof typeof kinds)[];
      const kind = names.find((name) => error instanceof kinds[name]);
      post({ kind: 'failed', error: kind, message, stack });
    }
  }
}

/** How long a rank waits for what rank 0 does alone. A rank that has ended is noticed at once. */
const PATIENCE_SECONDS = 7 * 24 * 3600;

async function resultOf(
  work: Work,
  hooks: { onEvent: (event: TrainEvent) => void; signal: AbortSignal; ranks: Ranks },
): Promise<TrainResult | Estimate | undefined> {
  if (work.kind === 'follow') {
    const { follow } = await import('./follow.js');
    await follow(hooks.ranks, hooks.signal);
    return undefined;
  }
  const { estimate, train } = await import('./trainer.js');
  if (work.kind === 'estimate') return estimate(work.recipe, hooks, work.world);
  const { RankStopped } = await import('./ranks.js');
  try {
    const result = await train(work.recipe, { ...hooks, resume: work.resume });
    hooks.ranks.order('end', undefined);
    return result;
  } catch (error) {
    // The others wait for what comes next. Of any other error they hear by this process's end.
    if (error === hooks.signal.reason || error instanceof RankStopped) hooks.ranks.order('end', undefined);
    throw error;
  }
}
