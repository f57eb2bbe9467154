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
    /** Tokens that have been trained on, prompts included; those that are only scored do not count. */
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

/** The line of a step among those of a run; where the run went on without some, they are fewer than its steps. */
export const lineOf = (lines: readonly string[], step: number): string | undefined =>
  lines.find((line) => line.startsWith(`{"step":${step},`));

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

/** The same with what speed.jsonl has of that step, where it has anything. */
export function withSpeed(out: string, lasting: LastingMetrics): StepMetrics {
  const path = join(out, SPEED);
  const lines = existsSync(path) ? explained(path, () => readFileSync(path, 'utf8')).split('\n') : [];
  const line = lineOf(lines, lasting.step);
  const none = { tokens_per_second: NaN, peak_memory_bytes: NaN };
  return { ...lasting, ...(line === undefined ? none : (JSON.parse(line) as typeof none)) };
}

const METRICS = 'metrics.jsonl';
const SPEED = 'speed.jsonl';

/** Where metrics.jsonl ends after a step. */
export interface MetricsPosition {
  step: number;
  bytes: number;
  /** Go on with the lines that there are where it does not reach so far. */
  mayBeGone: boolean;
}

/** How the files of a run begin. */
export interface Beginning {
  /** Where the run goes on; without it it is new. */
  after?: MetricsPosition;
  /** Called before any file is touched, when nothing refuses the run any more. */
  begin: () => void;
}

/** The files that are open. */
interface Files {
  metrics: Lines;
  speed: Lines;
  events: EventFile | undefined;
}

export class MetricsFiles {
  #files: Files | undefined;
  readonly #open: () => Files;

  /**
   * Cuts the files of a run after the step of a state; event files go on in another one. Those of a run that begins are made with
   * its first line, so that what refuses a run before it leaves an earlier one's files as they are.
   * @throws UserError where metrics.jsonl is shorter than when the state was written
   */
  constructor(out: string, { tensorboard }: { tensorboard: boolean }, { after, begin }: Beginning) {
    const [metrics, speed] = [join(out, METRICS), join(out, SPEED)];
    const head = after ? headOf(metrics, after) : new Uint8Array(0);
    const step = after?.step ?? 0;
    this.#open = () => {
      begin();
      if (!after) removeEvents(out);
      return {
        metrics: new Lines(metrics, head),
        speed: new Lines(speed, linesUpTo(speed, step)),
        events: tensorboard ? new EventFile(out, { after: step }) : undefined,
      };
    };
    if (after) this.#files = this.#open();
  }

  append(metrics: StepMetrics): void {
    const { step, tokens_per_second, peak_memory_bytes } = metrics;
    const files = this.#opened;
    files.metrics.append(JSON.stringify(lastingOf(metrics)));
    files.speed.append(JSON.stringify({ step, tokens_per_second, peak_memory_bytes }));
    files.events?.append(metrics);
  }

  /** Adds what was measured after a step. */
  appendMeasured(line: Readonly<Record<string, number>> & { step: number }): void {
    const { metrics, events } = this.#opened;
    metrics.append(JSON.stringify(line));
    events?.append(line);
  }

  /** Bytes of metrics.jsonl. */
  get bytes(): number {
    return this.#opened.metrics.bytes;
  }

  /** Sees to it that the lines are on the disk, for a state that counts on them. */
  flush(): Writing {
    const { metrics, speed } = this.#opened;
    return together([metrics, speed].map(({ path }) => flushMeanwhile(path)));
  }

  get #opened(): Files {
    return (this.#files ??= this.#open());
  }
}

/** The first bytes of a file, or as many of its lines as are whole. */
function headOf(path: string, { bytes, mayBeGone }: MetricsPosition): Uint8Array {
  if (bytes === 0) return new Uint8Array(0);
  const found = existsSync(path) ? explained(path, () => readFileSync(path)) : Buffer.alloc(0);
  if (found.length >= bytes && found[bytes - 1] === LINE_END) return found.subarray(0, bytes);
  if (mayBeGone) return found.subarray(0, found.lastIndexOf(LINE_END, bytes - 1) + 1);
  throw new UserError(
    `${path} has not the ${bytes} bytes that it had when the state was written: put it back; with --allow-changes the run goes on behind the lines that there are`,
  );
}

const LINE_END = 0x0a;

/** The whole lines of a file that are of a step up to `step`. */
function linesUpTo(path: string, step: number): Uint8Array {
  const text = step > 0 && existsSync(path) ? explained(path, () => readFileSync(path, 'utf8')) : '';
  const kept = text
    .split('\n')
    .slice(0, -1)
    .filter((line) => Number(/^\{"step":(\d+),/.exec(line)?.[1]) <= step);
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
