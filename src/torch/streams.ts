import { native } from './native.js';

/** A queue of work on an accelerator. */
export class Stream {
  private constructor(private readonly id: number) {}

  static create(device: string): Stream {
    return new Stream(native.newStream(device));
  }

  static current(device: string): Stream {
    return new Stream(native.currentStream(device));
  }

  /** Runs `body` with this as its device's current stream. */
  run<T>(device: string, body: () => T): T {
    const before = native.currentStream(device);
    native.setStream(this.id);
    try {
      return body();
    } finally {
      native.setStream(before);
    }
  }

  /** Everything put on this stream from now on waits for what `other` has now. */
  waitFor(other: Stream): void {
    const event = native.recordEvent(other.id);
    native.waitEvent(this.id, event);
    native.releaseEvent(event);
  }
}
