/** @file Batched decoding of a loaded model: sequences join, step together and leave. Does not know what is asked or what becomes of the responses. */
import { totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { requireEmbeddings } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import type { Tensor } from '../torch/tensor.js';
import { UserError } from '../util/errors.js';
import { deriveSeed, Random } from '../util/random.js';
import { Decoder } from './decoder.js';
import { checkSampling, chooseTokens, tokenLogps, type SamplingOptions } from './sampling.js';
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
  /** Give the log-prob of every new token. */
  logps?: boolean;
  /** Answers at a time; default 64 on the CPU, 256 elsewhere. */
  batchSize?: number;
  /** Bytes for keys and values, without which rows wait; default half of the memory on the CPU, all of it elsewhere. */
  cacheBytes?: number;
  /** Aborting it ends `generate` with its reason, between two tokens. */
  signal?: Pick<AbortSignal, 'throwIfAborted'>;
}

export interface Completion {
  /** New tokens, with the stop token where there is one. */
  ids: Int32Array;
  /** Their text without the tokens that end or frame a turn. */
  text: string;
  /** `length`: cut off at `maxNewTokens` or at the model's last position. */
  finishReason: FinishReason;
  /** Where they are asked for, the log-probs of `ids` as `score` computes them: at temperature 1, of all tokens. */
  logps?: Float64Array;
}

export interface GenerateProgress {
  finished: number;
  total: number;
  /** New tokens so far, of unfinished answers too. */
  tokens: number;
}

type Tokenizer = Pick<ChatTokenizer, 'encode' | 'decode' | 'stopTokenIds'>;

const DEFAULT_BATCH = { cpu: 64, accelerator: 256 };

/** Answers at a time where nobody says how many. */
export const defaultBatchSize = (device: string): number =>
  device === 'cpu' ? DEFAULT_BATCH.cpu : DEFAULT_BATCH.accelerator;

/** Bytes for keys and values, the same in every run on a machine, since they decide which sequences are together. */
export function defaultCacheBytes(device: string): number {
  if (device !== 'cpu') return Infinity;
  // Where nothing constrains the process it is 0 or more than there is.
  return Math.min(totalmem(), process.constrainedMemory() || Infinity) / 2;
}

/** Responses of one `generate`, which are all in memory at its end. */
const MAX_RESPONSES = 10_000_000;

/** Prompt tokens that go through the model at once. */
const PREFILL_TOKENS = 4096;

/** Where sequences come from and go to. */
export interface SequenceSource {
  /** Further sequences, long prompts first; none where there are none at the moment. */
  more(): Promise<Sequence[]>;
  /** Takes a sequence that has ended. What it brings about is in `more` at once. */
  finished(sequence: Sequence): void;
}

/** What all sequences of a run have in common. */
export interface RunOptions {
  sampling: SamplingOptions;
  maxNewTokens: number;
  batchSize?: number | undefined;
  cacheBytes?: number | undefined;
  signal?: Pick<AbortSignal, 'throwIfAborted'> | undefined;
  /** Keep the log-prob of every token. */
  logps?: boolean | undefined;
  /** Called after every step with the number of tokens that it drew. */
  onStep?: (tokens: number) => void;
}

/** Answers prompts in batches that stay full: as responses end, waiting prompts take their places. */
export class Generator {
  constructor(
    readonly model: Transformer,
    readonly tokenizer: Tokenizer,
  ) {}

  /**
   * Samples responses. A response's tokens depend on its prompt, the seed, and the indices of its prompt and sample; on
   * other prompts and on `batchSize` only as far as rounding in larger or smaller matrix products does.
   * @param prompts tokens, and what a prompt is called in errors
   * @returns `samples` completions a prompt, in the order of the prompts
   * @throws UserError for impossible options, and for a prompt that `begin` refuses
   */
  async generate(
    prompts: readonly { ids: Int32Array; name?: string }[],
    options: GenerateOptions,
    onProgress?: (progress: GenerateProgress) => void,
  ): Promise<Completion[]> {
    const { samples = 1, signal, maxNewTokens, batchSize, cacheBytes, logps } = options;
    const sampling = { temperature: options.temperature ?? 0, topP: options.topP ?? 1 };
    this.check({ sampling, samples, maxNewTokens, batchSize });
    if (prompts.length * samples > MAX_RESPONSES)
      throw new UserError(
        `${samples} samples of ${prompts.length} prompts are more than the ${MAX_RESPONSES} responses that are held in ` +
          'memory: lower the samples, or divide the prompts',
      );
    const sequences = prompts.flatMap(({ ids, name }, prompt) =>
      Array.from({ length: samples }, (_, sample) =>
        this.begin(ids, {
          maxNewTokens,
          seed: deriveSeed(options.seed ?? 0, 'generate', prompt, sample),
          calculator: options.calculator ?? false,
          name: name ?? `prompt ${prompt + 1}`,
        }),
      ),
    );
    let waiting = longestFirst(sequences);
    let finished = 0;
    let tokens = 0;
    const source: SequenceSource = {
      more: () => {
        const all = waiting;
        waiting = [];
        return Promise.resolve(all);
      },
      finished: () => finished++,
    };
    const onStep = (drawn: number) => {
      tokens += drawn;
      onProgress?.({ finished, total: sequences.length, tokens });
    };
    await this.run(source, { sampling, maxNewTokens, batchSize, cacheBytes, signal, logps, onStep });
    return sequences.map((sequence) => this.complete(sequence));
  }

  /** Decodes the sequences of a source until it has no more. @throws the signal's reason when it is aborted */
  async run(source: SequenceSource, options: RunOptions): Promise<void> {
    const { sampling, signal, onStep } = options;
    const stopIds = new Set(this.tokenizer.stopTokenIds);
    const waiting: Sequence[] = await source.more();
    if (waiting.length === 0) return;
    const rows = Math.min(this.#batchSize(options.batchSize), waiting.length);
    // With long prompts first, memory is at its highest early on.
    const first = waiting.slice(0, rows).map(({ promptIds }) => promptIds.length);
    using decoder = new Decoder(
      this.model,
      first,
      options.cacheBytes ?? defaultCacheBytes(this.model.device),
    );
    let active: Sequence[] = [];
    let filling = true;
    for (;;) {
      signal?.throwIfAborted();
      // Rows are filled from a quarter free on, and then until none is free or nothing waits.
      filling = active.length < rows && (filling || active.length <= Math.floor(rows * 0.75));
      if (filling && waiting.length === 0) waiting.push(...(await source.more()));
      const joining: Sequence[] = filling ? takeWaiting(waiting, rows - active.length, decoder) : [];
      const refill = (filling = joining.length > 0);
      if (!refill) active = makeRoom(decoder, active, waiting);
      const changed = refill ? joining : active;
      if (changed.length === 0) return;
      if (changed.every(({ replayed }) => replayed)) {
        passOver(decoder, changed, refill);
        await Promise.all(changed.map((sequence) => sequence.append(0, stopIds)));
      } else {
        using logits = nextLogits(decoder, changed, refill);
        const uniforms = Float64Array.from(changed, (sequence) => sequence.draw());
        const chosen = chooseTokens(logits, sampling, uniforms);
        await Promise.all(changed.map((sequence, row) => sequence.append(chosen[row]!, stopIds)));
        if (options.logps) keepLogps(logits, changed);
      }
      if (refill) active.push(...changed);

      const done = new Set(active.flatMap(({ finishReason }, row) => (finishReason ? [row] : [])));
      if (done.size > 0) {
        const before = active;
        active = decoder.leave(done).map((row) => before[row]!);
        for (const row of done) source.finished(before[row]!);
      }
      onStep?.(changed.filter(({ replayed }) => !replayed).length);
      await setImmediate(); // signals, timers and a progress bar get their turn
    }
  }

  /** @throws UserError for options that are not possible */
  check({ sampling, samples, maxNewTokens, batchSize }: RunOptions & { samples: number }): void {
    for (const [name, count] of Object.entries({
      maxNewTokens,
      samples,
      batchSize: this.#batchSize(batchSize),
    })) {
      if (!Number.isInteger(count) || count < 1)
        throw new UserError(`${name} must be a whole number of at least 1, not ${count}`);
    }
    checkSampling(sampling);
    if (samples > 1 && sampling.temperature === 0)
      throw new UserError(`${samples} samples at temperature 0 would all be the same: set a temperature`);
  }

  /**
   * A sequence that goes on from a prompt.
   * @param name what the prompt is called in errors
   * @throws UserError where the prompt is empty, fills the model's positions or has tokens that the model does not know
   */
  begin(
    ids: Int32Array,
    options: {
      maxNewTokens: number;
      seed: number;
      calculator: boolean;
      name: string;
      replayedTokens?: number | undefined;
    },
  ): Sequence {
    const { maxPositions, vocabSize } = this.model.config;
    const { name, maxNewTokens, replayedTokens } = options;
    if (ids.length === 0) throw new UserError(`${name} has no tokens`);
    if (ids.length >= maxPositions) {
      throw new UserError(
        `${name} has ${ids.length} tokens, which leaves no room in the model's ${maxPositions} positions: shorten it`,
      );
    }
    requireEmbeddings(ids, vocabSize, name);
    return new Sequence(ids, {
      limit: Math.min(maxNewTokens, maxPositions - ids.length),
      random: new Random(options.seed),
      codec: options.calculator ? this.tokenizer : undefined,
      replayedTokens,
    });
  }

  /** What a sequence that has ended says. */
  complete({ ids, finishReason, logps }: Sequence): Completion {
    const stopIds = this.tokenizer.stopTokenIds;
    const said = ids.filter((id) => !stopIds.includes(id));
    return {
      ids: Int32Array.from(ids),
      text: this.tokenizer.decode(said, { contentOnly: true }),
      finishReason: finishReason!,
      ...(logps.length > 0 && { logps: Float64Array.from(logps) }),
    };
  }

  #batchSize(asked: number | undefined): number {
    return asked ?? defaultBatchSize(this.model.device);
  }
}

/** In the order in which they are best begun; ties stay in order. */
export function longestFirst(sequences: readonly Sequence[]): Sequence[] {
  return sequences.toSorted((a, b) => b.promptIds.length - a.promptIds.length);
}

/** Computes what decides the next token of each sequence that joins, or of all that are in the batch. */
function nextLogits(decoder: Decoder, changed: readonly Sequence[], joining: boolean): Tensor {
  return joining
    ? decoder.join(...groupByPrompt(changed))
    : decoder.step(Int32Array.from(changed, ({ ids }) => ids.at(-1)!));
}

/** Gives each sequence the log-prob of its newest token. */
function keepLogps(logits: Tensor, sequences: readonly Sequence[]): void {
  const newest = Int32Array.from(sequences, ({ ids }) => ids.at(-1)!);
  tokenLogps(logits, newest).forEach((logp, row) => sequences[row]!.logps.push(logp));
}

/** The same where nobody needs the tokens: the sequences only take their rows. */
function passOver(decoder: Decoder, changed: readonly Sequence[], joining: boolean): void {
  if (joining) decoder.joinIdle(changed.map(({ tokens }) => tokens.length));
  else decoder.stepIdle();
}

/**
 * The next ones for at most `room` rows and `PREFILL_TOKENS` tokens of different prompts, as far as there is memory for them;
 * one where nothing else is in the batch.
 */
function takeWaiting(waiting: Sequence[], room: number, decoder: Decoder): Sequence[] {
  let tokens = 0;
  const lengths: number[] = [];
  while (lengths.length < Math.min(room, waiting.length)) {
    const next = waiting[lengths.length]!;
    const isFirst = lengths.length === 0;
    const length = next.tokens.length;
    if (next.ids.length > 0 || next.promptIds !== waiting[lengths.length - 1]?.promptIds) tokens += length;
    if (!isFirst && tokens > PREFILL_TOKENS) break;
    if (!(isFirst && decoder.rows === 0) && !decoder.fits([...lengths, length])) break;
    lengths.push(length);
  }
  return waiting.splice(0, lengths.length);
}

/**
 * Sends sequences back until there is memory for a token more in each row: those with the shortest responses, which are
 * soonest computed again. One that is alone stays, and the decoder says what is wrong.
 */
function makeRoom(decoder: Decoder, active: Sequence[], waiting: Sequence[]): Sequence[] {
  while (active.length > 1 && !decoder.canStep) {
    const fewest = Math.min(...active.map(({ ids }) => ids.length));
    const row = active.findLastIndex(({ ids }) => ids.length === fewest);
    waiting.unshift(active[row]!);
    decoder.leave(new Set([row]));
    active = active.toSpliced(row, 1);
  }
  return active;
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
