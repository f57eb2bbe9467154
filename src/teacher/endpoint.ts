/** @file A model behind an OpenAI-compatible endpoint: one request, with everything that can go wrong with it. Knows nothing of problems. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI, { APIError } from 'openai';
import { Stream } from 'openai/streaming';
import pLimit from 'p-limit';
import type { ChatMessage } from '../text/template.js';
import { messageOf, UserError } from '../util/errors.js';
import { backoffMs, retryAfterMs } from './backoff.js';
import { gatherReply, type Completion } from './reply.js';

export type { Completion } from './reply.js';

export interface EndpointOptions {
  /** Where the API begins, usually ending in `/v1`. */
  baseUrl: string;
  model: string;
  /**
   * Name of the environment variable that holds the key; it must be set. By default OPENAI_API_KEY, which may be
   * missing: a server of one's own needs no key.
   */
  apiKeyEnv?: string;
  /** Requests under way at most (default 16); further ones wait. */
  concurrency?: number;
  /** Seconds that one try may take from the request to the last byte (default 3600). */
  timeoutSeconds?: number;
  /** Seconds without a single byte after which a try is given up (default 300, which is also fetch's own limit). */
  idleSeconds?: number;
  /** Further tries after one that failed for a reason that may pass (default 10, about five minutes). */
  retries?: number;
  /** Seconds before the second try (default 1); doubled with every further one, at most 60. */
  firstWaitSeconds?: number;
  /** Called before each wait for another try. */
  onRetry?: (reason: string, waitSeconds: number) => void;
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
}

/** A model behind an OpenAI-compatible endpoint. */
export interface Endpoint {
  readonly model: string;
  readonly concurrency: number;
  /**
   * Asks for one answer: of `/chat/completions` where the prompt is messages, of `/completions` where it is text.
   * `fields` go into the request's body under the API's names (`temperature`, `max_tokens`, `seed`,
   * `response_format`, …); one that is null is left out. Answers are streamed, so that a long one keeps its
   * connection busy and one that breaks off is noticed; a server that answers whole all the same is understood.
   * What may pass (429, 5xx, 408, 409, resets, timeouts, answers that are empty, cut short or not JSON) is tried again.
   * @throws EndpointError where this request failed for good
   * @throws UserError where every request would: wrong key, URL or model, no credit
   * @throws the signal's reason, at once, when it is aborted
   */
  complete(
    prompt: readonly ChatMessage[] | string,
    fields?: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Completion>;
}

/** Nobody waits longer for a rate limit to pass. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;
/** An answer beyond this is not a text but a fault. */
const MAX_REPLY_BYTES = 64 << 20;

/** @throws UserError for a base URL or a key that cannot be used */
export function openEndpoint(options: EndpointOptions): Endpoint {
  const { model, concurrency = 16, retries = 10, firstWaitSeconds = 1, onRetry } = options;
  const { timeoutSeconds = 3600, idleSeconds = 300 } = options;
  const baseURL = checkedUrl(options.baseUrl);
  const keyName = options.apiKeyEnv ?? 'OPENAI_API_KEY';
  const key = keyFrom(keyName, options.apiKeyEnv !== undefined);
  // Retries are ours, since the library neither sees a body that breaks off nor knows a longest wait.
  const client = new OpenAI({ baseURL, apiKey: key ?? 'none', maxRetries: 0, logLevel: 'off' });
  const limit = pLimit(concurrency);
  const hide = (text: string) => (key === undefined ? text : text.replaceAll(key, '[key]'));

  async function once(path: string, body: object, signal: AbortSignal | undefined): Promise<Completion> {
    const controller = new AbortController();
    let expired: string | undefined;
    const expire = (reason: string) => () => {
      expired = reason;
      controller.abort();
    };
    const idle = setTimeout(expire(`nothing came for ${idleSeconds} s`), idleSeconds * 1000);
    const whole = setTimeout(expire(`it took more than ${timeoutSeconds} s`), timeoutSeconds * 1000);
    const abort = () => {
      controller.abort();
    };
    signal?.addEventListener('abort', abort);
    try {
      const request = client.post(path, { body, signal: controller.signal, timeout: timeoutSeconds * 1000 });
      const response = watched(await request.asResponse(), () => idle.refresh());
      const streamed = response.headers.get('content-type')?.includes('text/event-stream');
      const events = streamed
        ? Stream.fromSSEResponse<unknown>(response, controller, client)
        : [await response.json()];
      const completion = await gatherReply(events);
      if (expired !== undefined) throw new Error(expired); // the library ends an aborted stream without an error
      return completion;
    } catch (error) {
      throw expired === undefined ? error : new Error(expired);
    } finally {
      clearTimeout(idle);
      clearTimeout(whole);
      signal?.removeEventListener('abort', abort);
      controller.abort(); // whatever is left of the body
    }
  }

  async function complete(path: string, body: object, signal?: AbortSignal): Promise<Completion> {
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      try {
        return await once(path, body, signal);
      } catch (error) {
        signal?.throwIfAborted();
        const { reason, status } = describe(error);
        const what = hide(reason);
        const final = finalError(error, what, { baseURL, model, keyName, hasKey: key !== undefined });
        if (final) throw final;
        if (failures > retries) {
          const tries = failures === 1 ? 'one try' : `${failures} tries`;
          throw new EndpointError(`${baseURL} gave no usable answer in ${tries}; the last: ${what}`, status);
        }
        const asked =
          error instanceof APIError ? retryAfterMs(error.headers as Headers | undefined) : undefined;
        if (asked !== undefined && asked > LONGEST_RETRY_AFTER_MS) {
          const minutes = Math.ceil(asked / 60_000);
          throw new EndpointError(
            `${baseURL} asks to wait for ${minutes} minutes (${what}): go on then`,
            status,
          );
        }
        const wait = backoffMs(failures, firstWaitSeconds * 1000);
        // Somewhat later than asked for, so that all who wait do not come at the same moment.
        const waitMs = asked === undefined ? wait : asked + Math.min(wait, asked / 10);
        onRetry?.(what, waitMs / 1000);
        await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  return {
    model,
    concurrency,
    complete(prompt, fields = {}, signal) {
      if (signal) setMaxListeners(0, signal); // one a request under way
      const streaming = fields.stream !== false && { stream: true, stream_options: { include_usage: true } };
      const asked = typeof prompt === 'string' ? { prompt } : { messages: prompt };
      const body = Object.entries({ model, ...asked, ...streaming, ...fields });
      const path = typeof prompt === 'string' ? '/completions' : '/chat/completions';
      return limit(() =>
        complete(path, Object.fromEntries(body.filter(([, value]) => value !== null)), signal),
      );
    },
  };
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UserError(
      `${JSON.stringify(text)} is not the URL of an endpoint, e.g. http://127.0.0.1:8000/v1.`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UserError(
      'The URL of the endpoint has a password in it: put the key into the environment instead.',
    );
  return text.replace(/\/+$/, '');
}

function keyFrom(name: string, required: boolean): string | undefined {
  const key = process.env[name]?.trim();
  if (!key) {
    if (required)
      throw new UserError(`The environment variable ${name}, which should hold the key, is not set.`);
    return undefined;
  }
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UserError(
      `The environment variable ${name} holds no key: it has blanks or odd characters in it.`,
    );
  return key;
}

/** The response with its bytes counted and seen. */
function watched(response: Response, onBytes: () => void): Response {
  let bytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      onBytes();
      bytes += chunk.length;
      if (bytes > MAX_REPLY_BYTES) throw new Error('the answer is larger than 64 MiB');
      out.enqueue(chunk);
    },
  });
  onBytes();
  return new Response(response.body?.pipeThrough(counter) ?? null, { headers: response.headers });
}

/** What went wrong in a few words: the server's, or those of the deepest cause. */
function describe(error: unknown): { reason: string; status: number | undefined } {
  if (error instanceof APIError && typeof error.status === 'number')
    return { reason: short(`HTTP ${messageOf(error)}`), status: error.status };
  let cause = error;
  for (let depth = 0; depth < 5 && cause instanceof Error && cause.cause !== undefined; depth++)
    cause = cause.cause;
  const { message, code } = cause as NodeJS.ErrnoException;
  const reason = error instanceof SyntaxError ? `the answer is not JSON (${message})` : message;
  return { reason: short(reason === '' && code !== undefined ? code : reason), status: undefined };
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

interface Asked {
  baseURL: string;
  model: string;
  keyName: string;
  hasKey: boolean;
}

/** The error of a request that is pointless to repeat as it is, undefined where another try may do. */
function finalError(
  error: unknown,
  what: string,
  { baseURL, model, keyName, hasKey }: Asked,
): Error | undefined {
  const status: unknown = error instanceof APIError ? error.status : undefined;
  if (typeof status !== 'number') return undefined;
  if (status === 401) {
    return new UserError(
      hasKey
        ? `${baseURL} refuses the key in the environment variable ${keyName} (${what}).`
        : `${baseURL} wants a key (${what}): put it into the environment variable ${keyName}.`,
    );
  }
  if (status === 402 || (error instanceof APIError && error.code === 'insufficient_quota'))
    return new UserError(`${baseURL} reports that there is no credit left (${what}): add some and go on.`);
  if (status === 404 || status === 405) {
    return new UserError(
      `${baseURL} has no model ${model} or is not where the API begins (${what}): check the name and the URL, which usually ends in /v1.`,
    );
  }
  if ([408, 409, 425, 429].includes(status) || status >= 500) return undefined;
  const advice =
    status === 403
      ? 'the key may have no right to the model, or the prompt was refused'
      : 'check the sampling settings, and that prompt and max_tokens fit into the context of the model';
  return new EndpointError(`${baseURL} does not take the request (${what}): ${advice}`, status);
}
