/** @file Keeps a scheduler at work while there is some, and sleeps otherwise. Knows nothing of requests. */
import { setImmediate } from 'node:timers/promises';
import type { Scheduler } from '../generate/scheduler.js';
import type { Sequence } from '../generate/sequence.js';
import { asError } from '../util/errors.js';

/** Who waits for a sequence. */
export interface Listener {
  /** It has a token more. */
  advanced(): void;
  /** It has ended. */
  finished(): void;
  /** It has been given up. */
  failed(error: unknown): void;
}

/** What a loop is doing. */
export interface Load {
  /** Sequences in the batch. */
  running: number;
  /** Sequences that wait for a row, and other work that waits for its turn. */
  waiting: number;
}

/** Decodes sequences as they come, and does other work with the model between two steps. */
export class DecodingLoop {
  readonly #open: () => Scheduler;
  #scheduler: Scheduler;
  readonly #listeners = new Map<Sequence, Listener>();
  /** Sequences that a failed step had not begun and that have their second chance. */
  readonly #again = new WeakSet<Sequence>();
  #work: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #closed = false;
  readonly #running: Promise<void>;

  /**
   * @param open makes a scheduler; another one after a step that failed
   * @param onStep called after every step with the number of tokens that it gave
   */
  constructor(
    open: () => Scheduler,
    readonly onStep: (tokens: number) => void = () => undefined,
  ) {
    this.#open = open;
    this.#scheduler = open();
    this.#running = this.#run();
  }

  get load(): Load {
    const { running, waiting } = this.#scheduler.load;
    return { running, waiting: waiting + this.#work.length };
  }

  submit(sequence: Sequence, listener: Listener): void {
    this.#listeners.set(sequence, listener);
    this.#scheduler.submit(sequence);
    this.#wake?.();
  }

  /** Forgets a sequence; its listener hears nothing more of it. */
  cancel(sequence: Sequence): void {
    if (!this.#listeners.delete(sequence)) return;
    this.#scheduler.cancel(sequence);
    this.#wake?.();
  }

  /** Does something with the model when no step is under way, one at a time. */
  work<T>(body: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#work.push(() => {
        try {
          resolve(body());
        } catch (error) {
          reject(asError(error));
        }
      });
      this.#wake?.();
    });
  }

  /** Ends it: whoever still waits is told the reason. Resolves when the model is not used any more. */
  async close(reason: Error): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    for (const [sequence, listener] of [...this.#listeners]) {
      this.cancel(sequence);
      listener.failed(reason);
    }
    await this.#running;
    this.#scheduler[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#work.shift()?.();
      if (!this.#scheduler.isIdle) await this.#step();
      else if (this.#work.length === 0) await this.#sleep();
      await setImmediate(); // connections, signals and timers get their turn
    }
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
      if (this.#closed) this.#wake();
    });
  }

  async #step(): Promise<void> {
    try {
      const { advanced, finished } = await this.#scheduler.tick();
      this.onStep(advanced.length);
      for (const sequence of advanced) this.#tell(sequence, 'advanced');
      for (const sequence of finished) this.#tell(sequence, 'finished');
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Tells a listener. One that fails is of no consequence for the others. */
  #tell(sequence: Sequence, what: 'advanced' | 'finished'): void {
    const listener = this.#listeners.get(sequence);
    if (!listener) return;
    if (what === 'finished') this.#listeners.delete(sequence);
    try {
      listener[what]();
    } catch (error) {
      this.cancel(sequence);
      listener.failed(error);
    }
  }

  /**
   * Begins with another scheduler after a step that failed. What that step had under way is given up; who has no token yet may only
   * have waited, and is tried once more.
   */
  #giveUp(error: unknown): void {
    this.#scheduler[Symbol.dispose]();
    this.#scheduler = this.#open();
    for (const [sequence, listener] of [...this.#listeners]) {
      if (sequence.ids.length === 0 && !this.#again.has(sequence)) {
        this.#again.add(sequence);
        this.#scheduler.submit(sequence);
      } else {
        this.#listeners.delete(sequence);
        listener.failed(error);
      }
    }
  }
}
