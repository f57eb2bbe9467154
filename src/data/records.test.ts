import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readJsonLines } from './jsonl.js';
import { parseRecord } from './records.js';

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
    ['a text beside messages', { prompt: [user], chosen: [right], rejected: 'b' }, /line 2: .*both be texts/],
  ])('refuses %s with file and line', (_, row, message) => {
    const bad = () => read({ messages: [user, right] }, row);
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(/rows\.jsonl/);
    expect(bad).toThrow(message);
  });
});
