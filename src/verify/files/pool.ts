/** @file Runs the verifier in worker threads. Knows items and verdicts, no rows and no files. */

import { Worker } from 'node:worker_threads';
import type { Preset, Verdict } from '../verify.js';

/** The input of one call of the verifier. */
export interface VerifyItem {
  gold: string;
  pred: string;
  preset: Preset;
}

/** A verdict with its wall time in milliseconds. The two added reasons mean that the verifier gave none. */
export interface TimedVerdict extends Omit<Verdict, 'reason'> {
  reason: Verdict['reason'] | 'timed-out' | 'worker-died';
  ms: number;
}

/** The data that a worker starts with: the shared index of the item it has begun among those it was last sent. */
export interface WorkerStart {
  begun: SharedArrayBuffer;
}

/** The value of `begun` while no item is being verified. */
export const IDLE = -1;

/** The settings of a pool. */
export interface PoolOptions {
  /** The largest number of worker threads; they are started as work arrives. */
  threads: number;
  /** Ends a worker after this time on one item. The verifier has a work budget, so this should not happen. */
  lastResortMs?: number;
  /** Starts a worker; tests start their own. */
  startWorker?: (start: WorkerStart) => Worker;
}

/** One batch of items. */
interface Job {
  items: readonly VerifyItem[];
  verdicts: (TimedVerdict | undefined)[];
  resolve: (verdicts: TimedVerdict[]) => void;
  reject: (error: Error) => void;
}

/** One worker thread and its current job. */
interface Lane {
  worker: Worker;
  begun: Int32Array;
  /** The current job and the indices of those of its items that were sent. */
  job: Job | undefined;
  sent: number[];
  /** Consecutive polls in which the same item was still running. */
  polls: number;
  lastBegun: number;
}

const POLL_MS = 250;
/** An item that needs more memory than this ends its own worker, not the process. */
const MEMORY_MB = 1024;

/**
 * Verifies batches of items in worker threads. An item that runs too long, or at which a worker dies, gets a verdict
 * that says so (`timed-out`, `worker-died`), and the others of its batch are verified again, so that the verdicts do
 * not depend on the number of threads. Memory is bounded by the batches that the caller has submitted.
 */
export class VerifyPool {
  readonly #threads: number;
  readonly #maxPolls: number;
  readonly #startWorker: (start: WorkerStart) => Worker;
  readonly #waiting: Job[] = [];
  readonly #lanes = new Set<Lane>();
  readonly #watch: NodeJS.Timeout;

  constructor({ threads, lastResortMs = 10_000, startWorker = startVerifyWorker }: PoolOptions) {
    this.#threads = threads;
    // Polls are counted, not the clock: while the machine sleeps there are no polls.
    this.#maxPolls = Math.max(2, Math.ceil(lastResortMs / POLL_MS));
    this.#startWorker = startWorker;
    this.#watch = setInterval(() => {
      for (const lane of this.#lanes) this.#poll(lane);
    }, POLL_MS);
  }

  /** Gives the verdicts on a batch, one per item, in order. Rejects only if no worker can be started or the pool closes. */
  verify(items: readonly VerifyItem[]): Promise<TimedVerdict[]> {
    return new Promise((resolve, reject) => {
      const verdicts = items.map(() => undefined);
      this.#waiting.push({ items, verdicts, resolve, reject });
      this.#assign();
    });
  }

  /** Ends the workers and rejects the batches that are not finished. */
  async close(): Promise<void> {
    clearInterval(this.#watch);
    const jobs = [...this.#waiting.splice(0), ...[...this.#lanes].flatMap(({ job }) => job ?? [])];
    for (const job of jobs) job.reject(new Error('The verifier was closed.'));
    const workers = [...this.#lanes].map(({ worker }) => worker);
    this.#lanes.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #assign(): void {
    while (this.#waiting.length > 0) {
      let lane = [...this.#lanes].find(({ job }) => job === undefined);
      if (lane === undefined && this.#lanes.size < this.#threads) lane = this.#start();
      if (lane === undefined) return;
      this.#send(lane, this.#waiting.shift()!);
    }
  }

  #start(): Lane {
    const begun = new SharedArrayBuffer(4);
    const lane: Lane = {
      worker: this.#startWorker({ begun }),
      begun: new Int32Array(begun).fill(IDLE),
      job: undefined,
      sent: [],
      polls: 0,
      lastBegun: IDLE,
    };
    let failure: unknown;
    lane.worker.on('message', (verdicts: TimedVerdict[]) => {
      this.#take(lane, verdicts);
    });
    lane.worker.on('error', (error) => {
      failure = error;
    });
    lane.worker.on('exit', () => {
      this.#retire(lane, 'worker-died', failure);
    });
    this.#lanes.add(lane);
    return lane;
  }

  #send(lane: Lane, job: Job): void {
    lane.sent = [...job.items.keys()].filter((index) => job.verdicts[index] === undefined);
    if (lane.sent.length === 0) {
      job.resolve(job.verdicts as TimedVerdict[]);
      return;
    }
    lane.job = job;
    lane.polls = 0;
    lane.worker.postMessage(lane.sent.map((index) => job.items[index]!));
  }

  #take(lane: Lane, verdicts: readonly TimedVerdict[]): void {
    const { job } = lane;
    if (!this.#lanes.has(lane) || job === undefined) return; // the lane was retired while its verdicts were arriving
    lane.sent.forEach((index, i) => {
      job.verdicts[index] = verdicts[i]!;
    });
    lane.job = undefined;
    job.resolve(job.verdicts as TimedVerdict[]);
    this.#assign();
  }

  /** Retires a worker that has been at the same item for too many polls. */
  #poll(lane: Lane): void {
    const now = Atomics.load(lane.begun, 0);
    lane.polls = lane.job !== undefined && now !== IDLE && now === lane.lastBegun ? lane.polls + 1 : 0;
    lane.lastBegun = now;
    if (lane.polls < this.#maxPolls) return;
    this.#retire(lane, 'timed-out');
    void lane.worker.terminate();
  }

  /** Removes a worker that has ended or hangs; the item it had begun is not tried again, the rest of its job is. */
  #retire(lane: Lane, reason: 'timed-out' | 'worker-died', failure?: unknown): void {
    if (!this.#lanes.delete(lane)) return;
    const { job } = lane;
    if (job !== undefined) {
      const begun = Atomics.load(lane.begun, 0);
      if (begun === IDLE) {
        // It died before it began, and so would the next.
        job.reject(new Error('a verifying thread could not be started', { cause: failure }));
      } else {
        job.verdicts[lane.sent[begun]!] = withoutVerdict(reason, lane.polls * POLL_MS);
        this.#waiting.unshift(job);
      }
    }
    this.#assign();
  }
}

function withoutVerdict(reason: 'timed-out' | 'worker-died', ms: number): TimedVerdict {
  return { correct: false, reason, stage: 'none', extracted: null, goldParsed: null, predParsed: null, ms };
}

function startVerifyWorker(start: WorkerStart): Worker {
  return new Worker(new URL('./verifyWorker.js', import.meta.url), {
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
}
