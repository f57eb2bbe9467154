import { createHash } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';

export interface HubFault {
  /** Answer with this status. */
  status?: number;
  /** Send only so many bytes of a file and cut the connection. */
  cutAfter?: number;
  /** Flip a bit of the last byte. */
  corrupt?: boolean;
  /** Answer with this text instead of JSON of the hub's form. */
  body?: string;
  /** Never end the answer: with `cutAfter` after so many bytes, else before the first. */
  silent?: boolean;
  /** How many requests it hits; default: all. */
  times?: number;
}

/** A stand-in for the Hugging Face hub with one repository: the three routes that fetching a model uses. */
export class HubServer {
  commit = 'c0ffee'.padEnd(40, '0');
  /** Paths of files that were asked for (without the client's size probes), with the first byte of their range. */
  readonly downloads: { path: string; begin: number }[] = [];
  requests = 0;
  /** When set, requests without it are refused. */
  token: string | undefined;
  /** By file, or by `tree` and `revision` for these routes. */
  readonly faults = new Map<string, HubFault>();
  readonly #server: Server;

  constructor(
    readonly repository: string,
    readonly files: Map<string, Buffer>,
  ) {
    this.#server = createServer((request, response) => {
      this.requests++;
      this.#answer(request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const fail = (status: number, error: string): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    };
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`) {
      fail(401, 'Invalid username or password.');
      return;
    }
    const api = `/api/models/${this.repository}/`;
    const resolve = `/${this.repository}/resolve/${this.commit}/`;
    const [route, rest, folder = ''] = pathname.startsWith(api) ? pathname.slice(api.length).split('/') : [];
    const path = pathname.startsWith(resolve) ? pathname.slice(resolve.length) : undefined;
    const probe = request.headers.range === 'bytes=0-0';
    const fault = probe ? undefined : this.#takeFault(route ?? path ?? '');
    const file = path === undefined ? undefined : this.files.get(path);

    if (fault?.body !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(fault.body);
      return;
    }
    if (fault?.silent === true && fault.cutAfter === undefined) return;
    if (fault?.status !== undefined) fail(fault.status, 'Something went wrong');
    else if (route === 'revision' && ['main', this.commit].includes(rest ?? '')) {
      this.#json(response, { _id: '1', id: this.repository, sha: this.commit, private: false, gated: false });
    } else if (route === 'tree' && rest === this.commit) this.#json(response, this.#tree(folder));
    else if (file !== undefined) this.#sendFile(request, response, path!, file, probe, fault);
    else fail(404, 'Repository or entry not found');
  }

  #takeFault(key: string): HubFault | undefined {
    const fault = this.faults.get(key);
    if (fault?.times !== undefined && --fault.times < 0) return undefined;
    return fault;
  }

  #json(response: ServerResponse, body: unknown): void {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  /** What is right in a folder. Large files are kept apart and have a checksum, as at the hub. */
  #tree(folder: string): unknown[] {
    const inside = [...this.files].filter(([path]) => dirname(path) === (folder || '.'));
    const entries = inside.map(([path, data]) => {
      const entry = { type: 'file', oid: '0'.repeat(40), size: data.length, path };
      if (!path.endsWith('.safetensors')) return entry;
      const oid = createHash('sha256').update(data).digest('hex');
      return { ...entry, lfs: { oid, size: data.length, pointerSize: 134 } };
    });
    const folders = new Set([...this.files.keys()].map(dirname).filter((path) => path !== '.'));
    return [
      ...entries,
      ...(folder === '' ? ['onnx', ...folders] : []).map((path) => ({
        type: 'directory',
        oid: '0'.repeat(40),
        size: 0,
        path,
      })),
    ];
  }

  #sendFile(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    file: Buffer,
    probe: boolean,
    fault: HubFault | undefined,
  ): void {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const begin = range === null ? 0 : Number(range[1]);
    const end = range === null ? file.length : Math.min(file.length, Number(range[2]) + 1);
    if (!probe) this.downloads.push({ path, begin });
    let body = Buffer.from(file.subarray(begin, end));
    if (fault?.corrupt === true) body[body.length - 1]! ^= 1;
    response.writeHead(range === null ? 200 : 206, {
      etag: '"1"',
      'content-length': body.length,
      ...(range !== null && { 'content-range': `bytes ${begin}-${end - 1}/${file.length}` }),
    });
    if (fault?.cutAfter === undefined) {
      response.end(body);
      return;
    }
    body = body.subarray(0, fault.cutAfter);
    response.write(body, () => {
      if (fault.silent === true) return;
      // Time for the bytes to arrive before the connection breaks.
      setTimeout(() => response.destroy(), 50);
    });
  }
}
