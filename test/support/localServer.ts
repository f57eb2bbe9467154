import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A made-up server on 127.0.0.1. */
export abstract class LocalServer {
  /** Requests being answered now, and the most there have been at once. */
  underWay = 0;
  mostAtOnce = 0;
  /** What `/models` gives, as text; without it there is no such list. */
  models: string | undefined;
  readonly #server: Server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(this.models === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(this.models ?? '{}');
      return;
    }
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay);
    void this.handle(request, response);
  });

  /** Answers a request; who does counts `underWay` down. */
  protected abstract handle(request: IncomingMessage, response: ServerResponse): Promise<void>;

  /** Resolves with the base URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
