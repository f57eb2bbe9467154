/** @file Sampling of a loaded model: prompts in, responses out. Does not know what is asked or what becomes of the responses. */
import { totalmem } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { requireEmbeddings } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import { deriveSeed } from '../util/random.js';
import type { LaneOptions } from './lane.js';
import type { Rule } from './rules/rule.js';
import { checkSampling, type SamplingOptions } from './sampling.js';
import { Scheduler } from './scheduler.js';
import { Sequence, type FinishReason, type Keep, type TopTokens } from './sequence.js';

export interface GenerateOptions {
  maxNewTokens: number;
  /** 0, the default, is greedy. */
  temperature?: number;
  /** Default 1: the whole distribution. */
  topP?: number;
  /** Default 0: all tokens. */
  topK?: number;
  /** Default 0: tokens of any probability. */
  minP?: number;
  /** Answers a prompt; default 1. */
  samples?: number;
  seed?: number;
  /** Decoding rules, such as `calculatorRule`. */
  rules?: readonly Rule[];
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
  /** 1 for each of them that a rule put in; 0 for those that were drawn. */
  forced: Uint8Array;
  /** Their text without the tokens that end or frame a turn, up to where a rule has ended it. */
  text: string;
  /** `length`: cut off at `maxNewTokens`, at the model's last position, or by a rule. */
  finishReason: FinishReason;
  /** The rule that ended it, where one did. */
  rule?: string;
  /** Where they are asked for, the log-probs of `ids` as `score` computes them: at temperature 1, of all tokens. */
  logps?: Float64Array;
  /** Where they are asked for, the entropies of the distributions that `ids` were drawn from, in nats at temperature 1. */
  entropies?: Float64Array;
  /** Where they are asked for, the likeliest tokens in the places of `ids`. */
  top?: readonly TopTokens[];
}

export interface GenerateProgress {
  finished: number;
  total: number;
  /** New tokens so far, of unfinished answers too. */
  tokens: number;
}

/** A prompt, and what it is called in errors. */
export interface PromptTokens {
  ids: Int32Array;
  /** The text at its end that the response begins with. */
  begun?: string;
  name?: string;
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

/** Where sequences come from and go to. */
export interface SequenceSource {
  /** Further sequences, long prompts first; none where there are none at the moment. */
  more(): Promise<Sequence[]>;
  /** Takes a sequence that has ended. What it brings about is in `more` at once. */
  finished(sequence: Sequence): void;
}

/** How a run decodes. */
export interface RunOptions {
  batchSize?: number | undefined;
  cacheBytes?: number | undefined;
  signal?: Pick<AbortSignal, 'throwIfAborted'> | undefined;
  /** Called after every step with the number of tokens that it drew. */
  onStep?: (tokens: number) => void;
}

/** How one response is sampled. */
export interface ResponseOptions {
  maxNewTokens: number;
  sampling: SamplingOptions;
  seed: number;
  rules?: readonly Rule[];
  keep?: Keep;
  /** Of the models that have names, the one that draws; without it the first. */
  model?: string;
  /** Tokens that the response begins with. */
  prefix?: Int32Array;
  /** The text at the prompt's end that the response begins with, for the rules. */
  begun?: string | undefined;
  /** What the prompt is called in errors. */
  name: string;
  replayedTokens?: number | undefined;
}

/** Answers prompts in batches that stay full: as responses end, waiting prompts take their places. */
export class Generator {
  /** @param others models of the same vocabulary that have names: rules may hand a response over to them */
  constructor(
    readonly model: Transformer,
    readonly tokenizer: Tokenizer,
    readonly others: ReadonlyMap<string, Transformer> = new Map<string, Transformer>(),
  ) {}

  /**
   * Samples responses. A response's tokens depend on its prompt, the seed, and the indices of its prompt and sample; on
   * other prompts and on `batchSize` only as far as rounding in larger or smaller matrix products does.
   * @param prompts tokens, and what a prompt is called in errors
   * @returns `samples` completions a prompt, in the order of the prompts
   * @throws UserError for impossible options, and for a prompt that `begin` refuses
   */
  async generate(
    prompts: readonly PromptTokens[],
    options: GenerateOptions,
    onProgress?: (progress: GenerateProgress) => void,
  ): Promise<Completion[]> {
    const completions: Completion[] = [];
    const take = (completion: Completion, index: number) => (completions[index] = completion);
    await this.stream(prompts, options, take, onProgress);
    return completions;
  }

  /**
   * Samples the same responses, and gives them one by one as they end.
   * @param take is given each with its place among all
   * @param before tokens of responses that an earlier run of the same has given, by their places: they are not given again
   */
  async stream(
    prompts: readonly PromptTokens[],
    options: GenerateOptions,
    take: (completion: Completion, index: number) => void,
    onProgress?: (progress: GenerateProgress) => void,
    before: ReadonlyMap<number, number> = new Map<number, number>(),
  ): Promise<void> {
    const { samples = 1, signal, batchSize, cacheBytes } = options;
    const sequences = this.#sequences(prompts, options, before);
    const places = new Map(sequences.map((sequence, index) => [sequence, index]));
    let waiting = longestFirst(sequences);
    let finished = 0;
    let tokens = 0;
    const source: SequenceSource = {
      more: () => {
        const all = waiting;
        waiting = [];
        return Promise.resolve(all);
      },
      finished: (sequence) => {
        finished++;
        const index = places.get(sequence)!;
        if (!before.has(index)) take(this.complete(sequence), index);
      },
    };
    const onStep = (drawn: number) => {
      tokens += drawn;
      onProgress?.({ finished, total: prompts.length * samples, tokens });
    };
    await this.run(source, { batchSize, cacheBytes, signal, onStep });
  }

  #sequences(
    prompts: readonly PromptTokens[],
    options: GenerateOptions,
    before: ReadonlyMap<number, number>,
  ): Sequence[] {
    const { samples = 1, maxNewTokens, batchSize, rules = [], logps = false } = options;
    const { temperature = 0, topP = 1, topK = 0, minP = 0 } = options;
    const sampling = { temperature, topP, topK, minP };
    this.check({ sampling, samples, maxNewTokens, batchSize });
    if (prompts.length * samples > MAX_RESPONSES)
      throw new UserError(
        `${samples} samples of ${prompts.length} prompts are more than the ${MAX_RESPONSES} responses that are held in ` +
          'memory: lower the samples, or divide the prompts',
      );
    // What wanders takes other steps than it has tokens: it is drawn again, so that its neighbours are where they were.
    const wanders = rules.some((rule) => rule.wanders);
    return prompts.flatMap(({ ids, begun, name }, prompt) =>
      Array.from({ length: samples }, (_, sample) =>
        this.begin(ids, {
          ...{ maxNewTokens, sampling, rules, begun, keep: { logps } },
          seed: deriveSeed(options.seed ?? 0, 'generate', prompt, sample),
          name: name ?? `prompt ${prompt + 1}`,
          replayedTokens: wanders ? undefined : before.get(prompt * samples + sample),
        }),
      ),
    );
  }

  /** Decodes the sequences of a source until it has no more. @throws the signal's reason when it is aborted */
  async run(source: SequenceSource, options: RunOptions): Promise<void> {
    const { signal, onStep } = options;
    using scheduler = this.scheduler(options);
    for (;;) {
      signal?.throwIfAborted();
      if (scheduler.wantsMore) for (const sequence of await source.more()) scheduler.submit(sequence);
      if (scheduler.isIdle) return;
      const { advanced, finished } = await scheduler.tick();
      for (const sequence of finished) source.finished(sequence);
      onStep?.(advanced.length);
      await setImmediate(); // signals, timers and a progress bar get their turn
    }
  }

  /** A scheduler of its models; whoever asks for it disposes of it. */
  scheduler({
    batchSize,
    cacheBytes,
    ...rest
  }: Pick<RunOptions, 'batchSize' | 'cacheBytes'> & Pick<LaneOptions, 'eager'>): Scheduler {
    const { device } = this.model;
    const options = {
      rows: batchSize ?? defaultBatchSize(device),
      cacheBytes: cacheBytes ?? defaultCacheBytes(device),
      ...rest,
    };
    return new Scheduler(this.model, this.tokenizer.stopTokenIds, options, this.others);
  }

  /** @throws UserError for options that are not possible */
  check(options: {
    sampling: SamplingOptions;
    samples: number;
    maxNewTokens: number;
    batchSize?: number | undefined;
  }): void {
    const { sampling, samples, maxNewTokens, batchSize = 1 } = options;
    for (const [name, count] of Object.entries({ maxNewTokens, samples, batchSize })) {
      if (!Number.isInteger(count) || count < 1)
        throw new UserError(`${name} must be a whole number of at least 1, not ${count}`);
    }
    checkSampling(sampling);
    if (samples > 1 && sampling.temperature === 0)
      throw new UserError(`${samples} samples at temperature 0 would all be the same: set a temperature`);
  }

  /**
   * A sequence that goes on from a prompt.
   * @throws UserError where the prompt is empty, fills the model's positions or has tokens that the model does not know
   */
  begin(ids: Int32Array, options: ResponseOptions): Sequence {
    const { maxPositions, vocabSize } = this.model.config;
    const { name, maxNewTokens, prefix = new Int32Array(), ...rest } = options;
    if (ids.length === 0) throw new UserError(`${name} has no tokens`);
    const given = ids.length + prefix.length;
    if (given >= maxPositions) {
      throw new UserError(
        `${name} has ${given} tokens, which leaves no room in the model's ${maxPositions} positions: shorten it`,
      );
    }
    requireEmbeddings(ids, vocabSize, name);
    requireEmbeddings(prefix, vocabSize, name);
    const room = maxPositions - ids.length;
    return new Sequence(ids, {
      ...rest,
      ...{ prefix, room, vocabSize, codec: this.tokenizer },
      limit: Math.min(prefix.length + maxNewTokens, room),
    });
  }

  /** What a sequence that has ended says. */
  complete({ ids, forced, finishReason, endedBy, kept, logps, entropies, top, keep }: Sequence): Completion {
    const stopIds = this.tokenizer.stopTokenIds;
    const said = ids.filter((id) => !stopIds.includes(id));
    return {
      ids: Int32Array.from(ids),
      forced: Uint8Array.from(forced),
      text: this.tokenizer.decode(said, { contentOnly: true }).slice(0, kept),
      finishReason: finishReason!,
      ...(endedBy !== undefined && { rule: endedBy }),
      ...(keep.logps === true && { logps: Float64Array.from(logps) }),
      ...(keep.entropies === true && { entropies: Float64Array.from(entropies) }),
      ...(keep.top !== undefined && { top: [...top] }),
    };
  }
}

/** In the order in which they are best begun; ties stay in order. */
export function longestFirst(sequences: readonly Sequence[]): Sequence[] {
  return sequences.toSorted((a, b) => b.promptIds.length - a.promptIds.length);
}
