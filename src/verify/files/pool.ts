import { Worker } from 'node:worker_threads';
import type { Preset, Verdict } from '../verify.js';

/** What one call of the verifier needs. */
export interface VerifyItem {
  gold: string;
  pred: string;
  preset: Preset;
}

/** A verdict with its wall time in milliseconds; the two added reasons mean that there is none. */
export interface TimedVerdict extends Omit<Verdict, 'reason'> {
  reason: Verdict['reason'] | 'timed-out' | 'worker-died';
  ms: number;
}

/** What a worker is started with: the index, within the items it was last sent, of the one it has begun. */
export interface WorkerStart {
  begun: SharedArrayBuffer;
}

/** No item is under way. */
export const NOTHING = -1;

export interface PoolOptions {
  /** Worker threads at most; they are started as work comes. */
  threads: number;
  /** After how many milliseconds on one item a worker is ended. The verifier has budgets, so it never should be. */
  lastResortMs?: number;
  /** How a worker is started; tests put their own here. */
  startWorker?: (start: WorkerStart) => Worker;
}

interface Job {
  items: readonly VerifyItem[];
  verdicts: (TimedVerdict | undefined)[];
  resolve: (verdicts: TimedVerdict[]) => void;
  reject: (error: Error) => void;
}

/** One worker thread and what it is doing. */
interface Lane {
  worker: Worker;
  begun: Int32Array;
  /** The job under way and which of its items were sent. */
  job: Job | undefined;
  sent: number[];
  /** For how many looks in a row the same item has been under way. */
  looks: number;
  seen: number;
}

const LOOK_MS = 250;
/** A row that needs more than this ends its own worker, not the process. */
const MEMORY_MB = 1024;

/**
 * Verifies batches of items in worker threads. An item that outlasts the last resort, or at which a worker dies, gets a
 * verdict that says so (`timed-out`, `worker-died`) and the others of its batch are verified again, so that the verdicts
 * do not depend on the number of threads. Memory is bounded by what the caller has under way.
 */
export class VerifyPool {
  readonly #threads: number;
  readonly #looksAtMost: number;
  readonly #startWorker: (start: WorkerStart) => Worker;
  readonly #waiting: Job[] = [];
  readonly #lanes = new Set<Lane>();
  readonly #watch: NodeJS.Timeout;

  constructor({ threads, lastResortMs = 10_000, startWorker = startVerifyWorker }: PoolOptions) {
    this.#threads = threads;
    // Looks are counted, not the clock: while the machine sleeps nobody looks.
    this.#looksAtMost = Math.max(2, Math.ceil(lastResortMs / LOOK_MS));
    this.#startWorker = startWorker;
    this.#watch = setInterval(() => {
      for (const lane of this.#lanes) this.#look(lane);
    }, LOOK_MS);
  }

  /** The verdicts on a batch, one an item, in order. Rejects only where a worker cannot be started or the pool is closed. */
  verify(items: readonly VerifyItem[]): Promise<TimedVerdict[]> {
    return new Promise((resolve, reject) => {
      const verdicts = items.map(() => undefined);
      this.#waiting.push({ items, verdicts, resolve, reject });
      this.#assign();
    });
  }

  /** Ends the workers; batches that are under way are given up. */
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
      begun: new Int32Array(begun).fill(NOTHING),
      job: undefined,
      sent: [],
      looks: 0,
      seen: NOTHING,
    };
    let failure: unknown;
    lane.worker.on('message', (verdicts: TimedVerdict[]) => {
      this.#take(lane, verdicts);
    });
    lane.worker.on('error', (error) => {
      failure = error;
    });
    lane.worker.on('exit', () => {
      this.#lose(lane, 'worker-died', failure);
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
    lane.looks = 0;
    lane.worker.postMessage(lane.sent.map((index) => job.items[index]!));
  }

  #take(lane: Lane, verdicts: readonly TimedVerdict[]): void {
    const { job } = lane;
    if (!this.#lanes.has(lane) || job === undefined) return; // it was given up while its answer was on the way
    lane.sent.forEach((index, i) => {
      job.verdicts[index] = verdicts[i]!;
    });
    lane.job = undefined;
    job.resolve(job.verdicts as TimedVerdict[]);
    this.#assign();
  }

  #look(lane: Lane): void {
    const now = Atomics.load(lane.begun, 0);
    lane.looks = lane.job !== undefined && now !== NOTHING && now === lane.seen ? lane.looks + 1 : 0;
    lane.seen = now;
    if (lane.looks < this.#looksAtMost) return;
    this.#lose(lane, 'timed-out');
    void lane.worker.terminate();
  }

  /** Goes on without a worker that has ended or is stuck; the item it had begun gets no other chance. */
  #lose(lane: Lane, reason: 'timed-out' | 'worker-died', failure?: unknown): void {
    if (!this.#lanes.delete(lane)) return;
    const { job } = lane;
    if (job !== undefined) {
      const begun = Atomics.load(lane.begun, 0);
      if (begun === NOTHING) {
        // It died before it began: the next would as well.
        job.reject(new Error('a verifying thread could not be started', { cause: failure }));
      } else {
        job.verdicts[lane.sent[begun]!] = lost(reason, lane.looks * LOOK_MS);
        this.#waiting.unshift(job);
      }
    }
    this.#assign();
  }
}

function lost(reason: 'timed-out' | 'worker-died', ms: number): TimedVerdict {
  return { correct: false, reason, stage: 'none', extracted: null, goldParsed: null, predParsed: null, ms };
}

function startVerifyWorker(start: WorkerStart): Worker {
  return new Worker(new URL('./verifyWorker.js', import.meta.url), {
    workerData: start,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
}
