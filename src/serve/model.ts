/** @file A model that is served: what it is called, what it may be asked for, and the loop that decodes its responses. */
import { mostPlaces } from '../generate/cache.js';
import { defaultBatchSize, defaultCacheBytes, type Generator } from '../generate/generator.js';
import type { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import { ApiError, apiErrorOf, badRequest } from './errors.js';
import { DecodingLoop } from './loop.js';
import { Metrics } from './metrics.js';

export interface ServedOptions {
  /** What clients call it. */
  name: string;
  /** Responses at a time; default 64 on the CPU, 256 elsewhere. */
  batchSize?: number | undefined;
  /** Bytes for keys and values; default half of the memory on the CPU, all of it elsewhere. */
  cacheBytes?: number | undefined;
  /** Tokens of a prompt and its response at most; default as many as the model has positions and the cache places. */
  context?: number | undefined;
  /** Responses that may wait for a place; further requests are refused. Default 1024. */
  queue?: number | undefined;
  /** Seconds that a request may take; default 600. */
  timeoutSeconds?: number | undefined;
  /** Told what failed at a request through no fault of its client. */
  onFault?: (error: unknown) => void;
}

/** A loaded model at the disposal of requests. */
export class ServedModel implements AsyncDisposable {
  readonly name: string;
  /** Unix time. */
  readonly created = Math.floor(Date.now() / 1000);
  readonly loop: DecodingLoop;
  readonly metrics = new Metrics();
  readonly context: number;
  readonly queue: number;
  readonly timeoutSeconds: number;
  /** Responses at a time. */
  readonly rows: number;
  readonly #onFault: (error: unknown) => void;
  readonly #texts = new Map<number, string>();
  #anchor: Int32Array | undefined;

  /** @throws UserError for a context that the model or the memory does not have */
  constructor(
    readonly generator: Generator,
    readonly tokenizer: ChatTokenizer,
    options: ServedOptions,
  ) {
    const { model } = generator;
    const { maxPositions } = model.config;
    this.name = options.name;
    this.#onFault = options.onFault ?? (() => undefined);
    this.queue = options.queue ?? 1024;
    this.timeoutSeconds = options.timeoutSeconds ?? 600;
    this.rows = options.batchSize ?? defaultBatchSize(model.device);
    const cacheBytes = options.cacheBytes ?? defaultCacheBytes(model.device);
    const most = Math.min(maxPositions, mostPlaces(model.config, model.dtype, cacheBytes));
    this.context = options.context ?? most;
    if (this.context > most || most < 2)
      throw new UserError(
        `a context of ${this.context} tokens is more than there can be: the model has ${maxPositions} positions, and there is memory for ${most}`,
      );
    this.loop = new DecodingLoop(
      () => generator.scheduler({ batchSize: this.rows, cacheBytes, eager: true }),
      (tokens) => {
        this.metrics.generationTokens += tokens;
      },
    );
  }

  /** @throws ApiError where a request is for another model */
  requireModel(name: string | undefined): void {
    if (name !== undefined && name !== this.name)
      throw new ApiError(
        404,
        `the model ${JSON.stringify(name.slice(0, 200))} does not exist; here is ${JSON.stringify(this.name)}`,
        'model',
        'model_not_found',
      );
  }

  /**
   * Encodes prompts that are texts.
   * @param addsBos puts the token that begins a text before them, where the tokenizer does by itself
   * @param param the field they come from
   * @throws ApiError for a text that is too long
   */
  async encode(
    prompts: readonly (string | Int32Array)[],
    addsBos: boolean,
    param = 'prompt',
  ): Promise<Int32Array[]> {
    const { tokenizer } = this;
    const bos = addsBos && (await tokenizer.addsBos()) ? tokenizer.bosTokenId : undefined;
    const texts = prompts.filter((prompt) => typeof prompt === 'string');
    let encoded: Int32Array[];
    try {
      encoded = await tokenizer.encodeAll(texts);
    } catch (error) {
      throw error instanceof UserError
        ? badRequest(`${param}: ${this.explain(error).message}`, param)
        : error;
    }
    let next = 0;
    return prompts.map((prompt) => {
      if (typeof prompt !== 'string') return prompt;
      const ids = encoded[next++]!;
      return bos === undefined || ids[0] === bos ? ids : Int32Array.from([bos, ...ids]);
    });
  }

  /** What a client is told of an error; faults of the server are told to its own terminal. */
  explain(error: unknown): ApiError {
    const told = apiErrorOf(error, this.tokenizer.dir);
    if (told.status >= 500 && !(error instanceof ApiError)) this.#onFault(error);
    return told;
  }

  /** The text of a token, as it is after another one. */
  async textOf(): Promise<(id: number) => string> {
    const anchor = (this.#anchor ??= await this.tokenizer.encode('a'));
    const before = this.tokenizer.decode(anchor).length;
    return (id) => {
      let text = this.#texts.get(id);
      if (text === undefined) {
        text = this.tokenizer.decode([...anchor, id]).slice(before);
        this.#texts.set(id, text);
      }
      return text;
    };
  }

  /** Tells whoever waits that nothing more comes, and lets the model go. */
  async close(reason: Error): Promise<void> {
    await this.loop.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(new Error('the server stops'));
  }
}
