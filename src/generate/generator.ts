/** @file Batched decoding of a loaded model: sequences join, step together and leave. Does not know what is asked or what becomes of the responses. */
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
  /** Aborting it ends `generate` with its reason, between two tokens. */
  signal?: AbortSignal;
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

/** Responses of one `generate`, which are all in memory at its end. */
const MAX_RESPONSES = 10_000_000;

/** Prompt tokens that go through the model at once. */
const PREFILL_TOKENS = 4096;

/** Memory is taken at first for the longest prompt and this many tokens more. */
const FIRST_COLUMNS = 256;

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
  signal?: AbortSignal | undefined;
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
    const { samples = 1, signal, maxNewTokens, batchSize, logps } = options;
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
    await this.run(source, { sampling, maxNewTokens, batchSize, signal, logps, onStep });
    return sequences.map((sequence) => this.complete(sequence));
  }

  /** Decodes the sequences of a source until it has no more. @throws the signal's reason when it is aborted */
  async run(source: SequenceSource, options: RunOptions): Promise<void> {
    const { sampling, signal, onStep } = options;
    const stopIds = new Set(this.tokenizer.stopTokenIds);
    const waiting: Sequence[] = await source.more();
    if (waiting.length === 0) return;
    // Rows of like length waste little attention, and with long prompts first memory is at its highest early on.
    const columns = waiting[0]!.promptIds.length + Math.min(options.maxNewTokens, FIRST_COLUMNS);
    const rows = Math.min(this.#batchSize(options.batchSize), waiting.length);
    using decoder = new Decoder(this.model, rows, columns);
    let active: Sequence[] = [];
    let filling = true;
    for (;;) {
      signal?.throwIfAborted();
      // Rows are filled from a quarter free on, and then until none is free or nothing waits.
      filling = active.length < rows && (filling || active.length <= Math.floor(rows * 0.75));
      if (filling && waiting.length === 0) waiting.push(...(await source.more()));
      const refill = (filling &&= waiting.length > 0);
      const changed = refill ? takeWaiting(waiting, rows - active.length) : active;
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
    return asked ?? (this.model.device === 'cpu' ? DEFAULT_BATCH.cpu : DEFAULT_BATCH.accelerator);
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
  if (joining) decoder.joinIdle(changed.map(({ promptIds }) => promptIds.length));
  else decoder.stepIdle();
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
