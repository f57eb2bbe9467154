/** @file One request to an endpoint over HTTP and its answer, within limits of time and size. */
import { redactUrl } from '../util/redact.js';
import { serverWords } from './serverWords.js';
import { eventsOf } from './sse.js';

export interface Exchange {
  url: string;
  headers: Record<string, string>;
  body: object;
  /** Seconds from the request to the last byte. */
  timeoutSeconds: number;
  /** Seconds without a single byte. */
  idleSeconds: number;
  /** Called when there is an answer, of whatever kind. */
  onAnswer: () => void;
}

/** Makes the result of the events of a stream, or of the one object of an answer that is `whole`. */
export type Gather<T> = (events: AsyncIterable<unknown> | Iterable<unknown>, whole: boolean) => Promise<T>;

/** An answer with another status than 2xx. */
export class HttpError extends Error {
  override name = 'HttpError';
  constructor(
    readonly status: number,
    readonly headers: Headers,
    /** The beginning of the body. */
    readonly body: string,
    statusText: string,
  ) {
    const to = headers.get('location');
    const words = serverWords(body) || statusText || 'without a word';
    super(`HTTP ${status} ${to === null || status >= 400 ? words : `to ${redactUrl(to)}`}`);
  }
}

/** An answer that is larger than any text. */
export class AnswerTooLarge extends Error {}

/** An answer beyond this is not a text but a fault. */
const MAX_REPLY_BYTES = 64 << 20;
const MAX_ERROR_BYTES = 1 << 16;

/**
 * Posts the body as JSON and reads what comes: a stream of events or one object. Redirects are not followed, since what
 * is posted is for the server that was named.
 * @throws HttpError; AnswerTooLarge; what `gather` throws; Error where the answer cannot be had or is none
 */
export async function exchange<T>(
  asked: Exchange,
  gather: Gather<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { url, headers, body, timeoutSeconds, idleSeconds, onAnswer } = asked;
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
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'redistill', ...headers },
      body: JSON.stringify(body),
      signal: controller.signal,
      redirect: 'manual',
    });
    onAnswer();
    return await read(response, gather, () => idle.refresh());
  } catch (error) {
    throw expired === undefined ? error : new Error(expired);
  } finally {
    clearTimeout(idle);
    clearTimeout(whole);
    signal?.removeEventListener('abort', abort);
    controller.abort(); // whatever is left of the body
  }
}

async function read<T>(response: Response, gather: Gather<T>, onBytes: () => void): Promise<T> {
  onBytes();
  const { ok, status, statusText, headers } = response;
  if (!ok) {
    const begun = await textOf(textsOf(response, onBytes, MAX_ERROR_BYTES)).catch(() => '');
    throw new HttpError(status, headers, begun, statusText);
  }
  const texts = textsOf(response, onBytes);
  if (headers.get('content-type')?.includes('text/event-stream')) return gather(parsed(texts), false);
  const text = await textOf(texts);
  // Some servers do not say that they stream.
  return /^\s*(data|event|id|retry)?:/.test(text)
    ? gather(parsed([text]), false)
    : gather([parse(text)], true);
}

async function* parsed(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator {
  for await (const data of eventsOf(texts)) {
    if (data.startsWith('[DONE]')) return;
    if (data.trim() !== '') yield parse(data); // an empty one keeps the connection alive
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`the answer is not JSON: ${serverWords(text)}`);
  }
}

async function textOf(texts: AsyncIterable<string>): Promise<string> {
  const all: string[] = [];
  for await (const text of texts) all.push(text);
  return all.join('');
}

/**
 * The body as text, in pieces.
 * @param most bytes after which it ends; without it, more than 64 MiB are an error
 */
async function* textsOf(response: Response, onBytes: () => void, most = Infinity): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  // Response.body is declared without its iterator where the types of browsers are loaded.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    onBytes();
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) throw new AnswerTooLarge('the answer is larger than 64 MiB');
    yield decoder.decode(chunk, { stream: true });
    if (bytes >= most) return;
  }
  yield decoder.decode();
}
