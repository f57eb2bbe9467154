import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, request, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventEmitter } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { LiveRun } from '../../../test/support/liveRuns.js';
import { BesideRuns } from '../../../test/support/besideRuns.js';
import { applyChange, type Change, type Live, type Snapshot } from '../live.js';
import type { ExaminedRow, Report, TracedRow, TraceSet } from '../model.js';
import { Clients } from './clients.js';
import { EventLog } from './eventLog.js';
import { MOST_CLIENTS, WatchServer } from './server.js';
import { Watcher } from './watcher.js';

const top = mkdtempSync(join(tmpdir(), 'redistill-watch-'));
const open: WatchServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

/** Serves a folder; nobody looks into it but on demand. */
async function serve(
  name: string,
  hosts: string[] = [],
): Promise<{ served: WatchServer; port: number; dir: string }> {
  const dir = join(top, name);
  const parts = { script: 'let x = 1', style: 'p { color: red }' };
  const served = new WatchServer(new Watcher(dir), { hosts, parts, lookMs: 1e9 });
  open.push(served);
  served.server.listen(0, '127.0.0.1');
  await once(served.server, 'listening');
  return { served, port: (served.server.address() as AddressInfo).port, dir };
}

async function ask(
  port: number,
  path: string,
  headers: OutgoingHttpHeaders = {},
  method = 'GET',
): Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }> {
  const asked = request({ port, path, headers, method, host: '127.0.0.1' });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode!, text, headers: response.headers };
}

interface Heard {
  name: string;
  id: string | undefined;
  data: unknown;
}

/** A page that listens. */
class Listener {
  readonly events: Heard[] = [];
  #response: IncomingMessage | undefined;

  static async open(port: number, last?: string): Promise<Listener> {
    const listener = new Listener();
    const asked = get({
      port,
      path: '/events',
      host: '127.0.0.1',
      headers: last ? { 'last-event-id': last } : {},
    });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    listener.#response = response;
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) listener.#take(part);
    });
    response.on('error', () => undefined);
    await expect.poll(() => listener.named('live').length).toBeGreaterThan(0);
    return listener;
  }

  #take(part: string): void {
    const field = (name: string) => new RegExp(`(?:^|\n)${name}: ([^\n]*)`).exec(part)?.[1];
    const name = field('event');
    if (name !== undefined)
      this.events.push({ name, id: field('id'), data: JSON.parse(field('data')!) as unknown });
  }

  named(name: string): Heard[] {
    return this.events.filter((event) => event.name === name);
  }

  get last(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  close(): void {
    this.#response?.destroy();
  }
}

const follow = (known: Snapshot | undefined, events: readonly Heard[]): Snapshot => {
  for (const { name, data } of events) {
    if (name === 'snapshot') known = data as Snapshot;
    if (name === 'change') known = applyChange(known!, data as Change);
  }
  return known!;
};

describe('who may ask', () => {
  it('asks by an address or a name of this machine, and is no page of others', async () => {
    const { port, dir, served } = await serve('who', ['runs.example']);
    const beside = new BesideRuns(dir);
    beside.curation('pairs', 30);
    beside.doctor('check', 2);
    await served.look();
    const { traces, examinations } = JSON.parse((await ask(port, '/report.json')).text) as Report;
    const parts = [
      `/traces/${traces![0]!.asked!}`,
      `/traces/${traces![0]!.asked!}/0`,
      `/examinations/${examinations![0]!.asked!}`,
    ];
    const own = `127.0.0.1:${port}`;
    const cases: [OutgoingHttpHeaders, number][] = [
      [{}, 200],
      [{ host: `localhost:${port}` }, 200],
      [{ host: hostname() }, 200],
      [{ host: 'runs.example' }, 200],
      [{ host: 'evil.example' }, 403],
      [{ host: 'localhost.evil.example' }, 403],
      [{ host: own, origin: `http://${own}` }, 200],
      [{ host: own, origin: 'http://evil.example' }, 403],
      [{ host: own, origin: `http://127.0.0.1:${port + 1}` }, 403],
      [{ host: own, origin: 'null' }, 403],
      [{ host: 'evil.example', origin: 'http://evil.example' }, 403],
      [{ host: own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
      [{ host: own, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, 403],
      [{ host: own, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 200],
      [{ host: own, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, 200],
    ];
    for (const path of ['/', '/report.json', ...parts])
      for (const [headers, status] of cases) {
        const answer = await ask(port, path, headers);
        expect([path, headers, answer.status]).toEqual([path, headers, status]);
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
        expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
        if (status === 403) expect(answer.text).not.toMatch(/allow-origin|<html/);
      }
    for (const path of ['/events', '/texts/00/0'])
      expect((await ask(port, path, { host: 'evil.example' })).status).toBe(403);
  });

  it('gets the page under a policy, and nothing but what there is', async () => {
    const { port } = await serve('what');
    const { text, headers } = await ask(port, '/');
    expect(text).toContain('<body data-live>');
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'$/,
    );
    const statuses: [string, string, number][] = [
      ['GET', '/favicon.ico', 204],
      ['GET', '/../../etc/passwd', 404],
      ['GET', '/texts/00/0', 404],
      ['GET', '/texts/../0', 404],
      ['GET', '/traces/00', 404],
      ['GET', '/traces/00/0', 404],
      ['GET', '/traces/..%2F..%2Fetc%2Fpasswd', 404],
      ['GET', '/traces/', 404],
      ['GET', '/examinations/00', 404],
      ['GET', '/examinations/00/0', 404],
      ['GET', '/texts/00', 404],
      ['POST', '/traces/00', 405],
      ['GET', '//', 404],
      ['POST', '/', 405],
      ['OPTIONS', '/events', 405],
      ['HEAD', '/', 200],
    ];
    for (const [method, path, status] of statuses)
      expect([method, path, (await ask(port, path, {}, method)).status]).toEqual([method, path, status]);
  });
});

it('rows of traces and of the doctor are got by the names that the report has for them, chunk by chunk', async () => {
  const { port, dir } = await serve('asked');
  const beside = new BesideRuns(dir);
  beside.curation('pairs', 60);
  beside.doctor('check', 3);
  const get = async <T>(path: string) => JSON.parse((await ask(port, path)).text) as T;
  const { traces, examinations } = await get<Report>('/report.json');
  const name = traces![0]!.asked!;
  const { rows, asked } = await get<TraceSet>(`/traces/${name}`);
  expect(asked).toBe(name);
  expect(rows.ids).toHaveLength(60);
  expect(rows.chunks.length).toBeGreaterThan(1);
  const all: TracedRow[] = [];
  for (const [chunk, size] of rows.chunks.entries()) {
    const some = await get<TracedRow[]>(`/traces/${name}/${chunk}`);
    expect(some).toHaveLength(size);
    all.push(...some);
  }
  expect(all.map(({ id }) => id)).toEqual(rows.ids);
  expect((await ask(port, `/traces/${name}/${rows.chunks.length}`)).status).toBe(404);
  expect(await get<ExaminedRow[]>(`/examinations/${examinations![0]!.asked!}`)).toHaveLength(3);
  // Two pages that ask for different sets at once.
  beside.curation('second', 4);
  const { traces: both } = await get<Report>('/report.json');
  const sets = await Promise.all([...both!, ...both!].map((set) => get<TraceSet>(`/traces/${set.asked!}`)));
  expect(sets.map(({ id, rows: { ids } }) => [id, ids.length])).toEqual(
    [...both!, ...both!].map(({ id }) => [id, id === 'pairs' ? 60 : 4]),
  );
});

describe('pages that listen', () => {
  it('know everything, and after their connection broke get what they lack, once', async () => {
    const { served, port, dir } = await serve('listening');
    const run = new LiveRun(join(dir, 'redi'));
    run.run(3);
    const first = await Listener.open(port);
    expect(first.named('snapshot')).toHaveLength(1);
    let known = follow(undefined, first.events);
    expect(known.report.runs[0]!.curves.steps).toEqual([1, 2, 3]);
    run.run(2);
    await served.look();
    await expect.poll(() => first.named('change').length).toBe(1);
    known = follow(undefined, first.events);
    const { last } = first;
    first.close();
    await expect.poll(() => served.clients).toBe(0);
    for (let i = 0; i < 5; i++) {
      run.run(1);
      if (i === 3) run.resume(4);
      await served.look();
    }
    const second = await Listener.open(port, last);
    expect(second.named('snapshot')).toEqual([]);
    expect(second.named('change')).toHaveLength(5);
    known = follow(known, second.events);
    const third = await Listener.open(port, 'of-another-server-7');
    expect(third.named('snapshot')).toHaveLength(1);
    for (const { report } of [known, follow(undefined, third.events)])
      expect(report).toEqual(JSON.parse((await ask(port, '/report.json')).text));
    expect(known.report.runs[0]!.curves.steps).toEqual([1, 2, 3, 4, 5]);
    const { load, activities } = third.named('live')[0]!.data as Live;
    expect(activities).toMatchObject([{ name: 'redi', done: 5 }]);
    expect(load.memory.used).toBeGreaterThan(0);
    expect(load.memory.used).toBeLessThan(load.memory.total);
    expect(load.processors).toBeGreaterThan(0);
    expect(load.busy).toBeGreaterThanOrEqual(0);
  });

  it('are so many at most', async () => {
    const { served, port } = await serve('many');
    const all = await Promise.all(Array.from({ length: MOST_CLIENTS }, () => Listener.open(port)));
    expect((await ask(port, '/events')).status).toBe(503);
    expect(served.clients).toBe(MOST_CLIENTS);
    all[0]!.close();
    await expect.poll(() => served.clients).toBe(MOST_CLIENTS - 1);
    await Listener.open(port);
  });

  it('are so many at most also where all come at once', async () => {
    const { served, port } = await serve('at-once');
    const asked = Array.from({ length: MOST_CLIENTS + 8 }, () =>
      get({ port, path: '/events', host: '127.0.0.1' }),
    );
    const statuses = await Promise.all(
      asked.map(async (one) => ((await once(one, 'response')) as [IncomingMessage])[0].statusCode),
    );
    expect(statuses.filter((status) => status === 503)).toHaveLength(8);
    await expect.poll(() => served.clients).toBe(MOST_CLIENTS);
  });

  it('are let go when the server ends', async () => {
    const { served, port } = await serve('ending');
    await Listener.open(port);
    await served.close();
    await expect(ask(port, '/')).rejects.toThrow();
  });
});

describe('a page that reads slowly', () => {
  class Slow extends EventEmitter {
    written: string[] = [];
    isSlow = false;
    isDestroyed = false;
    write(bytes: Buffer): boolean {
      this.written.push(String(bytes));
      return !this.isSlow;
    }
    end(): void {
      this.emit('close');
    }
    destroy(): void {
      this.isDestroyed = true;
      this.emit('close');
    }
  }

  it('is sent nothing more until it has read, then what it lacks, and is let go after a minute', () => {
    let now = 0;
    const log = new EventLog('ab', { bytes: 1_000, events: 3 });
    const snapshot = () => ({ id: log.last, bytes: Buffer.from(`all ${log.last}`) });
    const clients = new Clients(log, snapshot, () => now);
    const add = () => log.add((id) => Buffer.from(id));
    const slow = new Slow();
    clients.add(slow as unknown as ServerResponse, undefined);
    slow.isSlow = true;
    add();
    clients.tell(Buffer.from('live'));
    add();
    add();
    clients.tell(Buffer.from('live'));
    expect(slow.written).toEqual(['all ab-0', 'ab-1']);
    slow.isSlow = false;
    slow.emit('drain');
    expect(slow.written.slice(2)).toEqual(['ab-2', 'ab-3']);
    slow.isSlow = true;
    for (let i = 0; i < 10; i++) add();
    clients.tell(Buffer.from('live'));
    slow.isSlow = false;
    slow.emit('drain');
    expect(slow.written.slice(4)).toEqual(['all ab-13']);
    slow.isSlow = true;
    clients.tell(Buffer.from('live'));
    now = 59_000;
    clients.tell(Buffer.from('live'));
    expect(slow.isDestroyed).toBe(false);
    now = 61_000;
    clients.tell(Buffer.from('live'));
    expect([slow.isDestroyed, clients.size, slow.written.length]).toEqual([true, 0, 6]);
  });

  it('finds in the log what is there, and no more than fits', () => {
    const log = new EventLog('ab', { bytes: 100, events: 1_000 });
    for (let i = 0; i < 50; i++) log.add(() => Buffer.alloc(10));
    expect(log.bytes).toBe(100);
    expect(log.after('ab-50')).toEqual([]);
    expect(log.after('ab-47')!.map(({ id }) => id)).toEqual(['ab-48', 'ab-49', 'ab-50']);
    expect(log.after('ab-40')).toHaveLength(10);
    for (const id of ['ab-39', 'ab-51', 'cd-50', 'ab-', '', 'ab--1', 'ab-50 '])
      expect(log.after(id)).toBeUndefined();
    log.add(() => Buffer.alloc(101));
    expect([log.bytes, log.after('ab-50')]).toEqual([0, undefined]);
  });
});

it('hostile texts of runs are data in what is sent', async () => {
  const { port, dir } = await serve('hostile');
  const name = 'a\nevent: change\ndata: {}';
  const run = new LiveRun(join(dir, 'x<script>'), { objective: { name }, model: '</script>\r\n\u2028' });
  run.run(1, { 'a\n\nevent: snapshot\ndata: 1': 1, ['__proto__']: 2 });
  writeFileSync(
    join(dir, 'x<script>', 'sentinel.json'),
    JSON.stringify([{ step: 1, sentence: '\n\n\r\nid: 7\n\n' }]),
  );
  const listener = await Listener.open(port);
  expect(listener.events.map((event) => event.name)).toEqual(['snapshot', 'live']);
  const { report } = follow(undefined, listener.events);
  expect(report.runs[0]).toMatchObject({
    objective: name,
    id: 'x<script>',
    alerts: [{ sentence: '\n\n\r\nid: 7\n\n' }],
  });
  expect(report.runs[0]!.curves.series.map((series) => series.name)).toContain(
    'a\n\nevent: snapshot\ndata: 1',
  );
});
