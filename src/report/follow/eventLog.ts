/** @file The last changes, numbered, for pages whose connection broke; of so many bytes at most. */

/** A change as it is sent. */
export interface Logged {
  id: string;
  bytes: Buffer;
}

/** Remembers what was said last. */
export class EventLog {
  readonly #epoch: string;
  readonly #most: { bytes: number; events: number };
  #events: Logged[] = [];
  #next = 1;
  #bytes = 0;

  /** @param epoch tells this log from that of another process */
  constructor(epoch: string, most: { bytes: number; events: number }) {
    this.#epoch = epoch;
    this.#most = most;
  }

  /** The id of the last change. */
  get last(): string {
    return `${this.#epoch}-${this.#next - 1}`;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a change. @param write its bytes, given its id */
  add(write: (id: string) => Buffer): Logged {
    const id = `${this.#epoch}-${this.#next++}`;
    const event = { id, bytes: write(id) };
    this.#events.push(event);
    this.#bytes += event.bytes.length;
    while (this.#events.length > this.#most.events || this.#bytes > this.#most.bytes)
      this.#bytes -= this.#events.shift()!.bytes.length;
    return event;
  }

  /** What came after a change; undefined where that is not known any more, or was never here. */
  after(id: string): Logged[] | undefined {
    const [, epoch, number] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? [];
    if (epoch !== this.#epoch) return undefined;
    const missing = this.#next - 1 - Number(number);
    if (missing < 0 || missing > this.#events.length) return undefined;
    return missing === 0 ? [] : this.#events.slice(-missing);
  }
}
