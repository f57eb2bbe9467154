/** @file A model behind OpenAI-compatible endpoints: one request, with everything that can go wrong with it. Knows nothing of problems. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { ChatMessage } from '../text/template.js';
import { messageOf, UserError } from '../util/errors.js';
import { addressesIn, isVariableName, maskSecrets, redactUrl, secretsIn } from '../util/redact.js';
import { backoffMs, retryAfterMs } from './backoff.js';
import { AnswerTooLarge, exchange, HttpError, type Gather } from './exchange.js';
import { Fleet, type Address } from './fleet.js';
import { requireSameModel } from './modelList.js';
import { scoreRequest, UnusableScores, type PromptLogprobs, type ScoredPrompt } from './promptLogprobs.js';
import { gatherReply, type Completion } from './reply.js';

export type { Completion } from './reply.js';

export interface EndpointOptions {
  /**
   * Where the API begins, usually ending in `/v1`; a query is sent along with every request. Several that have the same
   * model, with commas between them, share the requests.
   */
  baseUrl: string;
  model: string;
  /**
   * Name of the environment variable that holds the key; it must be set. By default OPENAI_API_KEY, which may be
   * missing: a server of one's own needs no key.
   */
  apiKeyEnv?: string;
  /** Requests under way at most (default 16), at each address; further ones wait. */
  concurrency?: number;
  /** Seconds that one try may take from the request to the last byte (default 3600). */
  timeoutSeconds?: number;
  /** Seconds without a single byte after which a try is given up (default 300, which is also fetch's own limit). */
  idleSeconds?: number;
  /** Further tries after one that failed for a reason that may pass (default 10, about five minutes). */
  retries?: number;
  /** Seconds before the second try (default 1); doubled with every further one, at most 60. */
  firstWaitSeconds?: number;
  /** Seconds of tries after which a server that has never answered anything is given up (default 30). */
  giveUpSeconds?: number;
  /** Called before each wait for another try. */
  onRetry?: (reason: string, waitSeconds: number) => void;
  /** Called with a sentence when one of several addresses does not answer any more, and when it does again. */
  onNotice?: (sentence: string) => void;
}

/** A request that failed for good; the message is one sentence. */
export class EndpointError extends Error {
  override name = 'EndpointError';
  /** @param status the HTTP status of the last try, undefined where no answer came or it could not be read */
  constructor(
    message: string,
    readonly status?: number,
  ) {
    super(message);
  }

  /** Whether the server has read the request and will not take it, whenever it is asked again. */
  get isPermanent(): boolean {
    return [400, 413, 422].includes(this.status ?? 0);
  }
}

/** A model behind one or several OpenAI-compatible endpoints. */
export interface Endpoint {
  /** Where the API begins, without what is secret in it; several addresses have commas between them, in one order. */
  readonly url: string;
  readonly model: string;
  /** Requests under way at most, at all addresses together. */
  readonly concurrency: number;
  /**
   * Asks for one answer: of `/chat/completions` where the prompt is messages, of `/completions` where it is text.
   * `fields` go into the request's body under the API's names (`temperature`, `max_tokens`, `seed`,
   * `response_format`, …); one that is null is left out. Answers are streamed, so that a long one keeps its
   * connection busy and one that breaks off is noticed; a server that answers whole all the same is understood.
   * What may pass (429, 5xx, 408, 409, resets, timeouts, answers that are empty, cut short or not JSON) is tried again.
   * @throws EndpointError where this request failed for good
   * Nothing secret is in a message: neither the key nor what is secret in the URL or the fields, even where the server
   * repeats it.
   * @throws UserError where every request would: wrong key, URL or model, no credit, nobody who answers
   * @throws the signal's reason, at once, when it is aborted
   */
  complete(
    prompt: readonly ChatMessage[] | string,
    fields?: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Completion>;
  /**
   * Asks for the log-probs of a prompt's tokens, and of the likeliest ones in their places: of `/completions` with `prompt_logprobs`,
   * which vLLM has. What may pass is tried again.
   * @throws EndpointError and the signal's reason as `complete` does; one whose status is 413 where the answer is too large
   * @throws UserError as `complete` does, and where the answer has no log-probs or not those of these tokens
   */
  score(prompt: ScoredPrompt, signal?: AbortSignal): Promise<PromptLogprobs>;
}

/** Nobody waits longer for a rate limit to pass. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;
/** Characters of a server's words, and of what it calls the end of an answer. */
const LONGEST_WORDS = 300;
const LONGEST_FINISH_REASON = 60;
/** HTTP's status for what is too large. */
const TOO_LARGE = 413;

/** What is asked of an endpoint. */
interface Request<T> {
  path: string;
  body: object;
  gather: Gather<T>;
  /** What to check where the server does not take the request. */
  check: string;
  /** What helps where the answer is too large, if it would be the next time too. */
  ifTooLarge?: string;
}

const COMPLETION_CHECK =
  'the sampling settings, and that prompt and max_tokens fit into the context of the model';

/** @throws UserError for a base URL or a key that cannot be used */
export function openEndpoint(options: EndpointOptions): Endpoint {
  const { model, concurrency = 16, retries = 10, firstWaitSeconds = 1, giveUpSeconds = 30 } = options;
  const { timeoutSeconds = 3600, idleSeconds = 300, onRetry } = options;
  const keyName = options.apiKeyEnv ?? 'OPENAI_API_KEY';
  const key = keyFrom(keyName, options.apiKeyEnv !== undefined);
  const headers = key === undefined ? undefined : { authorization: `Bearer ${key}` };
  const addresses = addressesOf(options.baseUrl);
  const isFleet = addresses.length > 1;
  const fleet = new Fleet(addresses, concurrency, options.onNotice);
  const shown = addresses.map((address) => address.shown).join(', ');
  const limit = pLimit(concurrency * addresses.length);
  let hasAnswered = false;
  let firstAsked: number | undefined;
  let agreed: Promise<void> | undefined;

  /** A server's words without secrets, in a line. */
  const worded = (text: string, body: object, length: number): string =>
    short(maskSecrets(text, [key ?? '', ...secretsIn([options.baseUrl, body])]), length);

  /** Milliseconds for which a server that has never answered is still asked. */
  const patienceLeft = (): number =>
    hasAnswered ? Infinity : (firstAsked ??= performance.now()) + giveUpSeconds * 1000 - performance.now();

  async function ask<T>(request: Request<T>, signal?: AbortSignal): Promise<T> {
    const { path, body, gather } = request;
    const onAnswer = () => {
      hasAnswered = true;
    };
    if (isFleet) await (agreed ??= requireSameModel(addresses, model, urlOf, headers));
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      patienceLeft(); // begins with the first request
      let address!: Address;
      try {
        return await fleet.run((chosen) => {
          signal?.throwIfAborted();
          address = chosen;
          const asked = { url: urlOf(chosen.base, path), headers: { ...headers }, body, onAnswer };
          return exchange({ ...asked, timeoutSeconds, idleSeconds }, gather, signal);
        });
      } catch (error) {
        signal?.throwIfAborted();
        const status = error instanceof HttpError ? error.status : undefined;
        const what = worded(reasonOf(error), body, LONGEST_WORDS);
        const asked = { shown: address.shown, model, keyName, hasKey: key !== undefined };
        const final = finalError(error, what, asked, request);
        if (final) throw final;
        if (patienceLeft() <= 0)
          throw new UserError(
            `${shown} ${isFleet ? 'have' : 'has'} not answered for ${giveUpSeconds} s (${what}): check that the server runs and that the URL is right, and run the same command again.`,
          );
        // Each address may be tried once before a try counts as a further one.
        if (failures > retries + addresses.length - 1) {
          const tries = failures === 1 ? 'one try' : `${failures} tries`;
          throw new EndpointError(`${shown} gave no usable answer in ${tries}; the last: ${what}`, status);
        }
        const wait = (inARow: number) =>
          waitAfter(error, backoffMs(inARow, firstWaitSeconds * 1000), what, address.shown);
        const rest = isFleet ? fleet.failed(address, status !== undefined, what, wait) : wait(failures);
        const waitMs = Math.min(patienceLeft(), rest);
        if (isFleet && waitMs <= 0) continue; // another one takes it at once
        onRetry?.(what, waitMs / 1000);
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    url: shown,
    model,
    concurrency: concurrency * addresses.length,
    complete(prompt, fields = {}, signal) {
      if (signal) setMaxListeners(0, signal); // one a request under way
      const streaming = fields.stream !== false && { stream: true, stream_options: { include_usage: true } };
      const wanted = typeof prompt === 'string' ? { prompt } : { messages: prompt };
      const entries = Object.entries({ model, ...wanted, ...streaming, ...fields });
      const body = Object.fromEntries(entries.filter(([, value]) => value !== null));
      const path = typeof prompt === 'string' ? '/completions' : '/chat/completions';
      return limit(async () => {
        const completion = await ask({ path, body, gather: gatherReply, check: COMPLETION_CHECK }, signal);
        return { ...completion, finishReason: worded(completion.finishReason, body, LONGEST_FINISH_REASON) };
      });
    },
    score(prompt, signal) {
      if (signal) setMaxListeners(0, signal);
      return limit(() => ask(scoreRequest(model, prompt), signal));
    },
  };
}

/**
 * Milliseconds to wait, `wait` where the server does not ask for more.
 * @throws EndpointError where it asks for a longer wait than anybody has patience for
 */
function waitAfter(error: unknown, wait: number, what: string, where: string): number {
  const wished = error instanceof HttpError ? retryAfterMs(error.headers) : undefined;
  if (wished === undefined) return wait;
  if (wished > LONGEST_RETRY_AFTER_MS) {
    const minutes = Math.ceil(wished / 60_000);
    throw new EndpointError(
      `${where} asks to wait for ${minutes} minutes (${what}): go on then`,
      (error as HttpError).status,
    );
  }
  // Somewhat later than asked for, so that all who wait do not come at the same moment.
  return wished + Math.min(wait, wished / 10);
}

/** The addresses that a base URL names, sorted, so that the same ones are the same endpoint. */
function addressesOf(text: string): Address[] {
  const addresses = addressesIn(text).map((each) => ({
    base: checkedUrl(each),
    shown: redactUrl(each).replace(/\/+$/, ''),
  }));
  const twice = addresses.find(
    ({ base }, i) => addresses.findIndex((other) => other.base.href === base.href) < i,
  );
  if (twice) throw new UserError(`${twice.shown} is named twice among the endpoints: name each once.`);
  return addresses.sort((a, b) => (a.shown < b.shown ? -1 : 1));
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UserError(
      `${JSON.stringify(redactUrl(text))} is not the URL of an endpoint, e.g. http://127.0.0.1:8000/v1.`,
    );
  if (url.host.includes(',') || url.pathname.includes(','))
    throw new UserError(
      `${JSON.stringify(redactUrl(text))} is not the URL of an endpoint: each of several begins with http:// or https://.`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      'The URL of the endpoint has a password in it: put the key into the environment instead.',
    );
  return url;
}

/** The address below the base, with the base's query. */
function urlOf(base: URL, path: string): string {
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '') + path;
  url.hash = '';
  return url.href;
}

function keyFrom(name: string, required: boolean): string | undefined {
  // What is no usual name may be the key itself.
  const shown = isVariableName(name) ? `environment variable ${name}` : 'environment variable of that name';
  const key = process.env[name]?.trim();
  if (!key) {
    if (required) throw new UserError(`The ${shown}, which should hold the key, is not set.`);
    return undefined;
  }
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UserError(`The ${shown} holds no key: it has blanks or odd characters in it.`);
  return key;
}

/** What went wrong in a few words: the server's, or those of the deepest cause. */
function reasonOf(error: unknown): string {
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error && cause.cause !== undefined; depth++)
    cause = cause.cause;
  const { code } = cause as NodeJS.ErrnoException;
  return messageOf(cause) || (code ?? 'the connection failed');
}

function short(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

interface Asked {
  /** The base URL without what is secret in it. */
  shown: string;
  model: string;
  keyName: string;
  hasKey: boolean;
}

/** The error of a request that is pointless to repeat as it is, undefined where another try may do. */
function finalError(
  error: unknown,
  what: string,
  asked: Asked,
  { check, ifTooLarge }: Pick<Request<unknown>, 'check' | 'ifTooLarge'>,
): Error | undefined {
  const { shown } = asked;
  if (error instanceof UnusableScores) return new UserError(`${shown} ${what}.`);
  if (error instanceof AnswerTooLarge && ifTooLarge !== undefined)
    return new EndpointError(`${shown} gives no usable answer (${what}): ${ifTooLarge}`, TOO_LARGE);
  return error instanceof HttpError ? refusalOf(error, what, asked, check) : undefined;
}

/** What a status means. @returns undefined where another try may do */
function refusalOf(
  { status, body }: HttpError,
  what: string,
  { shown, model, keyName, hasKey }: Asked,
  check: string,
): Error | undefined {
  if (status < 400) {
    return new UserError(
      `${shown} sends requests on to another address (${what}), where nothing is sent unasked: give the URL of the server itself.`,
    );
  }
  if (status === 401) {
    return new UserError(
      hasKey
        ? `${shown} refuses the key in the environment variable ${keyName} (${what}).`
        : `${shown} wants a key (${what}): put it into the environment variable ${keyName}.`,
    );
  }
  if (status === 402 || /"insufficient_quota"/.test(body))
    return new UserError(`${shown} reports that there is no credit left (${what}): add some and go on.`);
  if (status === 404 || status === 405) {
    return new UserError(
      `${shown} has no model ${model} or is not where the API begins (${what}): check the name and the URL, which usually ends in /v1.`,
    );
  }
  if ([408, 409, 425, 429].includes(status) || status >= 500) return undefined;
  const advice =
    status === 403 ? 'the key may have no right to the model, or the prompt was refused' : `check ${check}`;
  return new EndpointError(`${shown} does not take the request (${what}): ${advice}`, status);
}
