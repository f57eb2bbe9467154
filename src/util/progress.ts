/** @file Shows the progress of long work: a bar on a terminal, lines elsewhere. */

import { MultiBar } from 'cli-progress';
import { standardError } from './output.js';
import { inLine, printable } from './printable.js';

/** Receives the reports of long work: a bar on a terminal, plain lines elsewhere, nothing in tests. */
export interface Progress {
  /**
   * Reports `done` of `total` units. A new total or a smaller `done` begins a new phase with its own estimate.
   * @param picture the note with curves of so many characters in it, which a terminal shows instead where it has room for all of it
   */
  update(done: number, total: number, note?: string, picture?: (width: number) => string): void;
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

/**
 * Makes a bar with an estimate if the stream is a terminal, else lines: at most one every 10 s or 10 %, none for work of
 * less than 2 s, and a last one for where the work has ended.
 */
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
  /** The bar on the terminal, whose line must not be written over. */
  static #drawn: MultiBar | undefined;
  readonly #title: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #estimate: Estimate;
  #bars: MultiBar | undefined;
  #bar: ReturnType<MultiBar['create']> | undefined;
  #note = '';
  #picture: ((width: number) => string) | undefined;

  constructor(title: string, stream: NodeJS.WriteStream, now: () => number) {
    this.#title = title;
    this.#stream = stream;
    this.#estimate = new Estimate(now);
  }

  update(done: number, total: number, note = '', picture?: (width: number) => string): void {
    this.#estimate.update(done, total);
    this.#note = note;
    this.#picture = picture;
    if (this.#bars === undefined) {
      this.#bars = new MultiBar({
        stream: this.#stream,
        format: () => this.#render(),
        clearOnComplete: true,
        forceRedraw: true,
        fps: 5,
        // Cursor and wrapping are not changed, so that nothing has to be restored, even where the process is killed; the
        // library's own handler would intercept Ctrl-C. (`linewrap: null` switches wrapping off, as `false` does.)
        hideCursor: false,
        linewrap: true,
        gracefulExit: false,
      });
      this.#bar = this.#bars.create(Math.max(1, total), done);
      BarProgress.#drawn = this.#bars;
    }
    this.#bar?.setTotal(Math.max(1, total));
    this.#bar?.update(done);
  }

  log(line: string): void {
    const text = `${printable(line)}\n`;
    if (BarProgress.#drawn === undefined) this.#stream.write(text);
    else BarProgress.#drawn.log(text);
  }

  finish(note = ''): void {
    this.#bars?.update();
    this.#bars?.stop();
    if (BarProgress.#drawn === this.#bars) BarProgress.#drawn = undefined;
    this.#bars = undefined;
    if (note !== '') this.log(note);
  }

  /** The note with curves, where it is no longer than the room. */
  #pictured(room: number): string | undefined {
    return CURVES.map((width) => this.#picture?.(width)).find(
      (note) => note !== undefined && this.#estimate.describe(note).length <= room,
    );
  }

  #render(): string {
    // A part of a wrapped line would remain at the next redraw.
    const room = Math.max(20, (this.#stream.columns || 80) - 1) - this.#title.length - 2;
    // The bar gives way first, then the last parts of the note: what is left of a figure would mislead.
    const parts = (this.#pictured(room - SHORTEST_BAR) ?? this.#note).split(', ');
    const describe = () => this.#estimate.describe(parts.join(', '));
    while (parts.length > 1 && describe().length > room - SHORTEST_BAR) parts.pop();
    const text = describe();
    const width = Math.max(SHORTEST_BAR, Math.min(LONGEST_BAR, room - text.length));
    const filled = Math.round((this.#estimate.percent / 100) * width);
    const line = `${this.#title} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${text}`;
    return line.slice(0, room + this.#title.length + 2);
  }
}

/** Characters of a curve beside a note: as many as there is room for. */
const CURVES = [24, 16, 10];

const LONGEST_BAR = 20;
const SHORTEST_BAR = 4;

const LINE_INTERVAL_MS = 10_000;
const STEP_PERCENT = 10;
/** Short work must not print ten lines in a second, nor one that is its first and last word. */
const STEP_INTERVAL_MS = 2_000;

class LineProgress implements Progress {
  readonly #title: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #now: () => number;
  readonly #estimate: Estimate;
  #lastTime: number | undefined;
  #lastPercent = 0;
  /** The present state, unless it was the last line. */
  #owed: string | undefined;
  #hasWritten = false;

  constructor(title: string, stream: NodeJS.WriteStream, now: () => number) {
    this.#title = title;
    this.#stream = stream;
    this.#now = now;
    this.#estimate = new Estimate(now);
  }

  update(done: number, total: number, note = ''): void {
    if (this.#estimate.update(done, total)) this.#lastPercent = this.#estimate.percent;
    const now = this.#now();
    this.#lastTime ??= now;
    const waited = now - this.#lastTime;
    const gained = this.#estimate.percent - this.#lastPercent;
    const step = this.#hasWritten ? STEP_PERCENT : 0;
    this.#owed = `${this.#title}: ${this.#estimate.describe(note)}`;
    if (waited < LINE_INTERVAL_MS && (gained < step || waited < STEP_INTERVAL_MS)) return;
    this.#lastTime = now;
    this.#lastPercent = this.#estimate.percent;
    this.#write();
  }

  #write(): void {
    if (this.#owed !== undefined) this.log(inLine(this.#owed));
    this.#owed = undefined;
    this.#hasWritten = true;
  }

  log(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }

  finish(note = ''): void {
    if (this.#hasWritten) this.#write();
    if (note !== '') this.log(note);
  }
}
