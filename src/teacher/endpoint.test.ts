import { afterEach, describe, expect, it, vi } from 'vitest';
import { ANSWER, failing, failure, teacherEndpoints } from '../../test/support/teacherEndpoints.js';
import type { Fault } from '../../test/support/teacherServer.js';
import { EndpointError, openEndpoint } from './endpoint.js';

const { newServer, teacher } = teacherEndpoints();
afterEach(() => {
  vi.unstubAllEnvs();
});

describe.concurrent('is tried again', () => {
  it.each<[string, Fault, RegExp]>([
    ['429 without Retry-After', { status: 429 }, /^HTTP 429 something went wrong$/],
    ['500', { status: 500 }, /^HTTP 500/],
    ['503 with a page of HTML', { status: 503, error: '<html>\n<h1>No</h1>' }, /^HTTP 503 No$/],
    ['408', { status: 408 }, /^HTTP 408/],
    ['409', { status: 409 }, /^HTTP 409/],
    ['a reset connection', 'reset', /ECONNRESET|other side closed/],
    ['a connection reset midway', 'reset-midway', /ECONNRESET|other side closed|terminated/],
    ['a stream that ends early', 'truncated', /breaks off/],
    ['an answer that is not JSON', 'not-json', /not JSON/],
    ['an event that is not JSON', 'broken-event', /not JSON/],
    ['an event with an error', 'error-event', /engine died/],
    ['JSON of another shape', 'wrong-shape', /no text \(stop\)/],
    ['no choices', 'no-choices', /no choices/],
    ['null as content', 'null-content', /no text/],
    ['a first byte that does not come', 'silent', /^nothing came for 0.3 s$/],
    ['a stream that stalls', 'stalls', /^nothing came for 0.3 s$/],
    ['an answer without end', 'drips', /^it took more than 0.6 s$/],
  ])('%s', async (_, fault, reason) => {
    // Short limits only where they are what is tried: a busy machine may need longer for the others.
    const times = {
      idleSeconds: fault === 'silent' || fault === 'stalls' ? 0.3 : 60,
      timeoutSeconds: fault === 'drips' ? 0.6 : 60,
    };
    const { ask, server, waits } = await teacher(failing(fault, fault), times);
    expect(await ask()).toMatchObject({ text: ANSWER.content });
    expect(server.requests).toHaveLength(3);
    expect(server.requests[2]!.body).toEqual(server.requests[0]!.body);
    expect(waits).toHaveLength(2);
    for (const wait of waits) expect(wait.reason).toMatch(reason);
    // doubled, and up to a half taken off
    expect(waits[0]!.seconds).toSatisfy((s: number) => s > 0.0049 && s <= 0.01);
    expect(waits[1]!.seconds).toSatisfy((s: number) => s > 0.0099 && s <= 0.02);
  });

  it('a slow first byte is waited for', async () => {
    const { ask, waits } = await teacher({ delayMs: () => 250 }, { idleSeconds: 2 });
    expect(await ask()).toMatchObject({ text: ANSWER.content });
    expect(waits).toEqual([]);
  });

  it('empty choices, null content and errors of an answer that came whole', async () => {
    const { ask, waits } = await teacher({ whole: true, ...failing('no-choices', 'null-content') });
    expect(await ask()).toMatchObject({ text: ANSWER.content });
    expect(waits.map(({ reason }) => reason)).toEqual([
      'the answer has no choices',
      'the answer has no text (stop)',
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ['seconds', { 'retry-after': '0.4' }],
    ['a date', { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }],
    ['milliseconds', { 'retry-after-ms': '400', 'retry-after': '9' }],
  ])('when Retry-After, %s, says', async (kind, headers) => {
    const { ask, waits } = await teacher({
      fault: (index) => {
        // a date has no fractions: a second or two ahead
        if (kind === 'a date') headers = { 'retry-after': new Date(Date.now() + 1600).toUTCString() };
        return index === 0 ? { status: 429, headers } : undefined;
      },
    });
    const started = performance.now();
    expect(await ask()).toMatchObject({ text: ANSWER.content });
    const [least, most] = kind === 'a date' ? [0.5, 1.7] : [0.4, 0.45];
    expect(waits[0]!.seconds).toSatisfy((s: number) => s >= least && s <= most);
    expect((performance.now() - started) / 1000).toBeGreaterThanOrEqual(waits[0]!.seconds - 0.005);
  });

  it('so many times and no more', async () => {
    const { ask, server } = await teacher(
      { fault: () => ({ status: 503, error: { message: 'loading' } }) },
      { retries: 3 },
    );
    const error = await failure(ask());
    expect(error).toBeInstanceOf(EndpointError);
    expect(error).toMatchObject({ status: 503 });
    expect(error.message).toMatch(/v1 gave no usable answer in 4 tries; the last: HTTP 503 loading$/);
    expect(server.requests).toHaveLength(4);
  });

  it('but not after a day', async () => {
    const { ask } = await teacher(failing({ status: 429, headers: { 'retry-after': '86400' } }));
    expect((await failure(ask())).message).toMatch(/asks to wait for 1440 minutes/);
  });

  it('nor for ever where nobody listens', async () => {
    const { ask, server } = await teacher({}, { retries: 1 });
    await server.close();
    const error = await failure(ask());
    expect(error.message).toMatch(/in 2 tries; the last: connect ECONNREFUSED/);
  });
});

describe('a server that has never answered', () => {
  it('is given up soon, whatever the tries that are left', async () => {
    const { endpoint, server } = await teacher({}, { giveUpSeconds: 0.3, firstWaitSeconds: 0.05 });
    await server.close();
    const started = performance.now();
    const errors = await Promise.all(['a', 'b'].map((prompt) => failure(endpoint.complete(prompt))));
    for (const error of errors) {
      expect(error.name).toBe('UserError');
      expect(error.message).toMatch(/v1 has not answered for 0\.3 s \(connect ECONNREFUSED.*\): check that/);
    }
    expect((performance.now() - started) / 1000).toSatisfy((s: number) => s >= 0.3 && s < 5);
  });

  it('is told from one that fails now and then, and from one that refuses', async () => {
    const refusing = await teacher(
      { fault: () => ({ status: 503 }) },
      { giveUpSeconds: 0.01, retries: 4, firstWaitSeconds: 0.02 },
    );
    expect((await failure(refusing.ask())).name).toBe('EndpointError');
    const answered = await teacher(
      { fault: (index) => (index > 0 && index < 6 ? 'reset' : undefined) },
      { giveUpSeconds: 0.01, firstWaitSeconds: 0.01 },
    );
    expect([await answered.ask(), await answered.ask()]).toMatchObject([{}, { text: ANSWER.content }]);
  });
});

it('follows no redirect: what is sent is for the server that was named', async () => {
  const other = await teacher();
  const headers = { location: 'http://user:hunter2@127.0.0.1:9/v1?key=hunter2' };
  const { ask, server } = await teacher({ fault: () => ({ status: 307, headers }) });
  const error = await failure(ask());
  expect(error.name).toBe('UserError');
  expect(error.message).toMatch(
    /sends requests on .*HTTP 307 to http:\/\/\*\*\*@127\.0\.0\.1:9\/v1\?key=\*\*\*/,
  );
  expect([server.requests.length, other.server.requests.length]).toEqual([1, 0]);
});

it('sends the query of the URL with every request, and nothing else from the environment', async () => {
  vi.stubEnv('OPENAI_ORG_ID', 'org-secret');
  vi.stubEnv('OPENAI_CUSTOM_HEADERS', 'x-secret: 5');
  const server = newServer({ fault: () => ({ status: 404 }) });
  const baseUrl = `${await server.listen()}/?api-version=2024-06-01`;
  const error = await failure(openEndpoint({ baseUrl, model: 'r1' }).complete('x'));
  expect(server.requests[0]!.path).toBe('/v1/completions?api-version=2024-06-01');
  expect(JSON.stringify(server.requests[0]!.headers)).not.toMatch(/secret|org/);
  expect(error.message).toContain('/v1/?api-version=*** has no model r1');
});

describe('is final', () => {
  it.each<[number, string, RegExp, object?]>([
    [400, 'EndpointError', /HTTP 400 something went wrong\): check the sampling settings/],
    [403, 'EndpointError', /the key may have no right to the model/],
    [422, 'EndpointError', /HTTP 422/],
    [401, 'UserError', /wants a key \(HTTP 401.*put it into the environment variable OPENAI_API_KEY\.$/],
    [404, 'UserError', /no model r1 .* usually ends in \/v1\.$/],
    [402, 'UserError', /no credit left/],
    [429, 'UserError', /no credit left/, { message: 'Pay!', code: 'insufficient_quota' }],
  ])('%i', async (status, name, message, error) => {
    vi.stubEnv('OPENAI_API_KEY', '');
    const { ask, server } = await teacher({ fault: () => ({ status, ...(error && { error }) }) });
    const thrown = await failure(ask());
    expect(thrown).toMatchObject({ name, message: expect.stringMatching(message) as string });
    if (name === 'EndpointError') expect(thrown).toMatchObject({ status });
    expect(server.requests).toHaveLength(1);
  });
});

describe('the key', () => {
  it('comes from the environment and is never shown', async () => {
    vi.stubEnv('TEACHER_KEY', ' sk-secret\n');
    const fault = () => ({ status: 401, error: { message: 'sk-secret is not a key' } });
    const { ask, server } = await teacher({ fault }, { apiKeyEnv: 'TEACHER_KEY' });
    const error = await failure(ask());
    expect(server.requests[0]!.headers.authorization).toBe('Bearer sk-secret');
    expect(error.message).toMatch(
      /refuses the key in the environment variable TEACHER_KEY \(HTTP 401 \*\*\* is/,
    );
  });

  it('must be there when it is named, and be one', () => {
    vi.stubEnv('TEACHER_KEY', undefined);
    const open = () => openEndpoint({ baseUrl: 'http://127.0.0.1/v1', model: 'm', apiKeyEnv: 'TEACHER_KEY' });
    expect(open).toThrow('The environment variable TEACHER_KEY, which should hold the key, is not set.');
    vi.stubEnv('TEACHER_KEY', 'two words');
    expect(open).toThrow('holds no key');
  });
});

it.each(['localhost:8000/v1', 'ftp://127.0.0.1', '', 'http://me:secret@127.0.0.1/v1'])(
  'refuses %s as a URL',
  (baseUrl) => {
    expect(() => openEndpoint({ baseUrl, model: 'm' })).toThrow(/URL of (an|the) endpoint/);
    expect(() => openEndpoint({ baseUrl, model: 'm' })).not.toThrow(/secret/);
  },
);

it('has so many requests under way and no more', async () => {
  const { endpoint, server } = await teacher({ delayMs: () => 20 }, { concurrency: 3 });
  await Promise.all(Array.from({ length: 10 }, (_, i) => endpoint.complete(`${i}`)));
  expect(server.mostAtOnce).toBe(3);
});

it.each<[string, Fault]>([
  ['a silent server', 'silent'],
  ['a long wait', { status: 429, headers: { 'retry-after': '60' } }],
])('is aborted at once during %s', async (_, fault) => {
  const { endpoint, server } = await teacher({ fault: () => fault }, { concurrency: 2 });
  const controller = new AbortController();
  const asked = Array.from({ length: 4 }, () => failure(endpoint.complete('x', {}, controller.signal)));
  while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const started = performance.now();
  controller.abort(new Error('enough'));
  for (const error of await Promise.all(asked)) expect(error.message).toBe('enough');
  expect(performance.now() - started).toBeLessThan(500);
  expect(server.requests).toHaveLength(2);
});
