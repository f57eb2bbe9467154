/** What no client of good will does. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { servers, until, type Running } from '../../test/support/served.js';

const { tiny, saying } = servers();

/** Sends bytes as they are and returns what comes until the server hangs up, or nothing has come for a while. */
async function raw({ url }: Running, text: string, ms = 1000): Promise<string> {
  const socket = socketTo(url);
  let answer = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
  socket.write(text);
  await new Promise((done) => {
    socket.setTimeout(ms, () => socket.destroy());
    socket.once('close', done);
  });
  return answer;
}

function socketTo(url: string): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname).on('error', () => undefined);
}

const post = (path: string, body: string, headers = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;

async function expectAlive({ post, served }: Running): Promise<void> {
  const { status } = await post('completions', { prompt: 'a', max_tokens: 2, temperature: 0 });
  expect(status).toBe(200);
  await until(() => served.loop.load.running + served.loop.load.waiting === 0);
}

const shape = { error: { message: expect.any(String) as string, type: expect.any(String) as string } };

describe('a body', () => {
  it('that is not what it should be is refused in the shape of the API', async () => {
    const server = await tiny();
    const chat = 'chat/completions';
    for (const [path, body, status] of [
      [chat, '{"messages": [', 400],
      [chat, '', 400],
      [chat, 'null', 400],
      [chat, '[]', 400],
      [chat, '7', 400],
      [chat, '{"messages": 7}', 400],
      [chat, '{"messages": {"length": 3}}', 400],
      [chat, '{"messages": [null]}', 400],
      [chat, '{"__proto__": {"temperature": 0}, "messages": [{"role": "user", "content": "a"}]}', 400],
      [chat, '{"constructor": {"prototype": {"a": 1}}, "messages": [{"role": "user", "content": "a"}]}', 400],
      [chat, `{"messages": ${'['.repeat(100_000)}`, 400],
      [chat, `{"messages": [{"role": "user", "content": "a"}], "temperature": 1e999}`, 400],
      [chat, `{"messages": [{"role": "user", "content": "a"}], "seed": 1.5}`, 400],
      [
        chat,
        `{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": {"messages": []}}`,
        400,
      ],
      [chat, `{"messages": [{"role": "user", "content": "a"}], "stop": [${'"x",'.repeat(64)}"x"]}`, 400],
      [chat, `{"messages": [{"role": "user", "content": "a"}], "stop": "${'x'.repeat(1001)}"}`, 400],
      ['completions', '{}', 400],
      ['completions', '{"prompt": null}', 400],
      ['completions', '{"prompt": []}', 400],
      ['completions', '{"prompt": ""}', 400],
      ['completions', '{"prompt": [""]}', 400],
      ['completions', '{"prompt": [[]]}', 400],
      ['completions', '{"prompt": [1, "a"]}', 400],
      ['completions', '{"prompt": ["a", 1]}', 400],
      ['completions', '{"prompt": [-1]}', 400],
      ['completions', '{"prompt": [1.5]}', 400],
      ['completions', '{"prompt": [4294967297]}', 400],
      ['completions', '{"prompt": [128]}', 400],
      ['completions', '{"prompt": [1, null]}', 400],
      ['completions', `{"prompt": [${'"a",'.repeat(1024)}"a"]}`, 400],
      ['completions', '{"prompt": "a", "max_tokens": 0}', 400],
      ['completions', '{"prompt": "a", "max_tokens": 9007199254740993}', 400],
      ['completions', '{"prompt": "a", "n": 1e9}', 400],
      ['completions', '{"prompt": "a", "logit_bias": {"999999": 1}}', 400],
      ['completions', '{"prompt": "a", "prompt_logprobs": -1}', 400],
      ['completions', '{"prompt": "a", "best_of": 4}', 400],
      ['/tokenize', '{}', 400],
      ['/tokenize', '{"prompt": "a", "messages": []}', 400],
      ['/v1/nothing', '{}', 404],
    ] as [string, string, number][]) {
      const answer = await server.post(path, body);
      expect(answer, body.slice(0, 100)).toMatchObject({ status, body: shape });
    }
    await expectAlive(server);
  });

  it('that is too large is refused before it is read', async () => {
    const server = await tiny();
    const large = JSON.stringify({ prompt: 'x'.repeat((8 << 20) + 1) });
    expect(await server.post('completions', large)).toMatchObject({ status: 413, body: shape });
    const said = await raw(server, post('/v1/completions', '').replace('length: 0', 'length: 99999999999'));
    expect(said).toContain('413 Payload Too Large');
    // More characters than any model takes, and more tokens than this one.
    for (const length of [5_000_000, 100_000])
      expect(await server.post('completions', { prompt: 'x'.repeat(length) })).toMatchObject({
        status: 400,
        body: { error: { param: 'prompt' } },
      });
    await expectAlive(server);
  });

  it('of another type is refused', async () => {
    const server = await tiny();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const body = '{"prompt": "a"}';
      const response = await fetch(`${server.url}/completions`, {
        ...{ method: 'POST', body, headers: { 'content-type': type } },
      });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject(shape);
    }
  });
});

describe('a request', () => {
  it('that does not fit the memory for keys and values is refused for itself', async () => {
    // 64 places: less than the model has positions.
    const probe = await tiny();
    const { attention, kvHeads, headDim } = probe.generator.model.config;
    const bytes = attention.length * 2 * kvHeads * headDim * 4;
    const server = await tiny({ cacheBytes: 128 * bytes });
    expect(server.served.context).toBe(128);
    const running = server.post('completions', { prompt: 'ab', max_tokens: 120, temperature: 0 });
    expect(await server.post('completions', { prompt: 'x'.repeat(200) })).toMatchObject({
      status: 400,
      body: { error: { code: 'context_length_exceeded', param: 'prompt' } },
    });
    // Together they do not fit: they wait for one another.
    const others = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        server.post('completions', { prompt: 'x'.repeat(20 + i), max_tokens: 100, temperature: 0 }),
      ),
    );
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await running).status).toBe(200);
    await expectAlive(server);
  });

  it('at which the model fails ends with those beside it, and no others', async () => {
    const faults: unknown[] = [];
    const server = await tiny({ onFault: (error) => faults.push(error) });
    const { model } = server.generator;
    const finalNorm = model.finalNorm.bind(model);
    let failures = 0;
    model.finalNorm = (x) => {
      if (failures-- > 0) throw new Error('the graphics card fell out');
      return finalNorm(x);
    };
    failures = 2;
    const asked = { prompt: 'a', max_tokens: 5, temperature: 0 };
    const failed = await server.post('completions', asked);
    expect(failed).toMatchObject({ status: 500, body: shape });
    expect(JSON.stringify(failed.body)).not.toContain('fell out');
    expect(faults).toEqual([new Error('the graphics card fell out')]);
    failures = 1; // it has a second chance
    expect(await server.post('completions', asked)).toMatchObject({ status: 200 });
    failures = 1;
    expect(
      await server.post('completions', { ...asked, max_tokens: 0, prompt: 'abc', echo: true, logprobs: 1 }),
    ).toMatchObject({ status: 500 });
    await expectAlive(server);
  });

  it('of another place is refused before anything is done', async () => {
    const server = await tiny({ key: 'right', origins: ['http://localhost:3000'] });
    const body = '{"prompt": "a"}';
    const statusOf = async (headers: string, host = 'localhost') =>
      Number(
        (
          await raw(
            server,
            post('/v1/completions', body, `connection: close\r\n${headers}`).replace('localhost', host),
          )
        ).split(' ')[1],
      );
    const key = 'authorization: Bearer right\r\n';
    expect(await statusOf(key)).toBe(200);
    expect(await statusOf('')).toBe(401);
    expect(await statusOf('authorization: Bearer wrong\r\n')).toBe(401);
    expect(await statusOf(key, 'evil.example')).toBe(403);
    expect(await statusOf(`${key}origin: http://evil.example\r\n`)).toBe(403);
    expect(await statusOf(`${key}origin: null\r\n`)).toBe(403);
    expect(await statusOf(`${key}origin: http://localhost:3000\r\n`)).toBe(200);
    expect(server.served.metrics.promptTokens).toBe(2);
    const address = server.url.replace('/v1', '');
    for (const path of ['/v1/models', '/metrics', '/tokenize', '/v1/chat/completions', '/nothing'])
      expect((await fetch(address + path, { method: path === '/tokenize' ? 'POST' : 'GET' })).status).toBe(
        401,
      );
    expect((await fetch(`${address}/health`)).status).toBe(200);
    // What a browser asks before a page of that origin may ask.
    for (const [origin, status] of [
      ['http://localhost:3000', 204],
      ['http://evil.example', 403],
    ] as const) {
      const asked = await fetch(`${address}/v1/completions`, { method: 'OPTIONS', headers: { origin } });
      expect(asked.status).toBe(status);
      expect(asked.headers.get('access-control-allow-origin')).toBe(status === 204 ? origin : null);
    }
    const stream = await fetch(`${address}/v1/completions`, {
      method: 'POST',
      headers: {
        origin: 'http://localhost:3000',
        authorization: 'Bearer right',
        'content-type': 'application/json',
      },
      body: '{"prompt": "a", "stream": true}',
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
  });
});

describe('a connection', () => {
  it('that is not HTTP, or has heads without end, is let go', async () => {
    const server = await tiny();
    expect(await raw(server, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*"invalid_request_error"/s);
    expect(await raw(server, `GET / HTTP/1.1\r\nHost: localhost\r\nx: ${'y'.repeat(100_000)}`)).toMatch(
      /^HTTP\/1.1 431/,
    );
    expect(await raw(server, 'GET /%zz HTTP/1.1\r\nHost: localhost\r\nconnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400/,
    );
    expect(await raw(server, 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1.1 40[03]/);
    await expectAlive(server);
  });

  it('that breaks off at any moment leaves nothing behind', async () => {
    const server = await saying(['a', 'b', 'c']);
    const body = JSON.stringify({ prompt: 'a', max_tokens: 4000, temperature: 0, stream: true });
    const whole = post('/v1/completions', body);
    for (const length of [5, whole.length - body.length, whole.length - 3, whole.length]) {
      const socket = socketTo(server.url);
      socket.write(whole.slice(0, length));
      await sleep(20);
      socket.destroy();
    }
    await expectAlive(server);
  });

  it('that reads slowly holds no one up and no memory, and gets all at its own pace', async () => {
    const server = await saying(['a', 'b', 'c'], { timeoutSeconds: 60 });
    const tokens = 2000;
    const body = JSON.stringify({
      prompt: 'a',
      max_tokens: tokens,
      temperature: 0,
      stream: true,
      logprobs: 100,
    });
    const socket = socketTo(server.url);
    socket.write(post('/v1/completions', body, 'connection: close\r\n'));
    await new Promise((begun) => socket.once('data', begun));
    socket.pause();
    const others = await server.post('completions', { prompt: 'b', max_tokens: 10, temperature: 0 });
    expect(others.body).toMatchObject({ choices: [{ text: 'cabcabcabc' }] });
    await until(() => server.served.loop.load.running === 0, 100_000);
    let answer = '';
    socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece));
    socket.resume();
    await new Promise((ended) => socket.once('close', ended));
    expect(answer).toContain('data: [DONE]');
    const parts = answer
      .replace(/\r\n[0-9a-f]+\r\n/g, '')
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map(
        (line) =>
          JSON.parse(line.slice(6)) as { choices: { text: string; logprobs: { tokens: string[] } }[] },
      );
    const read = parts.flatMap(({ choices }) => choices);
    // The first piece was read before.
    const text = read.map((choice) => choice.text).join('');
    expect('bca'.repeat(tokens)).toContain(text);
    expect(text.length).toBeGreaterThan(tokens * 0.9);
    expect(read.flatMap(({ logprobs }) => logprobs.tokens).join('')).toBe(text);
    // What it had not read came together.
    expect(read.length).toBeLessThan(tokens * 0.9);
  });

  it('that does not read at all is let go when its time is over', async () => {
    const server = await saying(['a', 'b', 'c'], { timeoutSeconds: 1 });
    const body = JSON.stringify({
      prompt: 'a',
      max_tokens: 4000,
      temperature: 0,
      stream: true,
      logprobs: 100,
    });
    const socket = socketTo(server.url).pause();
    socket.write(post('/v1/completions', body));
    await until(() => server.served.loop.load.running === 1);
    await until(() => server.served.loop.load.running === 0);
    const connections = () =>
      new Promise<number>((resolve) => {
        server.app.server.getConnections((_, count) => {
          resolve(count);
        });
      });
    let left = await connections();
    for (let tries = 0; left > 0 && tries < 500; tries++, left = await connections()) await sleep(10);
    expect(left).toBe(0);
    socket.destroy();
    await expectAlive(server);
  });
});

it('a server that stops tells those who wait', async () => {
  const server = await saying(['a', 'b', 'c'], { batchSize: 1 });
  const asked = { prompt: 'a', max_tokens: 4000, temperature: 0 };
  const waiting = [0, 1].map(() => server.post('completions', asked));
  const stream = await server.client.completions.create({ model: 'tiny', ...asked, stream: true });
  const read = async () => {
    for await (const event of stream) expect(event.object).toBe('text_completion');
  };
  const ended = expect(read()).rejects.toThrow('terminal');
  await until(() => server.served.loop.load.waiting > 0);
  await server.served.close(new Error('the server stops'));
  for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject({ status: 500 });
  await ended;
});
