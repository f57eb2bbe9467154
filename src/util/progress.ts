/** @file Shows the progress of long work: a bar on a terminal, lines elsewhere. */

import { MultiBar } from 'cli-progress';
import { standardError } from './output.js';
import { inLine, printable } from './printable.js';

/** Receives the reports of long work: a bar on a terminal, plain lines elsewhere, nothing in tests. */
export interface Progress {
  /** Reports `done` of `total` units. A new total or a smaller `done` begins a new phase with its own estimate. */
  update(done: number, total: number, note?: string): void;
  /** Writes a line of its own, which stays above the bar. */
  log(line: string): void;
  finish(note?: string): void;
}

export const silentProgress: Progress = {
  update: () => undefined,
  log: () => undefined,
  finish: () => undefined,
};

export interface ProgressOptions {
  /** Standard error by default, so that standard output is left to data. */
  stream?: NodeJS.WriteStream;
  /** Gives milliseconds that never go backwards; tests have their own clock. */
  now?: () => number;
}

/** Makes a bar with an estimate if the stream is a terminal, else lines, at most one every 10 s or 10 %. */
export function createProgress(title: string, options: ProgressOptions = {}): Progress {
  const { stream = standardError(), now = () => performance.now() } = options;
  return stream.isTTY ? new BarProgress(title, stream, now) : new LineProgress(title, stream, now);
}

/** Estimates the time that is left from the time that the current phase has taken. */
class Estimate {
  readonly #now: () => number;
  #started = 0;
  #first = 0;
  #done = 0;
  #total = -1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes in an update; returns true if it begins a phase. */
  update(done: number, total: number): boolean {
    const begins = total !== this.#total || done < this.#done;
    if (begins) {
      this.#started = this.#now();
      this.#first = done;
    }
    this.#done = done;
    this.#total = total;
    return begins;
  }

  get percent(): number {
    return this.#total > 0 ? Math.min(100, Math.floor((100 * this.#done) / this.#total)) : 0;
  }

  /** Writes "42 %, 3:20 left, note", without the time until something has been done. */
  describe(note: string): string {
    const gained = this.#done - this.#first;
    const parts = [`${this.percent} %`];
    if (gained > 0 && this.#done < this.#total) {
      const seconds = ((this.#now() - this.#started) / 1000) * ((this.#total - this.#done) / gained);
      parts.push(`${formatDuration(seconds)} left`);
    }
    if (note !== '') parts.push(note);
    return parts.join(', ');
  }
}

/** Writes seconds as m:ss or h:mm:ss. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

class BarProgress implements Progress {
  readonly #title: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #estimate: Estimate;
  #bars: MultiBar | undefined;
  #bar: ReturnType<MultiBar['create']> | undefined;
  #note = '';

  constructor(title: string, stream: NodeJS.WriteStream, now: () => number) {
    this.#title = title;
    this.#stream = stream;
    this.#estimate = new Estimate(now);
  }

  update(done: number, total: number, note = ''): void {
    this.#estimate.update(done, total);
    this.#note = note;
    if (this.#bars === undefined) {
      this.#bars = new MultiBar({
        stream: this.#stream,
        format: () => this.#render(),
        clearOnComplete: true,
        forceRedraw: true,
        fps: 5,
        // Cursor and wrapping are not changed, so nothing has to be restored on a signal; the library's own handler
        // would intercept Ctrl-C.
        hideCursor: null,
        linewrap: null,
        gracefulExit: false,
      });
      this.#bar = this.#bars.create(Math.max(1, total), done);
    }
    this.#bar?.setTotal(Math.max(1, total));
    this.#bar?.update(done);
  }

  log(line: string): void {
    if (this.#bars === undefined) this.#stream.write(`${printable(line)}\n`);
    else this.#bars.log(`${printable(line)}\n`);
  }

  finish(note = ''): void {
    this.#bars?.update();
    this.#bars?.stop();
    this.#bars = undefined;
    if (note !== '') this.log(note);
  }

  #render(): string {
    const filled = Math.round(this.#estimate.percent / 5);
    const bar = '█'.repeat(filled) + '░'.repeat(20 - filled);
    const line = inLine(`${this.#title} ${bar} ${this.#estimate.describe(this.#note)}`);
    // A part of a wrapped line would remain at the next redraw.
    return line.slice(0, Math.max(20, (this.#stream.columns || 80) - 1));
  }
}

const LINE_INTERVAL_MS = 10_000;
const STEP_PERCENT = 10;
/** Short work must not print ten lines in a second. */
const STEP_INTERVAL_MS = 2_000;

class LineProgress implements Progress {
  readonly #title: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #estimate: Estimate;
  #lastTime = -Infinity;
  #lastPercent = 0;

  constructor(title: string, stream: NodeJS.WriteStream, now: () => number) {
    this.#title = title;
    this.#stream = stream;
    this.#now = now;
    this.#estimate = new Estimate(now);
  }

  update(done: number, total: number, note = ''): void {
    if (this.#estimate.update(done, total)) this.#lastPercent = this.#estimate.percent;
    const waited = this.#now() - this.#lastTime;
    const gained = this.#estimate.percent - this.#lastPercent;
    if (waited < LINE_INTERVAL_MS && (gained < STEP_PERCENT || waited < STEP_INTERVAL_MS)) return;
    this.#lastTime = this.#now();
    this.#lastPercent = this.#estimate.percent;
    this.log(inLine(`${this.#title}: ${this.#estimate.describe(note)}`));
  }

  log(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }

  finish(note = ''): void {
    if (note !== '') this.log(note);
  }
}
