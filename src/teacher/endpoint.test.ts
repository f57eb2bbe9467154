import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import {
  TeacherServer,
  type Fault,
  type Said,
  type TeacherOptions,
} from '../../test/support/teacherServer.js';
import { EndpointError, openEndpoint, type EndpointOptions } from './endpoint.js';

const ANSWER: Said = { content: 'Half of 8 is\n\n\\boxed{4}, naturally: ½ · 8 🙂' };
const FIELDS = { temperature: 0.6, max_tokens: 100, seed: 7 };
const MESSAGES = [{ role: 'user', content: 'Half of 8?' }];

const servers: TeacherServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));
afterEach(() => {
  vi.unstubAllEnvs();
});

async function teacher(
  server: Partial<TeacherOptions> = {},
  options: Partial<EndpointOptions> = {},
): Promise<
  { server: TeacherServer; waits: { reason: string; seconds: number }[] } & ReturnType<typeof asking>
> {
  const running = new TeacherServer({ answer: () => ANSWER, ...server });
  servers.push(running);
  const baseUrl = await running.listen();
  const waits: { reason: string; seconds: number }[] = [];
  const endpoint = openEndpoint({
    baseUrl,
    model: 'r1',
    firstWaitSeconds: 0.01,
    onRetry: (reason, seconds) => waits.push({ reason, seconds }),
    ...options,
  });
  return { server: running, waits, ...asking(endpoint) };
}
const asking = (endpoint: ReturnType<typeof openEndpoint>) => ({
  endpoint,
  ask: (fields: Record<string, unknown> = FIELDS, signal?: AbortSignal) =>
    endpoint.complete(MESSAGES, fields, signal),
});
const failing = (...faults: (Fault | undefined)[]) => ({ fault: (index: number) => faults[index] });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it did not fail'),
    (error: unknown) => error as Error & { status?: number },
  );

describe.concurrent('an answer', () => {
  it('of a chat, streamed, with its counts', async () => {
    const { ask, server } = await teacher();
    expect(await ask()).toEqual({
      text: ANSWER.content,
      reasoning: null,
      finishReason: 'stop',
      promptTokens: 'Half of 8?'.length,
      completionTokens: ANSWER.content!.length,
    });
    expect(server.requests[0]).toMatchObject({ path: '/v1/chat/completions' });
    expect(server.requests[0]!.body).toEqual({
      model: 'r1',
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
      ...FIELDS,
    });
  });

  it('of completions where the prompt is text', async () => {
    const { endpoint, server } = await teacher();
    expect(await endpoint.complete('8 / 2 =', FIELDS)).toMatchObject({ text: ANSWER.content });
    expect(server.requests[0]).toMatchObject({ path: '/v1/completions', body: { prompt: '8 / 2 =' } });
  });

  it('that comes whole, asked for or not', async () => {
    const { ask, server } = await teacher();
    const whole = await ask({ ...FIELDS, stream: false, temperature: null });
    expect(whole).toEqual(await ask());
    expect(server.requests[0]!.body).toEqual({
      model: 'r1',
      messages: MESSAGES,
      stream: false,
      max_tokens: 100,
      seed: 7,
    });
    const deaf = await teacher({ whole: true });
    expect(await deaf.ask()).toEqual(whole);
    expect(await deaf.endpoint.complete('8 / 2 =')).toMatchObject({ text: ANSWER.content });
  });

  it.each(['reasoning_content', 'reasoning'] as const)(
    'with its reasoning put back from %s',
    async (field) => {
      const said = { content: '\n\nIt is \\boxed{4}', reasoning: 'Let me see.\nYes.\n' };
      const expected = {
        text: '<think>\nLet me see.\nYes.\n</think>\n\nIt is \\boxed{4}',
        reasoning: said.reasoning,
      };
      const { ask } = await teacher({ answer: () => said, reasoningField: field });
      expect(await ask()).toMatchObject(expected);
      expect(await ask({ stream: false })).toMatchObject(expected);
    },
  );

  it('cut off within the reasoning, which therefore does not end', async () => {
    const answer = () => ({ content: null, reasoning: 'Let me see', finish_reason: 'length' });
    const { ask } = await teacher({ answer });
    expect(await ask()).toMatchObject({ text: '<think>\nLet me see', finishReason: 'length' });
  });

  it('cut off by max_tokens', async () => {
    const { ask, waits } = await teacher({ answer: () => ({ content: 'Half of', finish_reason: 'length' }) });
    expect(await ask()).toMatchObject({ text: 'Half of', finishReason: 'length' });
    expect(waits).toEqual([]);
  });

  it('that is empty, and one without counts', async () => {
    const { ask } = await teacher({ answer: () => ({ content: '', usage: null }) });
    expect(await ask()).toMatchObject({ text: '', promptTokens: null, completionTokens: null });
  });
});

describe.concurrent('an answer whose other fields are odd', () => {
  const sse = (...events: unknown[]) => ({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    error: `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`,
  });
  const whole = (answer: unknown, type = 'application/json') => ({
    status: 200,
    headers: { 'content-type': type },
    error: JSON.stringify(answer),
  });
  const piece = (content: unknown, finish: unknown = null, more: object = {}) => ({
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
    ...more,
  });
  const USAGES = [
    null,
    'none',
    5,
    [],
    { prompt_tokens: 11, total_tokens: 11 },
    { prompt_tokens: 11.5, completion_tokens: -3 },
    { prompt_tokens: '11', completion_tokens: '3' },
    { prompt_tokens: null, completion_tokens: { text: 3 } },
    { prompt_tokens: 1e300, completion_tokens: NaN },
  ];

  it.each(USAGES.map((usage) => [JSON.stringify(usage), usage]))('usage %s', async (_, usage) => {
    const inPiece = sse(piece('4', null, { usage }), piece('', 'stop', { usage }));
    const inWhole = whole({ choices: [{ message: { content: '4' }, finish_reason: 'stop' }], usage });
    for (const answer of [inPiece, inWhole]) {
      const { ask, waits } = await teacher(failing(answer));
      const { promptTokens, completionTokens, ...said } = await ask();
      expect(said).toMatchObject({ text: '4', finishReason: 'stop' });
      expect([null, 11]).toContain(promptTokens);
      expect(completionTokens).toBeNull();
      expect(waits).toEqual([]);
    }
  });

  it('a count that comes in one piece is kept where the last has none', async () => {
    const usage = { prompt_tokens: 11, completion_tokens: 3 };
    const { ask } = await teacher(
      failing(sse(piece('4', null, { usage }), piece('', 'stop', { usage: {} }))),
    );
    expect(await ask()).toMatchObject({ promptTokens: 11, completionTokens: 3 });
  });

  const parts = [
    { type: 'text', text: '4' },
    { type: 'text', text: '2' },
  ];
  const thinking = [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }, parts[0]];
  it.each<[string, object, string, string?]>([
    ['an end that nobody knows', sse(piece('4', 'eos_token')), '4', 'eos_token'],
    ['an end that is no text', sse(piece('4', { type: 'stop' })), '4', 'unknown'],
    ['an end that is empty until it comes', sse(piece('4', ''), piece('2', 'stop')), '42'],
    [
      'no end in an answer that came whole',
      whole({ choices: [{ message: { content: '4' } }] }),
      '4',
      'unknown',
    ],
    ['no role, no index', whole({ choices: [{ message: { content: '4' }, finish_reason: 'stop' }] }), '4'],
    ['content in parts', whole({ choices: [{ message: { content: parts }, finish_reason: 'stop' }] }), '42'],
    ['thinking among the parts', sse(piece(thinking), piece('', 'stop')), '<think>\nHm.\n</think>\n\n4'],
    ['parts of a stream', sse(piece(parts), piece([], 'stop')), '42'],
    [
      'a refusal',
      whole({ choices: [{ message: { content: null, refusal: 'No.' }, finish_reason: 'stop' }] }),
      'No.',
    ],
    [
      'rubbish beside',
      sse(piece('4', 'stop', { id: [], created: 'now', logprobs: 'x', object: 7, model: null })),
      '4',
    ],
    ['rubbish between', sse(null, 'ping', 5, [], {}, piece('4'), { choices: null }, piece('', 'stop')), '4'],
    [
      'one choice outside of a list',
      whole({ choices: { message: { content: '4' }, finish_reason: 'stop' } }),
      '4',
    ],
    [
      'several choices, of which the first is meant',
      sse(
        {
          choices: [
            { index: 1, delta: { content: 'no' } },
            { index: 0, delta: { content: '4' } },
          ],
        },
        { choices: [{ index: 1, delta: { content: '2' }, finish_reason: 'stop' }] },
      ),
      'no2',
    ],
    [
      'reasoning under two names, one empty',
      whole({
        choices: [
          { message: { content: '4', reasoning_content: '', reasoning: 'Hm.' }, finish_reason: 'stop' },
        ],
      }),
      '<think>\nHm.\n</think>\n\n4',
    ],
    [
      'a stream under another name',
      { ...sse(piece('4', 'stop')), headers: { 'content-type': 'text/plain' } },
      '4',
    ],
    [
      'an object under another name',
      whole({ choices: [{ text: '4', finish_reason: 'stop' }] }, 'text/html'),
      '4',
    ],
  ])('%s', async (_, answer, text, finishReason = 'stop') => {
    const { ask, waits } = await teacher(failing(answer as Fault));
    expect(await ask()).toMatchObject({ text, finishReason });
    expect(waits).toEqual([]);
  });

  it('and one without a text says so in the words of the server', async () => {
    const { ask, waits } = await teacher(
      failing(
        whole({ object: 'error', message: 'the engine is gone' }),
        sse({ message: 'the engine is gone' }),
        sse({ error: 'the engine is gone' }),
        sse(piece('4'), { detail: 'the engine is gone' }),
      ),
    );
    expect(await ask()).toMatchObject({ text: ANSWER.content });
    expect(waits.map(({ reason }) => reason)).toEqual([
      'the answer has no choices: the engine is gone',
      'the answer has no choices: the engine is gone',
      'the answer is an error: the engine is gone',
      'the answer breaks off (it has no finish_reason): the engine is gone',
    ]);
  });
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
    const isSlow = ['silent', 'stalls', 'drips'].includes(fault as string);
    const times = isSlow
      ? { idleSeconds: 0.3, timeoutSeconds: 0.6 }
      : { idleSeconds: 60, timeoutSeconds: 60 };
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

describe('the words of a server', () => {
  it.each<[string, object | string]>([
    ['{"error": {"message"}}', JSON.stringify({ error: { message: 'too long: 10 tokens' } })],
    ['{"error"}', JSON.stringify({ error: 'too long: 10 tokens' })],
    ['{"object": "error", "message"}', JSON.stringify({ object: 'error', message: 'too long: 10 tokens' })],
    ['{"detail"}', JSON.stringify({ detail: 'too long: 10 tokens' })],
    [
      '{"detail": [{"msg"}]}',
      JSON.stringify({ detail: [{ loc: ['body', 'x'], msg: 'too long: 10 tokens' }] }),
    ],
    ['a text', 'too long: 10 tokens'],
    ['a page', '<!DOCTYPE html><html><head><title>too long: 10 tokens</title></head></html>'],
    ['lines', 'too long:\r\n  10 tokens'],
  ])('%s are in the message', async (_, error) => {
    for (const status of [400, 404, 422]) {
      const { ask } = await teacher({ fault: () => ({ status, error }) });
      expect((await failure(ask())).message).toMatch(
        new RegExp(`\\(HTTP ${status} (body\\.x: )?too long: 10 tokens\\)`),
      );
    }
  });

  it('are no more than a line', async () => {
    const { ask } = await teacher({ fault: () => ({ status: 400, error: 'why? '.repeat(1e6) }) });
    const { message } = await failure(ask());
    expect(message).toMatch(/HTTP 400 why\? why\?/);
    expect(message.length).toBeLessThan(600);
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
  const server = new TeacherServer({ answer: () => ANSWER, fault: () => ({ status: 404 }) });
  servers.push(server);
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
