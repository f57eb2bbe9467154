import { describe, expect, it } from 'vitest';
import { ANSWER, failing, FIELDS, MESSAGES, teacherEndpoints } from '../../test/support/teacherEndpoints.js';
import type { Fault } from '../../test/support/teacherServer.js';

const { teacher } = teacherEndpoints();

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

  it('events without data are passed over', async () => {
    const stream = sse(piece('4'), piece('', 'stop'));
    const { ask, waits } = await teacher(failing({ ...stream, error: `data:\n\ndata: \n\n${stream.error}` }));
    expect(await ask()).toMatchObject({ text: '4', finishReason: 'stop' });
    expect(waits).toEqual([]);
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
