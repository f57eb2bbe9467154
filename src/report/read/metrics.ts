/** @file The curves of a run's metrics.jsonl and speed.jsonl, read whole or as they grow. */
import { join } from 'node:path';
import { own } from '../../util/own.js';
import type { Curves, TrainingRun } from '../model.js';
import { CurveBuilder, type Line } from './curveBuilder.js';
import { TailedFile } from './tail.js';

/** Names of what is measured beside the steps, at most; further ones are left out. */
const MOST_MEASURED = 64;
/** Bytes of both files that are read at a time, of which speed.jsonl has fewer a step. */
const [METRICS_BYTES, SPEED_BYTES] = [1 << 22, 1 << 21];
/** The last steps, of which the time of the next ones is foretold. */
const RECENT = 32;

interface StepLine extends Line {
  step: number;
}

/** What the time of the next steps is foretold from. */
interface RecentStep {
  step: number;
  tokens: number | null | undefined;
  speed: number | null | undefined;
}

/**
 * A line of numbers with a step; undefined where it is something else. A number beyond those of JavaScript is none. By hand, since a
 * run has tens of thousands.
 */
function parsed(text: string): StepLine | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined; // the last line of a run that is being written
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return undefined;
  const numbers = line as Line;
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== null && typeof value !== 'number') return undefined;
    if (value !== null && !Number.isFinite(value)) numbers[name] = null;
  }
  return typeof numbers.step === 'number' ? (numbers as StepLine) : undefined;
}

/** The steps of a run, with tokens a second and memory, which stand in a file of their own. */
export class RunMetrics {
  readonly #metrics: TailedFile;
  readonly #speed: TailedFile;
  #steps = new CurveBuilder();
  #measured = new Map<string, CurveBuilder>();
  /** Lines of steps whose speed has not come yet. */
  #waiting: StepLine[] = [];
  #speeds = new Map<number, StepLine>();
  /** The last step of speed.jsonl, and those that are drawn without their speed because it did not come. */
  #lastSpeed = -Infinity;
  #without = new Set<number>();
  #recent: RecentStep[] = [];
  #last: StepLine | undefined;
  #latest = new Map<string, number>();

  constructor(dir: string) {
    this.#metrics = new TailedFile(join(dir, 'metrics.jsonl'));
    this.#speed = new TailedFile(join(dir, 'speed.jsonl'));
  }

  /** Its last step; undefined where there is none. */
  get last(): Readonly<StepLine> | undefined {
    return this.#last;
  }

  /** The last number of each series. */
  get latest(): ReadonlyMap<string, number> {
    return this.#latest;
  }

  get curves(): Curves {
    return this.#steps.curves;
  }

  get measured(): TrainingRun['measured'] {
    return [...this.#measured].map(([name, { curves }]) => ({
      name,
      steps: curves.steps,
      values: curves.series[0]!.mean,
    }));
  }

  /** The first points that have changed since this was asked for: of the steps, and of what was measured, by its name. */
  takeChanged(): { steps: number; measured: Map<string, number> } {
    return {
      steps: this.#steps.takeChanged(),
      measured: new Map([...this.#measured].map(([name, builder]) => [name, builder.takeChanged()])),
    };
  }

  /** When the files were changed last, in milliseconds since 1970; undefined where there are none. */
  get changed(): number | undefined {
    const times = [this.#metrics.changed, this.#speed.changed].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** Seconds of a step, by the tokens of the last ones; undefined where it is not known. */
  get stepSeconds(): number | undefined {
    const [first] = this.#recent;
    const last = this.#recent.at(-1);
    const tokens = (last?.tokens ?? NaN) - (first?.tokens ?? NaN);
    const speeds = this.#recent.flatMap(({ speed }) =>
      typeof speed === 'number' && speed > 0 ? [1 / speed] : [],
    );
    if (!last || !first || last.step === first.step || speeds.length === 0) return undefined;
    const seconds =
      ((tokens / (last.step - first.step)) * speeds.reduce((sum, one) => sum + one, 0)) / speeds.length;
    return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
  }

  /**
   * Reads what has been added. Where the run was cut back, all is read again.
   * @param isWhole waits for nothing that is not there
   * @returns whether anything changed
   */
  poll(isWhole = false): boolean {
    const before = this.#waiting.length;
    let found = this.#read();
    // One of both files alone may tell that the run was cut back.
    for (let round = 0; found.isReset && round < 3; round++) {
      this.#forget();
      found = { ...this.#read(), hasRead: true };
    }
    const late = found.isReset ? 0 : Math.min(before, this.#waiting.length);
    return this.#draw(isWhole ? Infinity : late) || found.hasRead;
  }

  /** Reads both files to their ends, or until one of them turns out to be another. */
  #read(): { hasRead: boolean; isReset: boolean } {
    const found = { hasRead: false, isReset: false };
    const reset = () => {
      found.isReset = true;
    };
    for (;;) {
      const metrics = this.#metrics.poll({ reset, line: this.#takeLine }, METRICS_BYTES);
      const speed = this.#speed.poll({ reset, line: this.#takeSpeed }, SPEED_BYTES);
      found.hasRead ||= metrics.hasRead || speed.hasRead;
      if (found.isReset || (metrics.isAll && speed.isAll)) return found;
      this.#draw(0);
    }
  }

  #forget(): void {
    this.#metrics.forget();
    this.#speed.forget();
    this.#steps = new CurveBuilder();
    this.#measured = new Map();
    this.#waiting = [];
    this.#speeds = new Map();
    this.#lastSpeed = -Infinity;
    this.#without = new Set();
    this.#recent = [];
    this.#last = undefined;
    this.#latest = new Map();
  }

  readonly #takeLine = (text: string): void => {
    const line = parsed(text);
    if (!line) return;
    if ('learning_rate' in line) this.#waiting.push(line);
    else this.#measure(line);
  };

  readonly #takeSpeed = (text: string): void => {
    const line = parsed(text);
    if (!line) return;
    this.#lastSpeed = Math.max(this.#lastSpeed, line.step);
    // It comes too late for the place where it belongs: the next look reads all again.
    if (this.#without.has(line.step)) this.#metrics.distrust();
    this.#speeds.set(line.step, line);
  };

  #measure(line: StepLine): void {
    for (const [name, value] of Object.entries(line)) {
      if (name === 'step') continue;
      const builder = this.#measured.get(name) ?? new CurveBuilder();
      if (!this.#measured.has(name) && this.#measured.size === MOST_MEASURED) continue;
      this.#measured.set(name, builder);
      builder.add(line.step, { value });
    }
  }

  /**
   * Draws the lines whose speed is known, or does not come.
   * @param late so many are not waited for any more
   */
  #draw(late: number): boolean {
    let drawn = 0;
    for (const line of this.#waiting) {
      const speed = this.#speeds.get(line.step);
      if (!speed && this.#lastSpeed < line.step && drawn >= late) break;
      drawn++;
      if (this.#last && line.step <= this.#last.step) continue;
      if (!speed) this.#without.add(line.step);
      this.#drawLine(line, speed);
    }
    this.#waiting.splice(0, drawn);
    const { step = -Infinity } = this.#last ?? {};
    for (const known of this.#speeds.keys()) if (known <= step) this.#speeds.delete(known);
    if (this.#without.size > RECENT) this.#without = new Set([...this.#without].slice(-RECENT));
    return drawn > 0;
  }

  #drawLine(line: StepLine, speed: StepLine | undefined): void {
    this.#steps.add(line.step, line, speed);
    this.#last = line;
    for (const { name } of this.#steps.curves.series) {
      const value = own(line, name) ?? own(speed ?? {}, name);
      if (typeof value === 'number') this.#latest.set(name, value);
    }
    const { step, num_tokens: tokens, tokens_per_second: second } = line;
    this.#recent.push({ step, tokens, speed: second ?? speed?.tokens_per_second });
    if (this.#recent.length > RECENT) this.#recent.shift();
  }
}
