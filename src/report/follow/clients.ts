/** @file The pages that listen: each gets what it lacks, no faster than it reads, and is let go where it reads no more. */
import type { ServerResponse } from 'node:http';
import type { EventLog, Logged } from './eventLog.js';

/** Milliseconds after which a page that takes nothing is let go; it may come back. */
const PATIENCE_MS = 60_000;

interface Client {
  response: ServerResponse;
  /** The last change that it was sent; undefined where it needs everything. */
  last: string | undefined;
  /** When it began not to take what was sent. */
  blockedSince: number | undefined;
}

/** An event as it is sent. @param id by which a page says how far it has come */
export function eventBytes(name: string, value: unknown, id?: string): Buffer {
  return Buffer.from(
    `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(value)}\n\n`,
  );
}

export class Clients {
  readonly #clients = new Set<Client>();
  readonly #log: EventLog;
  readonly #snapshot: () => Logged;
  readonly #now: () => number;

  /** @param snapshot everything as an event, with the id of the last change */
  constructor(log: EventLog, snapshot: () => Logged, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#snapshot = snapshot;
    this.#now = now;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Begins to send to a page. @param last the change that it knows, if it has been here */
  add(response: ServerResponse, last: string | undefined): void {
    const client: Client = { response, last, blockedSince: undefined };
    this.#clients.add(client);
    response.once('close', () => this.#clients.delete(client));
    response.on('drain', () => {
      client.blockedSince = undefined;
      this.#send(client);
    });
    this.#send(client);
  }

  /** Sends all pages what they lack, and something that needs no second time. */
  tell(passing: Buffer): void {
    for (const client of this.#clients) {
      this.#send(client);
      if (client.blockedSince === undefined) this.#write(client, passing);
      else if (this.#now() - client.blockedSince > PATIENCE_MS) client.response.destroy();
    }
  }

  /** Lets all go. */
  close(): void {
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  #send(client: Client): void {
    if (client.blockedSince !== undefined) return;
    for (const { id, bytes } of this.#lacking(client)) {
      client.last = id;
      if (!this.#write(client, bytes)) return; // the rest comes when it has taken this
    }
  }

  #lacking({ last }: Client): Logged[] {
    return (last === undefined ? undefined : this.#log.after(last)) ?? [this.#snapshot()];
  }

  /** @returns whether it takes more */
  #write(client: Client, bytes: Buffer): boolean {
    const isReady = client.response.write(bytes);
    if (!isReady) client.blockedSince ??= this.#now();
    return isReady;
  }
}
