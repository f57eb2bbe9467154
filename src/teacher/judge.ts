/** @file A language model behind an endpoint as a judge of responses. */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '../text/template.js';
import { messageOf } from '../util/errors.js';
import type { Judgement, JudgeQuestion, JudgeUse, ResponseJudge } from '../verify/files/judgement.js';
import {
  EndpointError,
  openEndpoint,
  type Completion,
  type Endpoint,
  type EndpointOptions,
} from './endpoint.js';
import { JudgeCache } from './judgeCache.js';
import { judgeMessages, readReply, REPLY_FORMAT } from './judgePrompt.js';

export interface JudgeOptions extends Omit<EndpointOptions, 'onRetry' | 'onNotice'> {
  /** The file in which answers are kept between runs. */
  cache: string;
  /** Called with a line about the endpoint's troubles, at most every ten seconds. */
  onTrouble?: (line: string) => void;
}

/** Room for a model that thinks before it replies. */
const REPLY_TOKENS = 4096;
/** At least so many failures in a row mean that the endpoint is at fault, not one odd question. */
const FAILURES_IN_A_ROW = 8;
const TROUBLE_INTERVAL_MS = 10_000;

/**
 * An LLM that says whether an answer is right, behind an OpenAI-compatible endpoint. The reply is held to a JSON schema
 * where the endpoint can do that and read from text where it cannot. What cannot be had or understood is null, never
 * "wrong", and is asked again by the next run; answers are kept in a file.
 */
export class Judge implements ResponseJudge, Disposable {
  readonly use: JudgeUse = { asked: 0, remembered: 0, promptTokens: 0, completionTokens: 0 };
  readonly #endpoint: Endpoint;
  readonly #cache: JudgeCache;
  readonly #underWay = new Map<string, Promise<Judgement>>();
  #structured = true;
  #failures = 0;

  /** @throws UserError for a base URL or a key that cannot be used */
  constructor({ cache, onTrouble, ...endpoint }: JudgeOptions) {
    let last = -Infinity;
    const onRetry = (reason: string, seconds: number) => {
      if (performance.now() - last < TROUBLE_INTERVAL_MS) return;
      last = performance.now();
      onTrouble?.(`judge: ${reason}; trying again in ${seconds.toFixed(0)} s`);
    };
    const onNotice = (sentence: string) => onTrouble?.(`judge: ${sentence}`);
    this.#endpoint = openEndpoint({ ...endpoint, onRetry, onNotice });
    this.#cache = new JudgeCache(cache);
  }

  get concurrency(): number {
    return this.#endpoint.concurrency;
  }

  /**
   * @throws UserError or EndpointError where the endpoint takes no question at all
   * @throws the signal's reason when it is aborted
   */
  async ask(question: JudgeQuestion, signal?: AbortSignal): Promise<Judgement> {
    const messages = judgeMessages(question);
    const key = createHash('sha256')
      .update(JSON.stringify([this.#endpoint.model, messages]))
      .digest('hex');
    const known = this.#cache.get(key) ?? this.#underWay.get(key);
    if (known) {
      this.use.remembered++;
      return known;
    }
    this.use.asked++;
    const asking = this.#put(messages, key, signal).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asking);
    return asking;
  }

  [Symbol.dispose](): void {
    this.#cache[Symbol.dispose]();
  }

  async #put(messages: ChatMessage[], key: string, signal: AbortSignal | undefined): Promise<Judgement> {
    let completion: Completion;
    try {
      completion = await this.#complete(messages, signal);
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      if (++this.#failures >= Math.max(FAILURES_IN_A_ROW, this.concurrency)) throw error;
      const failures = (this.use.failures ??= { count: 0, permanent: 0, first: messageOf(error) });
      failures.count++;
      if (error.isPermanent) failures.permanent++;
      return { correct: null, explanation: `no reply: ${messageOf(error)}` };
    }
    this.#failures = 0;
    this.use.promptTokens += completion.promptTokens ?? 0;
    this.use.completionTokens += completion.completionTokens ?? 0;
    const judgement = readReply(completion.text);
    if (!judgement) return { correct: null, explanation: 'the reply could not be understood' };
    this.#cache.add(key, judgement);
    return judgement;
  }

  async #complete(messages: ChatMessage[], signal: AbortSignal | undefined): Promise<Completion> {
    const fields = { temperature: 0, max_tokens: REPLY_TOKENS };
    if (!this.#structured) return this.#endpoint.complete(messages, fields, signal);
    try {
      return await this.#endpoint.complete(messages, { ...fields, response_format: REPLY_FORMAT }, signal);
    } catch (error) {
      const refused = error instanceof EndpointError && (error.status === 400 || error.status === 422);
      if (!refused) throw error;
      const completion = await this.#endpoint.complete(messages, fields, signal);
      this.#structured = false; // it was the format that it did not take
      return completion;
    }
  }
}
