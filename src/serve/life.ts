/** @file The life of a request: it ends with its connection, and at the latest when its time is over. */
import type { ServerResponse } from 'node:http';
import { ApiError } from './errors.js';

/** Nobody is there any more to answer to. */
export class ClientGone extends Error {
  override name = 'ClientGone';
}

/** Tells whoever works for a request when it has become pointless. */
export class RequestLife implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly started = performance.now();

  constructor(
    readonly response: ServerResponse,
    seconds: number,
  ) {
    const late = () => {
      this.#controller.abort(new ApiError(504, `the request took more than ${seconds} s`, null, 'timeout'));
    };
    this.#timer = setTimeout(late, seconds * 1000);
    response.once('close', this.#gone);
    // It may have gone while its body was read.
    if (response.destroyed || response.socket?.destroyed === true) this.#gone();
  }

  // A stream whose connection breaks while its last bytes are on their way says that it is finished and never tells so; one that
  // has told nobody waits for any more.
  readonly #gone = (): void => {
    this.#controller.abort(new ClientGone('the client has gone'));
  };

  /** Aborted with ClientGone or an ApiError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Seconds since it began. */
  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.response.off('close', this.#gone);
  }
}
