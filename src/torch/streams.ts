/**
 * @file Queues work on an accelerator's streams, for overlapping collectives with the backward pass in data-parallel
 * training. Nothing uses it yet but the CUDA parity test.
 */
import { native } from './native.js';

/** A queue of work on an accelerator. */
export class Stream {
  readonly #id: number;

  private constructor(id: number) {
    this.#id = id;
  }

  static create(device: string): Stream {
    return new Stream(native.newStream(device));
  }

  static current(device: string): Stream {
    return new Stream(native.currentStream(device));
  }

  /** Runs `body` with this as its device's current stream. */
  run<T>(device: string, body: () => T): T {
    const before = native.currentStream(device);
    native.setStream(this.#id);
    try {
      return body();
    } finally {
      native.setStream(before);
    }
  }

  /** Makes everything put on this stream from now on wait for what is on `other` now. */
  waitFor(other: Stream): void {
    const event = native.recordEvent(other.#id);
    native.waitEvent(this.#id, event);
    native.releaseEvent(event);
  }
}
