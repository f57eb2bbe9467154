/** @file Writes a stream of server-sent events, no faster than its reader reads. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ErrorBody } from './errors.js';

/** A stream of events, each of which is an object, that ends with `[DONE]`. */
export class EventStream {
  readonly #response: ServerResponse;

  /** Sends the head. @param headers besides those of a stream */
  constructor(response: ServerResponse, headers: Record<string, string>) {
    this.#response = response;
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      // Proxies would hold events back.
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
  }

  /** Whether the reader has not taken yet what was sent: what is sent now piles up. */
  get isBlocked(): boolean {
    return this.#response.writableNeedDrain;
  }

  send(event: object): void {
    this.#response.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** Calls back whenever the reader has taken everything. */
  onDrain(body: () => void): void {
    this.#response.on('drain', body);
  }

  /** Resolves when the reader has taken everything. @throws the signal's reason */
  async drained(signal: AbortSignal): Promise<void> {
    if (this.isBlocked) await orReason(once(this.#response, 'drain', { signal }), signal);
  }

  /** Ends the stream and waits until all of it is sent. @throws the signal's reason */
  async end(signal: AbortSignal): Promise<void> {
    const finished = once(this.#response, 'finish', { signal });
    this.#response.end('data: [DONE]\n\n');
    await orReason(finished, signal);
  }

  /** Ends it with an error, if there is somebody who reads it, and the connection in any case. */
  fail(error: ErrorBody): void {
    const response = this.#response;
    const { socket } = response;
    if (this.isBlocked) response.destroy();
    else response.end(`data: ${JSON.stringify(error)}\n\ndata: [DONE]\n\n`, () => socket?.destroySoon());
  }
}

async function orReason(waiting: Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await waiting;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
