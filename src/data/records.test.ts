import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readJsonLines } from './jsonl.js';
import { parseRecord, readTrainingRecords } from './records.js';

const user = { role: 'user', content: 'q' };
const right = { role: 'assistant', content: 'a' };
const wrong = { role: 'assistant', content: 'b' };
const folder = mkdtempSync(join(tmpdir(), 'redistill-records-'));

function read(...rows: unknown[]) {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return Array.from(readJsonLines(path), ({ line, row }) => parseRecord(row, path, line));
}

describe('parseRecord', () => {
  it.each([
    ['messages', { messages: [user, right] }],
    ['prompt and completion', { prompt: [user], completion: [right] }],
  ])('reads %s', (_, row) => {
    expect(read(row)).toEqual([{ kind: 'messages', line: 1, prompt: [user], response: [right] }]);
  });

  it.each([
    ['an explicit prompt', { prompt: [user], chosen: [right], rejected: [wrong] }],
    ['an implicit prompt', { chosen: [user, right], rejected: [user, wrong] }],
    [
      "REDI's files, whose text prompt stands in both lists",
      { prompt: 'q', chosen: [user, right], rejected: [user, wrong] },
    ],
  ])('reads pairs with %s', (_, row) => {
    expect(read(row)).toEqual([
      { kind: 'preference', line: 1, prompt: [user], chosen: [right], rejected: [wrong] },
    ]);
  });

  it('takes columns that are null for absent, as files from tables have them', () => {
    const row = {
      messages: null,
      prompt: null,
      chosen: [user, right],
      rejected: [user, wrong],
      completion: null,
    };
    expect(read(row)).toEqual([
      { kind: 'preference', line: 1, prompt: [user], chosen: [right], rejected: [wrong] },
    ]);
  });

  it('takes all that both sides begin with for the prompt, but leaves each its answer', () => {
    const turns = [{ role: 'system', content: 's' }, user, right, user];
    expect(read({ chosen: [...turns, right], rejected: [...turns, right] })).toEqual([
      { kind: 'preference', line: 1, prompt: turns, chosen: [right], rejected: [right] },
    ]);
  });

  it('reads plain texts', () => {
    expect(read({ prompt: 'q', completion: 'a' }, { prompt: 'q', chosen: 'a', rejected: 'b' })).toEqual([
      { kind: 'messages', line: 1, prompt: 'q', response: 'a' },
      { kind: 'preference', line: 2, prompt: 'q', chosen: 'a', rejected: 'b' },
    ]);
  });

  it.each([
    ['a broken line', '{"messages": ', /line 2: not valid JSON/],
    ['a row of nothing known', { text: 'x' }, /line 2: a training row has "messages"/],
    ['a missing side', { prompt: [user], chosen: [right] }, /line 2: the field "rejected" is missing/],
    [
      'an empty answer',
      { messages: [user, { role: 'assistant', content: ' ' }] },
      /line 2: the answer in "messages" is empty/,
    ],
    [
      'an answer by the user',
      { messages: [right, user] },
      /line 2: the last message of "messages" must be the assistant's/,
    ],
    ['an answer alone', { messages: [right] }, /line 2: "messages" must hold a prompt/],
    [
      'a content that is no text',
      { messages: [user, { role: 'assistant', content: 3 }] },
      /line 2: "messages" must be a text or a list/,
    ],
    [
      'sides that share nothing',
      { chosen: [user, right], rejected: [{ role: 'user', content: 'p' }, wrong] },
      /line 2: the messages of the prompt are missing/,
    ],
    [
      "a prompt that stands in both its list and the answers'",
      { prompt: [user], chosen: [user, right], rejected: [user, wrong] },
      /line 2: "chosen" must hold the answer alone/,
    ],
    [
      'a completion of several messages',
      { prompt: [user], completion: [right, user, right] },
      /line 2: "completion" must hold the answer alone/,
    ],
    [
      'conversations that part before their answers',
      { chosen: [user, right, user, right], rejected: [user, wrong, user, wrong] },
      /line 2: .*must have the same messages before the last/,
    ],
    [
      'a text prompt whose answers stand alone in lists',
      { prompt: 'q', chosen: [right], rejected: [wrong] },
      /line 2: the messages of the prompt are missing: in "prompt" as a list/,
    ],
    [
      'pairs of texts without a prompt',
      { chosen: 'a', rejected: 'b' },
      /line 2: the field "prompt" is missing/,
    ],
    ['an empty prompt', { prompt: '', completion: 'a' }, /line 2: "prompt" is empty/],
    ['an empty completion', { prompt: 'q', completion: '' }, /line 2: the answer in "completion" is empty/],
    ['an empty list', { messages: [] }, /line 2: "messages" must be a text or a list/],
    ['fields that are null', { messages: null, prompt: null }, /line 2: a training row has "messages"/],
    ...[1e300, -1e300, 2e6].map((weight): [string, object, RegExp] => [
      `the weight ${weight}`,
      { messages: [user, right], weight },
      /line 2: "weight" must be a number from -1000000 to 1000000/,
    ]),
    [
      'a message with a weight that is a text',
      { messages: [user, { ...right, weight: '1' }] },
      /line 2: "messages.weight" must be a number/,
    ],
    [
      'an answer of weight 0',
      { prompt: [user], chosen: [right], rejected: [{ ...wrong, weight: 0 }] },
      /line 2: the answer in "rejected" has the weight 0/,
    ],
    ...[
      { messages: [user, { ...right, weight: 1 }, user, right] },
      {
        chosen: [user, { ...wrong, weight: 1 }, user, right],
        rejected: [user, { ...wrong, weight: 1 }, user, wrong],
      },
    ].map((row): [string, object, RegExp] => [
      'a weight of an earlier message',
      row,
      /line 2: "(messages|chosen).1.weight" is of a message before the answer/,
    ]),
    ...[
      { prompt: [{ ...user, weight: 1 }], completion: [right] },
      { sequences: [{ role: 's', prompt: [{ ...user, weight: 1 }], response: 'a' }] },
    ].map((row): [string, object, RegExp] => [
      'a weight in the prompt',
      row,
      /line 2: "(sequences.0.)?prompt.0.weight" is of a message before the answer/,
    ]),
    [
      'a part of a content with a weight',
      { messages: [user, { ...right, content: [{ type: 'text', text: 'a', weight: 2 }] }] },
      /line 2: .*message 2 has a part of "content" with a weight/,
    ],
    ['a text beside messages', { prompt: [user], chosen: [right], rejected: 'b' }, /line 2: .*both be texts/],
  ])('refuses %s with file and line', (_, row, message) => {
    const bad = () => read({ messages: [user, right] }, row);
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(/rows\.jsonl/);
    expect(bad).toThrow(message);
  });
});

const tool = { type: 'function', function: { name: 'weather' } };
const call = { role: 'assistant', content: null, tool_calls: [{ function: { name: 'weather' } }] };

describe('what a chat template is given', () => {
  it.each([
    ['as they are', [tool], { enable_thinking: false }],
    ['as JSON text', JSON.stringify([tool]), '{"enable_thinking": false}'],
  ])('is read from tools and chat_template_kwargs %s, in every layout', (_, tools, chat_template_kwargs) => {
    const besides = { tools, chat_template_kwargs };
    const rows = [
      { messages: [user, right], ...besides },
      { prompt: [user], completion: [right], ...besides },
      { prompt: [user], chosen: [right], rejected: [wrong], ...besides },
      { chosen: [user, right], rejected: [user, wrong], ...besides },
    ];
    const inputs = { tools: [tool], kwargs: { enable_thinking: false } };
    expect(read(...rows).map((record) => record.inputs)).toEqual(rows.map(() => inputs));
  });

  it('is nothing where the columns are null, absent or empty texts', () => {
    const rows = [
      { messages: [user, right], tools: null, chat_template_kwargs: null },
      { messages: [user, right], tools: '', chat_template_kwargs: 'null' },
      { prompt: 'q', completion: 'a', tools: [], chat_template_kwargs: {} },
    ];
    expect(read(...rows).slice(0, 2)).toEqual([1, 2].map((line) => ({ ...read(rows[0])[0], line })));
    expect(read(rows[2])).toMatchObject([{ prompt: 'q', inputs: { tools: [], kwargs: {} } }]);
  });

  it.each([
    [{ tools: { name: 'f' } }, /line 1: "tools" must be a list of JSON schemas/],
    [{ tools: ['f'] }, /"tools" must be a list/],
    [{ tools: '[{' }, /"tools" must be a list/],
    [{ tools: 3 }, /"tools" must be a list/],
    [{ tools: '[12345678901234567890]' }, /"tools" must be a list/],
    [{ chat_template_kwargs: '12345678901234567890' }, /"chat_template_kwargs" must be an object/],
    [{ chat_template_kwargs: [] }, /"chat_template_kwargs" must be an object/],
    [{ chat_template_kwargs: 'enable_thinking' }, /"chat_template_kwargs" must be an object/],
    [{ chat_template_kwargs: { tools: [tool] } }, /"chat_template_kwargs" cannot set "tools"/],
    [{ chat_template_kwargs: { add_generation_prompt: true } }, /cannot set "add_generation_prompt"/],
    [{ chat_template_kwargs: { sanitize_control_tokens: true } }, /cannot set "sanitize_control_tokens"/],
  ])('is refused where it has another shape: %j', (columns, message) => {
    const bad = () => read({ messages: [user, right], ...columns });
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(message);
  });

  it('is refused beside texts, to which no template is applied', () => {
    expect(() => read({ prompt: 'q', completion: 'a', tools: [tool] })).toThrow(/line 1: .*would be lost/);
    expect(() => read({ prompt: 'q', chosen: 'a', rejected: 'b', chat_template_kwargs: { x: 1 } })).toThrow(
      /would be lost/,
    );
  });
});

describe('contents', () => {
  const parts = [
    { type: 'text', text: 'a', image_url: null },
    { type: 'text', text: 'b' },
  ];

  it('may be lists of text parts, and null or absent beside tool calls', () => {
    const answer = { role: 'assistant', content: 'It rains.', tool_calls: null };
    const bare = { role: call.role, tool_calls: call.tool_calls };
    for (const asks of [call, bare]) {
      const messages = [{ role: 'user', content: parts }, asks, { role: 'tool', content: '5' }, answer];
      const [record] = read({ messages });
      expect(record).toMatchObject({
        prompt: messages.slice(0, 3),
        response: [{ role: 'assistant', content: 'It rains.' }],
      });
      expect((record as unknown as { response: object[] }).response[0]).not.toHaveProperty('tool_calls');
    }
    expect(read({ messages: [user, call] })).toMatchObject([{ response: [call] }]);
  });

  it.each([
    [
      [{ type: 'image_url', image_url: { url: 'x' } }],
      /message 1 has a part of type "image_url", and only parts of text/,
    ],
    [[...parts, { type: 'image' }], /message 1 has a part of type "image"/],
    [[{ type: 'text' }], /message 1 has a text part whose "text" is not a text/],
    [['a'], /message 1 has a part of "content" that is not/],
    [null, /message 1 has no "content", which only a message with "tool_calls" may lack/],
    [3, /message 1 has a "content" that is neither a text nor a list/],
  ])('are refused where they cannot be text: %j', (content, message) => {
    const bad = () => read({ messages: [{ role: 'user', content }, right] });
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(message);
    expect(bad).toThrow(/rows\.jsonl, line 1: "messages"/);
  });

  it('that are nothing but an empty list of calls are no answer', () => {
    expect(() => read({ messages: [user, { ...call, tool_calls: [] }] })).toThrow(
      /message 2 has no "content"/,
    );
    expect(() => read({ messages: [user, { ...right, content: [] }] })).toThrow(/the answer .* is empty/);
  });
});

it('the prompt ends where the messages of the sides differ in anything', () => {
  const [one, other] = ['a', 'b'].map((thinking) => ({ ...right, thinking }));
  expect(() => read({ chosen: [user, one, user, right], rejected: [user, other, user, wrong] })).toThrow(
    /same messages before the last/,
  );
});

it('a row that is nested too deeply is named', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const sides = ['chosen', 'rejected'].map(
    (name) => `"${name}": [{"role": "user", "content": "q", "x": ${deep}}, ${JSON.stringify(right)}]`,
  );
  expect(() => read({ messages: [user, right] }, `{${sides.join(', ')}}`)).toThrow(
    /rows\.jsonl, line 2: .*nested too deeply/,
  );
});

describe('half a surrogate pair', () => {
  const path = join(folder, 'halves.jsonl');
  const read = async (...rows: object[]) => {
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'));
    const notices: string[] = [];
    const records = await readTrainingRecords(path, (sentence) => notices.push(sentence));
    expect(records).toHaveLength(rows.length);
    return notices;
  };
  const pair = { prompt: 'a 😀', chosen: 'b', rejected: 'c' };

  it('is told once, with the first place and how many rows have one', async () => {
    const [notice, ...more] = await read(
      { ...pair, note: '\ud83d' },
      { ...pair, rejected: 'so \ude00.' },
      { messages: [{ ...user, content: '\ud83d\u0061' }, right] },
      { ...pair, prompt: '\ude00\ud83d' },
    );
    expect(notice).toBe(
      `warning: ${path}, line 2: "rejected" has half a surrogate pair, which is no character and is read as U+FFFD; so it is in 3 rows of the file`,
    );
    expect(more).toEqual([]);
  });

  it.each<[string, object]>([
    ['messages', { messages: [user, { ...right, content: [{ type: 'text', text: '\ud83d' }] }] }],
    ['messages', { messages: [user, { ...right, reasoning_content: 'x\udfff' }] }],
    ['tools', { messages: [user, right], tools: [{ name: '\udc00' }] }],
    ['chosen', { chosen: [user, { ...right, content: '\ud800' }], rejected: [user, wrong] }],
  ])('is found in %s', async (field, row) => {
    expect((await read(row)).join()).toContain(`line 1: "${field}" has half`);
  });

  it('is not told of rows that have none', async () => {
    expect(await read(pair, { messages: [user, right] })).toEqual([]);
  });
});
