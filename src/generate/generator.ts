import { setImmediate } from 'node:timers/promises';
import type { Transformer } from '../models/transformer.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import { deriveSeed, Random } from '../util/random.js';
import { Decoder } from './decoder.js';
import { checkSampling, chooseTokens, type SamplingOptions } from './sampling.js';
import { Sequence, type FinishReason } from './sequence.js';

export interface GenerateOptions {
  maxNewTokens: number;
  /** 0, the default, is greedy. */
  temperature?: number;
  /** Default 1: the whole distribution. */
  topP?: number;
  /** Answers a prompt; default 1. */
  samples?: number;
  seed?: number;
  /** Compute `<<expr=value>>` marks (Cobbe et al. 2021): the value is put in, not sampled. */
  calculator?: boolean;
  /** Answers at a time; default 64 on the CPU, 256 elsewhere. */
  batchSize?: number;
  /** Aborting it ends `generate` with its reason, between two tokens. */
  signal?: AbortSignal;
}

export interface Completion {
  /** New tokens, with the stop token where there is one. */
  ids: Int32Array;
  /** Their text without special tokens. */
  text: string;
  /** `length`: cut off at `maxNewTokens` or at the model's last position. */
  finishReason: FinishReason;
}

export interface GenerateProgress {
  finished: number;
  total: number;
  /** New tokens so far, of unfinished answers too. */
  tokens: number;
}

type Tokenizer = Pick<ChatTokenizer, 'encode' | 'decode' | 'stopTokenIds'>;

const DEFAULT_BATCH = { cpu: 64, accelerator: 256 };

/** Prompt tokens that go through the model at once. */
const PREFILL_TOKENS = 4096;

/** Memory is taken at first for the longest prompt and this many tokens more. */
const FIRST_COLUMNS = 256;

/** Answers prompts in batches that stay full: as answers finish, waiting prompts take their places. */
export class Generator {
  constructor(
    readonly model: Transformer,
    readonly tokenizer: Tokenizer,
  ) {}

  /**
   * Samples answers. An answer's tokens depend on its prompt, the seed, and the indices of its prompt and sample; on
   * other prompts and on `batchSize` only as far as rounding in larger or smaller matrix products does.
   * @returns `samples` completions a prompt, in the order of the prompts
   * @throws UserError for impossible options, and for a prompt that is empty or fills the model's positions
   */
  async generate(
    prompts: readonly { ids: Int32Array }[],
    options: GenerateOptions,
    onProgress?: (progress: GenerateProgress) => void,
  ): Promise<Completion[]> {
    const { samples = 1, signal } = options;
    const sampling = { temperature: options.temperature ?? 0, topP: options.topP ?? 1 };
    this.#check(options, samples, sampling);
    const sequences = prompts.flatMap(({ ids }, prompt) =>
      Array.from({ length: samples }, (_, sample) => this.#begin(ids, prompt, sample, options)),
    );
    if (sequences.length === 0) return [];

    const stopIds = new Set(this.tokenizer.stopTokenIds);
    // Long prompts first: rows of like length waste little attention, and memory is at its highest early on.
    const waiting = [...sequences].sort((a, b) => b.promptIds.length - a.promptIds.length);
    const columns = waiting[0]!.promptIds.length + Math.min(options.maxNewTokens, FIRST_COLUMNS);
    using decoder = new Decoder(this.model, Math.min(this.#batchSize(options), sequences.length), columns);
    let active: Sequence[] = [];
    let finished = 0;
    let tokens = 0;
    while (active.length + waiting.length > 0) {
      signal?.throwIfAborted();
      const refill = waiting.length > 0 && active.length <= Math.floor(decoder.rows * 0.75);
      const changed = refill ? takeWaiting(waiting, decoder.rows - active.length) : active;
      using logits = refill
        ? decoder.join(...groupByPrompt(changed))
        : decoder.step(Int32Array.from(active, ({ ids }) => ids.at(-1)!));
      const uniforms = Float32Array.from(changed, (sequence) => sequence.draw());
      const chosen = chooseTokens(logits, sampling, uniforms);
      await Promise.all(changed.map((sequence, row) => sequence.append(chosen[row]!, stopIds)));
      if (refill) active.push(...changed);
      tokens += changed.length;

      const done = new Set(active.flatMap(({ finishReason }, row) => (finishReason ? [row] : [])));
      if (done.size > 0) {
        const before = active;
        active = decoder.leave(done).map((row) => before[row]!);
        finished += done.size;
      }
      onProgress?.({ finished, total: sequences.length, tokens });
      await setImmediate(); // signals, timers and a progress bar get their turn
    }
    return sequences.map((sequence) => this.#complete(sequence, stopIds));
  }

  #batchSize({ batchSize }: GenerateOptions): number {
    return batchSize ?? (this.model.device === 'cpu' ? DEFAULT_BATCH.cpu : DEFAULT_BATCH.accelerator);
  }

  #check(options: GenerateOptions, samples: number, sampling: SamplingOptions): void {
    const counts = { maxNewTokens: options.maxNewTokens, samples, batchSize: this.#batchSize(options) };
    for (const [name, count] of Object.entries(counts)) {
      if (!Number.isInteger(count) || count < 1)
        throw new UserError(`${name} must be a whole number of at least 1, not ${count}`);
    }
    checkSampling(sampling);
    if (samples > 1 && sampling.temperature === 0)
      throw new UserError(`${samples} samples at temperature 0 would all be the same: set a temperature`);
  }

  #begin(ids: Int32Array, prompt: number, sample: number, options: GenerateOptions): Sequence {
    const { maxPositions } = this.model.config;
    if (ids.length === 0) throw new UserError(`prompt ${prompt + 1} has no tokens`);
    if (ids.length >= maxPositions) {
      throw new UserError(
        `prompt ${prompt + 1} has ${ids.length} tokens, which leaves no room in the model's ${maxPositions} positions: shorten it`,
      );
    }
    const limit = Math.min(options.maxNewTokens, maxPositions - ids.length);
    const random = new Random(deriveSeed(options.seed ?? 0, 'generate', prompt, sample));
    return new Sequence(ids, limit, random, options.calculator ? this.tokenizer : undefined);
  }

  #complete({ ids, finishReason }: Sequence, stopIds: ReadonlySet<number>): Completion {
    const text = ids.filter((id) => !stopIds.has(id));
    return {
      ids: Int32Array.from(ids),
      text: this.tokenizer.decode(text, { skipSpecialTokens: true }),
      finishReason: finishReason!,
    };
  }
}

/** The next ones for at most `room` rows and `PREFILL_TOKENS` tokens of different prompts, at least one. */
function takeWaiting(waiting: Sequence[], room: number): Sequence[] {
  let tokens = 0;
  let count = 0;
  while (count < Math.min(room, waiting.length)) {
    const { promptIds } = waiting[count]!;
    if (promptIds !== waiting[count - 1]?.promptIds) tokens += promptIds.length;
    if (count > 0 && tokens > PREFILL_TOKENS) break;
    count++;
  }
  return waiting.splice(0, count);
}

/** Consecutive samples of one prompt as one prompt and their number. */
function groupByPrompt(sequences: readonly Sequence[]): [prompts: Int32Array[], copies: number[]] {
  const prompts: Int32Array[] = [];
  const copies: number[] = [];
  for (const { promptIds } of sequences) {
    if (promptIds === prompts.at(-1)) copies[copies.length - 1]!++;
    else {
      prompts.push(promptIds);
      copies.push(1);
    }
  }
  return [prompts, copies];
}
