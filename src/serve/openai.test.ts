/** What the official client of OpenAI makes of the server. */
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { servers, until } from '../../test/support/served.js';
import { Metrics } from './metrics.js';

const { tiny, saying } = servers();
const hello = [{ role: 'user' as const, content: 'hello' }];
const thoughtful = ['<|assistant|>', '<think>', 'a', 'b', '</think>', 'c', 'd', 'e', '<|end|>'];

async function errorOf(asked: Promise<unknown>, what = ''): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error: unknown = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, what).toBeInstanceOf(OpenAI.APIError);
  return error as InstanceType<typeof OpenAI.APIError>;
}

/** A chat by its fields, those among them that OpenAI has given other names meanwhile. */
const chatOf = (client: OpenAI, fields: object) =>
  client.chat.completions.create(fields as OpenAI.ChatCompletionCreateParamsNonStreaming);

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('models', () => {
  it('are one', async () => {
    const { client, served } = await tiny();
    const { data } = await client.models.list();
    const model = { id: 'tiny', object: 'model', owned_by: 'redistill', created: served.created };
    expect(data).toEqual([expect.objectContaining({ ...model, max_model_len: 2048 })]);
    expect(await client.models.retrieve('tiny')).toMatchObject(model);
    expect(await errorOf(client.models.retrieve('a/b'))).toMatchObject({ status: 404 });
  });
});

describe('a chat', () => {
  it('has its thinking apart, whole and streamed', async () => {
    const { client } = await saying(thoughtful);
    const asked = { model: 'tiny', messages: hello, temperature: 0 };
    const whole = await client.chat.completions.create(asked);
    expect(whole).toMatchObject({
      object: 'chat.completion',
      model: 'tiny',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'cde', reasoning_content: 'ab' },
          finish_reason: 'stop',
          logprobs: null,
        },
      ],
      usage: { prompt_tokens: 8, completion_tokens: 8, total_tokens: 16 },
    });
    const events = await all(
      await client.chat.completions.create({
        ...asked,
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    const deltas = events.flatMap(({ choices }) => choices.map(({ delta }) => delta));
    expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
    expect(
      deltas.map((delta) => (delta as { reasoning_content?: string }).reasoning_content ?? '').join(''),
    ).toBe('ab');
    expect(deltas.map(({ content }) => content ?? '').join('')).toBe('cde');
    expect(events.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    expect(events.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  it('says what generate says, token by token, and streams it in many events', async () => {
    const { client, generator, tokenizer } = await tiny();
    const prompt = await tokenizer.encode(tokenizer.renderChat(hello, { addGenerationPrompt: true }));
    for (const temperature of [0, 1]) {
      const n = temperature === 0 ? 1 : 3;
      const expected = await generator.generate([{ ids: prompt }], {
        ...{ maxNewTokens: 40, temperature, topP: 0.9, topK: 50, minP: 0.001, seed: 5, samples: n },
      });
      const asked = {
        ...{ model: 'tiny', messages: hello, max_tokens: 40, temperature, top_p: 0.9, seed: 5, n },
        ...{ top_k: 50, min_p: 0.001 },
      };
      const whole = await client.chat.completions.create(asked);
      expect(whole.choices.map(({ message }) => message.content)).toEqual(expected.map(({ text }) => text));
      expect(whole.choices.map(({ finish_reason }) => finish_reason)).toEqual(
        expected.map(({ finishReason }) => finishReason),
      );
      const texts = Array<string>(n).fill('');
      const events = await all(await client.chat.completions.create({ ...asked, stream: true }));
      for (const { choices } of events)
        for (const { index, delta } of choices) texts[index] = texts[index]! + (delta.content ?? '');
      expect(texts).toEqual(expected.map(({ text }) => text));
      expect(events.length).toBeGreaterThan(n * 15);
    }
  });

  it('gives log-probs of its tokens', async () => {
    const { client, tokenizer, generator } = await tiny();
    const prompt = await tokenizer.encode(tokenizer.renderChat(hello, { addGenerationPrompt: true }));
    const [expected] = await generator.generate([{ ids: prompt }], { maxNewTokens: 20, logps: true });
    const asked = {
      ...{ model: 'tiny', messages: hello, max_tokens: 20, temperature: 0 },
      ...{ logprobs: true, top_logprobs: 3 },
    };
    const whole = await client.chat.completions.create(asked);
    const content = whole.choices[0]!.logprobs!.content!;
    expect(content).toHaveLength(20);
    content.forEach(({ token, logprob, bytes, top_logprobs: top }, i) => {
      expect(logprob).toBeCloseTo(expected!.logps![i]!, 5);
      expect(top).toHaveLength(3);
      // Greedy: the token is the likeliest.
      expect(top[0]).toEqual({ token, logprob: expect.closeTo(logprob, 5) as number, bytes });
      expect(Buffer.from(bytes!).toString()).toBe(token);
    });
    expect(content.map(({ token }) => token).join('')).toBe(whole.choices[0]!.message.content);
    const events = await all(await client.chat.completions.create({ ...asked, stream: true }));
    expect(events.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])).toEqual(content);
  });

  it('goes on with its last message', async () => {
    const { client } = await saying(thoughtful);
    const going = (content: string) =>
      chatOf(client, {
        ...{ model: 'tiny', temperature: 0 },
        messages: [...hello, { role: 'assistant', content }],
        ...{ add_generation_prompt: false, continue_final_message: true },
      });
    expect((await going('c')).choices[0]!.message).toMatchObject({ content: 'de' });
    expect((await going('<think>a')).choices[0]!.message).toMatchObject({
      reasoning_content: 'b',
      content: 'cde',
    });
  });
});

describe('a completion', () => {
  it('continues texts and token ids, several at once', async () => {
    const { client, generator, tokenizer } = await tiny();
    const texts = ['one', 'and two'];
    const ids = await Promise.all(texts.map((text) => tokenizer.encode(text)));
    const expected = await generator.generate(
      ids.map((one) => ({ ids: one })),
      { maxNewTokens: 16 },
    );
    const said = expected.map(({ text }) => text);
    const asked = { model: 'tiny', temperature: 0 };
    const create = async (prompt: OpenAI.CompletionCreateParams['prompt']) =>
      (await client.completions.create({ ...asked, prompt })).choices.map(({ text }) => text);
    expect(await create('one')).toEqual([said[0]]);
    expect(await create(texts)).toEqual(said);
    expect(await create([...ids[1]!])).toEqual([said[1]]);
    expect(await create(ids.map((one) => [...one]))).toEqual(said);
    const streamed = ['', ''];
    for await (const { choices } of await client.completions.create({
      ...asked,
      prompt: texts,
      stream: true,
    }))
      for (const { index, text } of choices) streamed[index] = streamed[index]! + text;
    expect(streamed).toEqual(said);
  });

  it('ends before a stop text, of which a stream shows no part', async () => {
    const { client } = await saying([...Array.from('abcdefgh'), '<|end|>']);
    const asked = { model: 'tiny', prompt: 'a', temperature: 0, stop: ['fz', 'efg'] };
    const whole = await client.completions.create(asked);
    expect(whole.choices[0]).toMatchObject({ text: 'bcd', finish_reason: 'stop' });
    const events = await all(await client.completions.create({ ...asked, stream: true }));
    const parts = events.map(({ choices }) => choices[0]!.text);
    expect(parts).toEqual(['b', 'c', 'd', '']);
    const cut = await client.completions.create({ ...asked, stop: 'zz', max_tokens: 6 });
    expect(cut.choices[0]).toMatchObject({ text: 'bcdefg', finish_reason: 'length' });
  });

  it('gives log-probs, also of the prompt that it repeats', async () => {
    const { client, tokenizer, generator } = await tiny();
    const asked = { model: 'tiny', prompt: 'some text', temperature: 0, max_tokens: 10, logprobs: 2 };
    const plain = await client.completions.create(asked);
    const echoed = await client.completions.create({ ...asked, echo: true });
    const own = plain.choices[0]!.logprobs!;
    const both = echoed.choices[0]!.logprobs!;
    expect(echoed.choices[0]!.text).toBe(`some text${plain.choices[0]!.text}`);
    const prompt = await tokenizer.encode('some text');
    expect(both.tokens).toEqual([...Array.from('some text'), ...own.tokens!]);
    expect(both.text_offset!.slice(0, 9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(both.token_logprobs![0]).toBeNull();
    expect(both.top_logprobs![0]).toBeNull();
    // What comes of scoring the whole as a prompt.
    const [completion] = await generator.generate([{ ids: prompt }], { maxNewTokens: 10, logps: true });
    completion!.logps!.forEach((logp, i) => {
      expect(own.token_logprobs![i]).toBeCloseTo(logp, 4);
      expect(both.token_logprobs![9 + i]).toBeCloseTo(logp, 4);
    });
    const scored = await client.completions.create({
      ...asked,
      prompt: [...prompt, ...completion!.ids],
      ...{ echo: true, max_tokens: 0 },
    });
    scored.choices[0]!.logprobs!.token_logprobs!.forEach((logp, i) => {
      if (i > 0) expect(logp).toBeCloseTo(both.token_logprobs![i]!, 4);
    });
    expect(scored.usage!.completion_tokens).toBe(0);
    const events = await all(await client.completions.create({ ...asked, echo: true, stream: true }));
    const parts = events.map(({ choices }) => choices[0]!);
    expect(parts.flatMap(({ logprobs }) => logprobs!.token_logprobs!)).toHaveLength(19);
    expect(parts.flatMap(({ logprobs }) => logprobs!.text_offset!)).toEqual(both.text_offset);
    expect(parts.map(({ text }) => text).join('')).toBe(echoed.choices[0]!.text);
  });

  it('favours and forbids tokens', async () => {
    const { client, tokenizer } = await tiny();
    const [id] = await tokenizer.encode('Z');
    const create = (bias: number) =>
      client.completions.create({
        ...{ model: 'tiny', prompt: 'x', max_tokens: 8, temperature: 0 },
        logit_bias: { [id!]: bias },
      });
    expect((await create(100)).choices[0]!.text).toBe('ZZZZZZZZ');
    expect((await create(-100)).choices[0]!.text).not.toContain('Z');
  });
});

describe('errors', () => {
  it('name the field and have the status that the client knows', async () => {
    const { client } = await tiny({ context: 64 });
    const chat = (fields: object) =>
      errorOf(chatOf(client, { model: 'tiny', messages: hello, ...fields }), JSON.stringify(fields));
    for (const [fields, param] of [
      [{ temperature: -1 }, 'temperature'],
      [{ temperature: 'hot' }, 'temperature'],
      [{ top_p: 0 }, 'top_p'],
      [{ top_k: -2 }, 'top_k'],
      [{ n: 0 }, 'n'],
      [{ n: 2, temperature: 0 }, 'n'],
      [{ max_tokens: 0 }, 'max_tokens'],
      [{ max_tokens: 64 }, 'max_tokens'],
      [{ stop: [''] }, 'stop'],
      [{ stop: 7 }, 'stop'],
      [{ logit_bias: { x: 1 } }, 'logit_bias.x'],
      [{ logit_bias: { 128: 1 } }, 'logit_bias'],
      [{ top_logprobs: 2 }, 'top_logprobs'],
      [{ logprobs: true, top_logprobs: 129 }, 'top_logprobs'],
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 'messages.0.content'],
      [{ messages: [{ role: 'user', content: 'x'.repeat(100) }] }, 'messages'],
      [{ messages: [{ content: 'x' }] }, 'messages.0.role'],
      [{ response_format: { type: 'json_object' } }, 'response_format'],
      [{ frequency_penalty: 0.5 }, 'frequency_penalty'],
      [{ stream_options: { include_usage: true } }, 'stream_options'],
      [{ prompt_logprobs: 1, stream: true }, 'prompt_logprobs'],
      [{ continue_final_message: true }, 'continue_final_message'],
      [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tool_choice'],
    ] as [object, string][]) {
      const error = await chat(fields);
      expect(error, JSON.stringify(fields)).toMatchObject({
        status: 400,
        param,
        type: 'invalid_request_error',
      });
      expect(error.message).not.toContain('/tmp');
    }
    expect(await chat({ model: 'gpt-5' })).toMatchObject({
      status: 404,
      param: 'model',
      code: 'model_not_found',
    });
    expect(await chat({ messages: [{ role: 'user', content: 'x'.repeat(100) }] })).toMatchObject({
      code: 'context_length_exceeded',
    });
  });

  it('are not made of fields that nobody knows, nor of those that ask for nothing', async () => {
    const { client } = await tiny();
    const whole = await chatOf(client, {
      ...{ model: 'tiny', messages: hello, max_tokens: 3, unheard_of: { a: 1 }, user: 'me', store: true },
      ...{
        frequency_penalty: 0,
        presence_penalty: 0,
        repetition_penalty: 1,
        response_format: { type: 'text' },
      },
      ...{ stop: null, logit_bias: null, seed: null, tools: [], n: 1, top_k: -1 },
    });
    expect(whole.choices).toHaveLength(1);
  });

  it('come where a key is needed', async () => {
    const { client, url } = await tiny({ key: 'right' });
    expect((await client.models.list()).data).toHaveLength(1);
    const wrong = new OpenAI({ baseURL: url, apiKey: 'wrong', maxRetries: 0 });
    expect(await errorOf(wrong.models.list())).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(await errorOf(wrong.completions.create({ model: 'tiny', prompt: 'x' }))).toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
  });
});

describe('many requests', () => {
  it('that are given up in mid-stream, or before they begin, are decoded no further', async () => {
    const circle = [...Array.from('abc')];
    const { client, served } = await saying(circle, { batchSize: 2 });
    const asked = { model: 'tiny', prompt: 'a', temperature: 0, max_tokens: 4000 };
    const stream = await client.completions.create({ ...asked, stream: true });
    for await (const { choices } of stream) if (choices[0]!.text !== '') break;
    const controller = new AbortController();
    const whole = Array.from({ length: 4 }, () =>
      errorOf(client.completions.create(asked, { signal: controller.signal })),
    );
    await until(() => served.loop.load.running > 0 && served.loop.load.waiting > 0);
    controller.abort();
    await Promise.all(whole);
    await until(() => served.loop.load.running + served.loop.load.waiting === 0);
    const again = await client.completions.create({ ...asked, max_tokens: 5 });
    expect(again.choices[0]!.text).toBe('bcabc');
  });

  it('a hundred at once get what each gets alone', async () => {
    const { client, served } = await tiny({ batchSize: 16 });
    const asked = (i: number) => ({
      ...{ model: 'tiny', prompt: 'x'.repeat(1 + (i % 30)), max_tokens: 5 + (i % 20), seed: i },
      temperature: i % 2,
    });
    const alone = [];
    for (const i of [3, 58, 99]) alone.push(await client.completions.create(asked(i)));
    const crowd = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        if (i % 3 > 0) return (await client.completions.create(asked(i))).choices[0]!.text;
        const events = await all(await client.completions.create({ ...asked(i), stream: true }));
        return events.map(({ choices }) => choices[0]!.text).join('');
      }),
    );
    expect([3, 58, 99].map((i) => crowd[i])).toEqual(alone.map(({ choices }) => choices[0]!.text));
    expect(served.loop.load).toEqual({ running: 0, waiting: 0 });
  });

  it('are refused where too many wait, and the client may try again', async () => {
    const { client, served } = await saying([...Array.from('abc')], { batchSize: 1, queue: 1 });
    const asked = { model: 'tiny', prompt: 'a', temperature: 0, max_tokens: 4000 };
    const controller = new AbortController();
    const running = [0, 1].map(() =>
      errorOf(client.completions.create(asked, { signal: controller.signal })),
    );
    await until(() => served.loop.load.waiting > 0);
    const refused = await errorOf(client.completions.create(asked));
    expect(refused).toMatchObject({ status: 429, code: 'queue_full' });
    expect(refused.headers!.get('retry-after')).toBe('1');
    controller.abort();
    await Promise.all(running);
    expect(await errorOf(client.completions.create({ ...asked, temperature: 1, n: 3 }))).toMatchObject({
      status: 400,
      param: 'n',
    });
  });

  it('end when their time is over', async () => {
    const { client, served } = await saying([...Array.from('abc')], { timeoutSeconds: 0.3 });
    const asked = { model: 'tiny', prompt: 'a', temperature: 0, max_tokens: 4000 };
    expect(await errorOf(client.completions.create(asked))).toMatchObject({ status: 504, code: 'timeout' });
    const stream = await client.completions.create({ ...asked, stream: true });
    expect(await errorOf(all(stream))).toMatchObject({ error: { code: 'timeout' } });
    await until(() => served.loop.load.running === 0);
  });
});

it('what is counted is what was done', async () => {
  const { client, url, served } = await tiny();
  const before = await (await fetch(`${url.replace('/v1', '')}/metrics`)).text();
  expect(before).toContain('vllm:generation_tokens_total{model_name="tiny"} 0\n');
  let prompt = 0;
  let generated = 0;
  for (const n of [1, 3]) {
    const { usage } = await client.chat.completions.create({
      model: 'tiny',
      messages: hello,
      max_completion_tokens: 7,
      n,
    });
    prompt += usage!.prompt_tokens;
    generated += usage!.completion_tokens;
  }
  const after = await (await fetch(`${url.replace('/v1', '')}/metrics`)).text();
  for (const line of [
    'vllm:num_requests_running{model_name="tiny"} 0',
    'vllm:num_requests_waiting{model_name="tiny"} 0',
    `vllm:prompt_tokens_total{model_name="tiny"} ${prompt}`,
    `vllm:generation_tokens_total{model_name="tiny"} ${generated}`,
    'vllm:time_to_first_token_seconds_count{model_name="tiny"} 2',
    'vllm:e2e_request_latency_seconds_bucket{model_name="tiny",le="+Inf"} 2',
  ])
    expect(after).toContain(`${line}\n`);
  expect(after).toMatch(/vllm:request_success_total\{finished_reason="(length|stop)",model_name="tiny"\} \d/);
  expect(new Metrics().text('a"b\\c\nd', served.loop.load)).toContain('{model_name="a\\"b\\\\c\\nd"} 0');
});
