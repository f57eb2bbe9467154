/** @file Serves the page of runs under way: the page itself, its events, and the texts that it asks for. Reads files, and writes none. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ApiError } from '../../serve/errors.js';
import { Guard, type GuardOptions } from '../../serve/guard.js';
import { messageOf, UserError } from '../../util/errors.js';
import { livePage, type PageParts } from '../html.js';
import { Clients, eventBytes } from './clients.js';
import { EventLog, type Logged } from './eventLog.js';
import type { Watcher } from './watcher.js';

/** Pages that listen at once. */
export const MOST_CLIENTS = 32;
/** Milliseconds between two looks; while nobody listens, every so many are left out. */
const [LOOK_MS, IDLE_LOOKS] = [2_000, 15];
/** What is kept for pages whose connection broke. */
const KEPT = { bytes: 8 << 20, events: 2_000 };
/** Milliseconds after which a page tries again. */
const RETRY_MS = 2_000;

/** Problems of evaluations, rows of traces, and rows of the doctor: by a name, and by their chunk. */
const ASKED = /^\/(texts|traces|examinations)\/([0-9a-f]{1,64})(?:\/(\d{1,9}))?$/;

export interface WatchServerOptions extends Pick<GuardOptions, 'hosts'> {
  lookMs?: number;
  /** The page's program and style, where they are not those of the package. */
  parts?: PageParts;
  /** Hears of what went wrong while files were looked at. */
  onFault?: (sentence: string) => void;
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

/** A server of a watcher, which looks from when it is made until it is closed. */
export class WatchServer {
  readonly server: Server;
  readonly #watcher: Watcher;
  readonly #guard: Guard;
  readonly #log = new EventLog(randomBytes(8).toString('hex'), KEPT);
  readonly #clients = new Clients(this.#log, () => this.#everything());
  readonly #onFault: (sentence: string) => void;
  readonly #page: ReturnType<typeof livePage>;
  #snapshot: Logged | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #ticks = 0;
  /** Pages that have asked and are not listening yet. */
  #joining = 0;

  constructor(watcher: Watcher, options: WatchServerOptions = {}) {
    const { hosts = [], lookMs = LOOK_MS, parts, onFault = () => undefined } = options;
    this.#page = livePage(parts);
    this.#watcher = watcher;
    this.#guard = new Guard({ hosts });
    this.#onFault = onFault;
    this.server = createServer({ requestTimeout: 10_000, maxHeaderSize: 1 << 14 }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#refuse(response, error);
      });
    });
    this.server.maxConnections = 4 * MOST_CLIENTS;
    this.#timer = setInterval(() => {
      if (this.#clients.size > 0 || this.#ticks++ % IDLE_LOOKS === 0) void this.look();
    }, lookMs);
  }

  /** Pages that listen. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Looks at all files, and tells what has changed. Two looks are never under way at once. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    this.#clients.close();
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
    this.#watcher[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    try {
      const change = await this.#watcher.look();
      if (change) {
        this.#snapshot = undefined;
        this.#log.add((id) => eventBytes('change', change, id));
      }
      if (this.#clients.size > 0) this.#clients.tell(eventBytes('live', this.#watcher.live));
    } catch (error) {
      this.#onFault(messageOf(error));
    }
  }

  /** Everything as an event; made once for all who ask before it changes. */
  #everything(): Logged {
    const id = this.#log.last;
    this.#snapshot ??= { id, bytes: eventBytes('snapshot', this.#watcher.snapshot, id) };
    return this.#snapshot;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#check(request);
    const [pathname = '', query = ''] = (request.url ?? '').split(/\?(.*)/s);
    if (pathname === '/') {
      const { html, policy } = this.#page;
      send(response, 'text/html; charset=utf-8', html, { 'content-security-policy': policy });
    } else if (pathname === '/events') {
      await this.#listen(request, response, new URLSearchParams(query).get('after') ?? undefined);
    } else if (pathname === '/report.json') {
      await this.look();
      send(response, 'application/json', JSON.stringify(this.#watcher.report));
    } else if (pathname === '/favicon.ico') {
      response.writeHead(204, HEADERS).end();
    } else {
      const asked = ASKED.exec(pathname);
      if (!asked) throw new ApiError(404, 'there is no such page');
      const [, kind, name = '', chunk] = asked;
      const found = await this.#part(kind!, name, chunk === undefined ? undefined : Number(chunk));
      if (found === undefined) throw new ApiError(404, 'these texts have changed meanwhile');
      send(response, 'application/json', JSON.stringify(found));
    }
  }

  /** What a page asks for by a name in its report; undefined where there is nothing of it, or no longer. */
  async #part(kind: string, name: string, chunk: number | undefined): Promise<object | undefined> {
    const watcher = this.#watcher;
    if (kind === 'examinations') return chunk === undefined ? watcher.examinedRows(name) : undefined;
    if (kind === 'traces')
      return await (chunk === undefined ? watcher.traces(name) : watcher.tracedRows(name, chunk));
    return chunk === undefined ? undefined : watcher.chunk(name, chunk);
  }

  /** Who may ask: as with a model's server, and its own page alone. @throws ApiError */
  #check({ headers, method }: IncomingMessage): void {
    const { host = '', origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers;
    const isOwn = origin === `http://${host}`.toLowerCase();
    this.#guard.checkPlace(isOwn ? { host } : headers);
    // A browser says so where another page asks; following a link to here is no harm.
    if (site !== undefined && !['same-origin', 'none'].includes(site) && mode !== 'navigate')
      throw new ApiError(403, 'pages of others may not ask this server');
    if (method !== 'GET' && method !== 'HEAD') throw new ApiError(405, `there is no ${method ?? ''} here`);
  }

  /** @param after the change that a page knows which has not been connected before */
  async #listen(request: IncomingMessage, response: ServerResponse, after?: string): Promise<void> {
    if (this.#clients.size + this.#joining >= MOST_CLIENTS)
      throw new ApiError(503, `${MOST_CLIENTS} pages listen already: close some of them`);
    const known = request.headers['last-event-id'] ?? after;
    response.writeHead(200, {
      ...HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      // Proxies would hold events back.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    this.#joining++;
    await this.look().finally(() => this.#joining--);
    if (response.destroyed || this.#timer === undefined) {
      response.end();
      return;
    }
    this.#clients.add(response, typeof known === 'string' ? known : undefined);
    response.write(eventBytes('live', this.#watcher.live));
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const isOurs = error instanceof ApiError || error instanceof UserError;
    if (!isOurs) this.#onFault(messageOf(error));
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = error instanceof ApiError ? error.status : 500;
    const sentence = isOurs ? error.message : 'the server failed at this request; its terminal says why';
    // It has no flag for pages of others.
    const text = sentence.replace(' (--allow-origin)', '');
    response
      .writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
      .end(`${text}\n`);
  }
}

function send(
  response: ServerResponse,
  type: string,
  text: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { ...HEADERS, 'content-type': type, ...headers }).end(text);
}
