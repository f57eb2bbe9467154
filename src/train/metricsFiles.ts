/**
 * @file The account of a run, a line a step, and one for what was measured after it: metrics.jsonl has what follows from recipe,
 * data and build, and is the same in every run of them; speed.jsonl has what the machine made of it; TensorBoard's event files, where
 * they are asked for, have both.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../util/errors.js';
import { explained } from '../util/fileErrors.js';
import { writeFileAtomic } from '../util/files.js';
import { EventFile, removeEvents } from './eventFile.js';
import { flushMeanwhile, together, type Writing } from '../util/meanwhile.js';

/** JSON has null for what is no number. */
const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);

/** The line of a step in metrics.jsonl; for pairs it also has TRL's `rewards/…` and `logps/…`. */
export const lastingMetrics = z
  .object({
    /** Counts from 1. */
    step: z.number(),
    epoch: z.number(),
    loss: measured,
    /** The norm before clipping. */
    grad_norm: measured,
    learning_rate: z.number(),
    /** Tokens that have gone through the model, prompts included. */
    num_tokens: z.number(),
  })
  .catchall(measured);
export type LastingMetrics = z.output<typeof lastingMetrics>;

/** A line of metrics.jsonl and what speed.jsonl has of the same step. */
export interface StepMetrics extends LastingMetrics {
  tokens_per_second: number;
  /** The peak of this process, or of the GPU's allocator. */
  peak_memory_bytes: number;
}

/** The lines of the steps in a run's metrics.jsonl that are whole; none where there is no such file. */
export function stepLines(out: string): string[] {
  const path = join(out, METRICS);
  return existsSync(path) ? stepLinesIn(explained(path, () => readFileSync(path, 'utf8'))) : [];
}

const stepLinesIn = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"learning_rate":'));

/** What metrics.jsonl has of a step. */
export function lastingOf(metrics: StepMetrics): LastingMetrics {
  const lasting: LastingMetrics & Partial<StepMetrics> = { ...metrics };
  delete lasting.tokens_per_second;
  delete lasting.peak_memory_bytes;
  return lasting;
}

const METRICS = 'metrics.jsonl';
const SPEED = 'speed.jsonl';

/** Where metrics.jsonl ends after a step. */
export interface MetricsPosition {
  step: number;
  bytes: number;
}

export class MetricsFiles {
  readonly #metrics: Lines;
  readonly #speed: Lines;
  readonly #events: EventFile | undefined;

  /**
   * Begins the files of a run anew, or cuts them after the step of a state; event files go on in another one.
   * @throws UserError where metrics.jsonl is shorter than when the state was written
   */
  constructor(
    out: string,
    { tensorboard }: { tensorboard: boolean },
    { step, bytes }: MetricsPosition = { step: 0, bytes: 0 },
  ) {
    if (step === 0) removeEvents(out);
    const [metrics, speed] = [join(out, METRICS), join(out, SPEED)];
    this.#metrics = new Lines(metrics, headOf(metrics, bytes));
    this.#speed = new Lines(speed, firstLines(speed, step));
    if (tensorboard) this.#events = new EventFile(out, { after: step });
  }

  append(metrics: StepMetrics): void {
    const { step, tokens_per_second, peak_memory_bytes } = metrics;
    this.#metrics.append(JSON.stringify(lastingOf(metrics)));
    this.#speed.append(JSON.stringify({ step, tokens_per_second, peak_memory_bytes }));
    this.#events?.append(metrics);
  }

  /** Adds what was measured after a step. */
  appendMeasured(line: Readonly<Record<string, number>> & { step: number }): void {
    this.#metrics.append(JSON.stringify(line));
    this.#events?.append(line);
  }

  /** The step of the last lines. */
  last(): StepMetrics {
    const lasting = stepLinesIn(readFileSync(this.#metrics.path, 'utf8')).at(-1)!;
    const speed = readFileSync(this.#speed.path, 'utf8').trimEnd().split('\n').at(-1)!;
    const unknown = { tokens_per_second: NaN, peak_memory_bytes: NaN };
    return {
      ...lastingMetrics.parse(JSON.parse(lasting)),
      // Nothing follows from that file, and it may have been removed.
      ...(speed === '' ? unknown : (JSON.parse(speed) as typeof unknown)),
    };
  }

  /** Bytes of metrics.jsonl. */
  get bytes(): number {
    return this.#metrics.bytes;
  }

  /** Sees to it that the lines are on the disk, for a state that counts on them. */
  flush(): Writing {
    return together([this.#metrics, this.#speed].map(({ path }) => flushMeanwhile(path)));
  }
}

/** The first bytes of a file. */
function headOf(path: string, bytes: number): Uint8Array {
  if (bytes === 0) return new Uint8Array(0);
  const found = existsSync(path) ? explained(path, () => readFileSync(path)) : new Uint8Array(0);
  if (found.length < bytes || found[bytes - 1] !== 0x0a)
    throw new UserError(
      `${path} has not the ${bytes} bytes that it had when the state was written: put it back, or begin the run anew`,
    );
  return found.subarray(0, bytes);
}

function firstLines(path: string, lines: number): Uint8Array {
  const text = lines > 0 && existsSync(path) ? explained(path, () => readFileSync(path, 'utf8')) : '';
  const kept = text.split('\n').slice(0, -1).slice(0, lines);
  return Buffer.from(kept.map((line) => `${line}\n`).join(''));
}

class Lines {
  bytes: number;

  constructor(
    readonly path: string,
    kept: Uint8Array,
  ) {
    writeFileAtomic(path, kept); // a new file: the old one may be kept elsewhere as a hard link
    this.bytes = kept.length;
  }

  append(line: string): void {
    const text = `${line}\n`;
    explained(this.path, () => {
      appendFileSync(this.path, text);
    });
    this.bytes += Buffer.byteLength(text);
  }
}
