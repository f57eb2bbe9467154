/** What programs and browsers need to know of a request that is not answered, or may be. */
import OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { servers } from '../../test/support/served.js';

const { tiny } = servers();
const messages = [{ role: 'user' as const, content: 'hello' }];

describe('a page', () => {
  it('may send what the official client sends', async () => {
    const origin = 'http://localhost:3000';
    const { url } = await tiny({ origins: [origin] });
    const sent = new Set<string>();
    const client = new OpenAI({
      ...{ baseURL: url, apiKey: 'none', maxRetries: 0 },
      fetch: (to, init) => {
        new Headers(init?.headers).forEach((_, name) => sent.add(name));
        return fetch(to, init);
      },
    });
    await client.chat.completions.create({ model: 'tiny', messages, max_completion_tokens: 1 });
    expect(sent.size).toBeGreaterThan(5);
    const preflight = await fetch(`${url}/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': [...sent].sort().join(','),
      },
    });
    expect(preflight.status).toBe(204);
    const allowed = preflight.headers.get('access-control-allow-headers')!.split(/, */);
    expect(new Set(allowed)).toEqual(sent);
    const without = await fetch(`${url}/models`, { method: 'OPTIONS', headers: { origin } });
    expect(without.headers.get('access-control-allow-headers')).toContain('authorization');
  });
});

describe('a route', () => {
  it('of another method says which it has', async () => {
    const { url } = await tiny();
    const address = url.replace(/\/v1$/, '');
    const post = ['/v1/chat/completions', '/v1/completions', '/tokenize'];
    const get = ['/v1/models', '/health', '/metrics', '/v1/models?x=1'];
    for (const [paths, allowed, others] of [
      [post, 'POST', ['GET', 'PUT', 'DELETE', 'PATCH']],
      [get, 'GET', ['POST', 'PUT', 'DELETE', 'PATCH']],
    ] as const)
      for (const path of paths)
        for (const method of others) {
          const response = await fetch(address + path, { method });
          expect(response.status, `${method} ${path}`).toBe(405);
          expect(response.headers.get('allow')).toBe(allowed);
          expect(await response.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
        }
    const response = await fetch(`${address}/v1/embeddings`, { method: 'POST' });
    expect(response.status).toBe(404);
  });
});

describe('a body', () => {
  it('that is not plain JSON is told what it should be', async () => {
    const { url } = await tiny({ key: undefined });
    for (const [headers, words] of [
      [{ 'content-type': 'application/x-www-form-urlencoded' }, 'content-type: application/json'],
      [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'content-encoding'],
    ] as const) {
      const body = '{"prompt": "a", "max_tokens": 1}';
      const response = await fetch(`${url}/completions`, { method: 'POST', headers, body });
      expect(response.status).toBe(415);
      const { error } = (await response.json()) as { error: { message: string } };
      expect(error.message).toContain(words);
    }
  });

  it('with a field that would change the answer and cannot be had is refused by its name', async () => {
    const { post } = await tiny();
    for (const fields of [
      { return_token_ids: true },
      { return_tokens_as_token_ids: true },
      { include_reasoning: false },
      { thinking_token_budget: 5 },
      { web_search_options: {} },
      { stream: true, stream_options: { continuous_usage_stats: true } },
    ]) {
      const name = Object.keys(fields.stream_options ?? fields)[0]!;
      expect(await post('chat/completions', { messages, ...fields }), name).toMatchObject({
        status: 400,
        body: { error: { param: expect.stringContaining(name) as string } },
      });
    }
    const idle = { return_token_ids: false, include_reasoning: true, thinking_token_budget: null };
    expect(await post('chat/completions', { messages, max_tokens: 1, ...idle })).toMatchObject({
      status: 200,
    });
  });

  it('of which a part is wrong says what it must be', async () => {
    const { post } = await tiny();
    for (const [fields, param, words] of [
      [{ logit_bias: { a: 1 } }, 'logit_bias.a', 'must be a token id'],
      [{ stop: 5 }, 'stop', 'must be a text or a list of texts'],
      [{ messages: [] }, 'messages', 'must have at least one message'],
      [
        { messages: [{ role: 'user', content: 5 }] },
        'messages.0.content',
        'must be a text or a list of text parts',
      ],
    ] as const)
      expect(await post('chat/completions', { messages, ...fields })).toMatchObject({
        status: 400,
        body: { error: { param, message: expect.stringContaining(`${param}: ${words}`) as string } },
      });
  });

  it('of a key that is missing says how one is shown', async () => {
    const { url } = await tiny({ key: 'right' });
    const response = await fetch(`${url}/models`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });
});

it('text parts are counted as a chat reads them', async () => {
  const { post, client } = await tiny();
  const parts = [
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'one ' },
        { type: 'text' as const, text: 'two' },
      ],
    },
  ];
  const { usage } = await client.chat.completions.create({
    model: 'tiny',
    messages: parts,
    max_completion_tokens: 1,
  });
  expect(await post('/tokenize', { messages: parts })).toMatchObject({
    status: 200,
    body: { count: usage!.prompt_tokens },
  });
  const image = [
    { role: 'user', content: [...parts[0]!.content, { type: 'image_url', image_url: { url: 'x' } }] },
  ];
  for (const path of ['/tokenize', 'chat/completions'])
    expect(await post(path, { messages: image })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('the model reads nothing else') as string } },
    });
});

it('what is for the template reaches it', async () => {
  const { post, tokenizer } = await tiny();
  // The first request has the tokenizer look at what frames a turn.
  await post('chat/completions', { messages, max_tokens: 1 });
  const render = vi.spyOn(tokenizer, 'renderChat');
  const documents = [{ title: 'a', text: 'b' }];
  for (const [fields, kwargs] of [
    [{}, {}],
    [
      { reasoning_effort: 'low', documents },
      { reasoning_effort: 'low', documents },
    ],
    [
      { reasoning_effort: 'low', chat_template_kwargs: { reasoning_effort: 'high' } },
      { reasoning_effort: 'high' },
    ],
  ]) {
    expect(await post('chat/completions', { messages, max_tokens: 1, ...fields })).toMatchObject({
      status: 200,
    });
    expect(render.mock.lastCall![1]).toMatchObject({ kwargs });
  }
});

it('a token has one log-prob, by itself and among the likeliest', async () => {
  const { client } = await tiny();
  const asked = { model: 'tiny', messages, max_completion_tokens: 40, temperature: 1, seed: 3 };
  const { choices } = await client.chat.completions.create({ ...asked, logprobs: true, top_logprobs: 128 });
  const { content } = choices[0]!.logprobs!;
  expect(content!.length).toBeGreaterThan(5);
  for (const { token, logprob, top_logprobs: top } of content!) {
    expect(top.filter((one) => one.token === token).map((one) => one.logprob)).toContain(logprob);
    const mass = top.reduce((sum, one) => sum + Math.exp(one.logprob), 0);
    expect(mass).toBeCloseTo(1, 5);
  }
});
