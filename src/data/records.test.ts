import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readTrainingRecords } from './records.js';

const user = { role: 'user', content: 'q' };
const right = { role: 'assistant', content: 'a' };
const wrong = { role: 'assistant', content: 'b' };
const folder = mkdtempSync(join(tmpdir(), 'redistill-records-'));

function read(...rows: unknown[]) {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return readTrainingRecords(path);
}

describe('readTrainingRecords', () => {
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
      /line 2: .*begin differently/,
    ],
    ['a text beside messages', { prompt: [user], chosen: [right], rejected: 'b' }, /line 2: .*both be texts/],
  ])('refuses %s with file and line', (_, row, message) => {
    const bad = () => read({ messages: [user, right] }, row);
    expect(bad).toThrow(UserError);
    expect(bad).toThrow(/rows\.jsonl/);
    expect(bad).toThrow(message);
  });
});
