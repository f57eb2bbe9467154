/** @file One model and the sequences that it decodes: they wait, join a batch, step together and leave it. */
import type { Transformer } from '../models/transformer.js';
import { fromArray, indices } from '../torch/data.js';
import * as ops from '../torch/ops.js';
import { scope, type Tensor } from '../torch/tensor.js';
import { Decoder } from './decoder.js';
import { measure, readLogps, rowsOf } from './measure.js';
import { chooseTokens } from './sampling.js';
import type { Sequence } from './sequence.js';

/** Prompt tokens that go through the model at once. */
const PREFILL_TOKENS = 4096;

export interface LaneOptions {
  /** Sequences at a time. */
  rows: number;
  /** Bytes for keys and values, without which rows wait. */
  cacheBytes: number;
  /** Sequences join as soon as a row is free; else from a quarter free on, which takes fewer and larger products. */
  eager?: boolean;
}

/** What a step did. */
export interface Step {
  /** Sequences that a token was drawn for. */
  advanced: readonly Sequence[];
  /** Sequences that are not in the batch any more: they have ended, or another model goes on with them. */
  left: readonly Sequence[];
}

/** A model's batch and who waits for a place in it. Batches stay full: as responses end, waiting ones take their places. */
export class Lane implements Disposable {
  readonly waiting: Sequence[] = [];
  #active: Sequence[] = [];
  #decoder: Decoder | undefined;
  #filling = true;

  /** @param name of the model, as sequences name it */
  constructor(
    readonly name: string | undefined,
    readonly model: Transformer,
    readonly stopIds: ReadonlySet<number>,
    readonly options: LaneOptions,
  ) {}

  get isIdle(): boolean {
    return this.#active.length === 0 && this.waiting.length === 0;
  }

  /** Sequences in the batch. */
  get running(): number {
    return this.#active.length;
  }

  /** Whether there are places, and nobody waits for one. */
  get wantsMore(): boolean {
    return this.waiting.length === 0 && this.#isFilling;
  }

  /** Rows are filled from a quarter free on, and then until none is free or nothing waits; `eager` ones at any time. */
  get #isFilling(): boolean {
    const { rows, eager = false } = this.options;
    const active = this.#active.length;
    return active < rows && (eager || this.#filling || active <= Math.floor(rows * 0.75));
  }

  /** Draws a token for the sequences that join, where there are some, or for all that are in the batch. */
  async step(): Promise<Step> {
    this.#dropCancelled();
    if (this.isIdle) return { advanced: [], left: [] };
    const decoder = this.#opened();
    const joining = this.#isFilling ? this.#takeWaiting(decoder) : [];
    const isJoin = (this.#filling = joining.length > 0);
    if (!isJoin) this.#makeRoom(decoder);
    const changed = isJoin ? joining : this.#active;
    if (changed.every(({ replayed }) => replayed)) {
      passOver(decoder, changed, isJoin);
      await Promise.all(changed.map((sequence) => sequence.advance(0, this.stopIds)));
    } else {
      using logits = nextLogits(decoder, changed, isJoin);
      await advanceAll(logits, changed, this.stopIds);
    }
    if (isJoin) this.#active.push(...changed);
    this.#active.forEach((sequence, row) => {
      // What was taken back, or only looked at, is forgotten here too; the newest token is read with the next step.
      const length = sequence.length - 1;
      if (decoder.lengthOf(row) > length) decoder.shorten(row, length);
    });
    const left = this.#leave(({ finishReason, model }) => finishReason !== undefined || model !== this.name);
    return { advanced: changed.filter(({ replayed }) => !replayed), left };
  }

  #opened(): Decoder {
    // With long prompts first, memory is at its highest early on.
    const first = this.waiting.slice(0, this.options.rows).map(({ length }) => length);
    return (this.#decoder ??= new Decoder(this.model, first, this.options.cacheBytes));
  }

  #dropCancelled(): void {
    for (let i = this.waiting.length - 1; i >= 0; i--)
      if (this.waiting[i]!.cancelled) this.waiting.splice(i, 1);
    this.#leave(({ cancelled }) => cancelled);
  }

  /** Lets sequences go. @returns them */
  #leave(isGone: (sequence: Sequence) => boolean): Sequence[] {
    const rows = new Set(this.#active.flatMap((sequence, row) => (isGone(sequence) ? [row] : [])));
    if (rows.size === 0) return [];
    const before = this.#active;
    this.#active = this.#decoder!.leave(rows).map((row) => before[row]!);
    return Array.from(rows, (row) => before[row]!);
  }

  /**
   * The next ones for at most the rows that are free and `PREFILL_TOKENS` tokens of different prompts, as far as there is memory
   * for them; one where nothing else is in the batch.
   */
  #takeWaiting(decoder: Decoder): Sequence[] {
    const { waiting } = this;
    const room = this.options.rows - this.#active.length;
    let tokens = 0;
    const lengths: number[] = [];
    while (lengths.length < Math.min(room, waiting.length)) {
      const next = waiting[lengths.length]!;
      const isFirst = lengths.length === 0;
      if (next.ids.length > 0 || next.promptIds !== waiting[lengths.length - 1]?.promptIds)
        tokens += next.length;
      if (!isFirst && tokens > PREFILL_TOKENS) break;
      if (!(isFirst && decoder.rows === 0) && !decoder.fits([...lengths, next.length])) break;
      lengths.push(next.length);
    }
    return waiting.splice(0, lengths.length);
  }

  /**
   * Sends sequences back until there is memory for a token more in each row: those with the shortest responses, which are
   * soonest computed again. One that is alone stays, and the decoder says what is wrong.
   */
  #makeRoom(decoder: Decoder): void {
    while (this.#active.length > 1 && !decoder.canStep) {
      const fewest = Math.min(...this.#active.map(({ ids }) => ids.length));
      const row = this.#active.findLastIndex(({ ids }) => ids.length === fewest);
      this.waiting.unshift(this.#active[row]!);
      decoder.leave(new Set([row]));
      this.#active.splice(row, 1);
    }
  }

  [Symbol.dispose](): void {
    this.#decoder?.[Symbol.dispose]();
  }
}

/** Computes what decides the next token of each sequence that joins, or of all that are in the batch. */
function nextLogits(decoder: Decoder, changed: readonly Sequence[], isJoin: boolean): Tensor {
  return isJoin
    ? decoder.join(...groupByPrompt(changed))
    : decoder.step(Int32Array.from(changed, ({ newest }) => newest));
}

/** The same where nobody needs the tokens: the sequences only take their rows. */
function passOver(decoder: Decoder, changed: readonly Sequence[], isJoin: boolean): void {
  if (isJoin) decoder.joinIdle(changed.map(({ length }) => length));
  else decoder.stepIdle();
}

/** Draws the next token of every sequence and gives it to it. @param logits [sequences, vocab] */
async function advanceAll(
  logits: Tensor,
  sequences: readonly Sequence[],
  stopIds: ReadonlySet<number>,
): Promise<void> {
  const uniforms = Float64Array.from(sequences, (sequence) => sequence.draw());
  const chosen = scope(() =>
    chooseTokens(
      biased(logits, sequences),
      sequences.map(({ sampling }) => sampling),
      uniforms,
    ),
  );
  const tokens = Int32Array.from(sequences, ({ next }, row) => next ?? chosen[row]!);
  const measured = measure(logits, sequences, tokens);
  await Promise.all(
    sequences.map((sequence, row) => {
      const { reading } = sequence;
      return reading
        ? sequence.comeBack(scope(() => readLogps(rowsOf(logits, [row]), reading)))
        : sequence.advance(chosen[row]!, stopIds, measured[row]);
    }),
  );
}

/** The logits with what rules add to them, in f32 where there is something. */
function biased(logits: Tensor, sequences: readonly Sequence[]): Tensor {
  const width = logits.size(1);
  const places: number[] = [];
  const values: number[] = [];
  sequences.forEach((sequence, row) => {
    for (const [id, value] of sequence.bias() ?? []) {
      places.push(row * width + id);
      values.push(value);
    }
  });
  if (places.length === 0) return logits;
  const flat = ops.reshape(ops.mulScalar(ops.toDtype(logits, 'f32'), 1), [-1]);
  const added = ops.toDevice(fromArray(Float32Array.from(values)), logits.device, 'f32');
  ops.indexAdd_(flat, 0, indices(places, logits.device), added);
  return ops.reshape(flat, [sequences.length, width]);
}

/** Consecutive samples of one prompt as one prompt and their number. */
function groupByPrompt(sequences: readonly Sequence[]): [prompts: Int32Array[], copies: number[]] {
  const prompts: Int32Array[] = [];
  const copies: number[] = [];
  for (const { tokens } of sequences) {
    if (tokens === prompts.at(-1)) copies[copies.length - 1]!++;
    else {
      prompts.push(tokens);
      copies.push(1);
    }
  }
  return [prompts, copies];
}
