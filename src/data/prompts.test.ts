import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { readPrompts } from './prompts.js';

const user = { role: 'user', content: 'q' };
const folder = mkdtempSync(join(tmpdir(), 'redistill-prompts-'));

function read(...rows: unknown[]) {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, `\uFEFF${rows.map((row) => JSON.stringify(row)).join('\n\n')}`);
  return readPrompts(path);
}

describe('readPrompts', () => {
  it('takes the first of messages, prompt, problem and question that is there', async () => {
    const rows = [
      { messages: [user], prompt: 'x' },
      { messages: null, prompt: 'p', problem: 'x' },
      { prompt: [user] },
      { prompt: null, problem: 'p' },
      { question: '\uFEFFp' },
    ];
    expect(await read(...rows)).toEqual([
      { line: 1, prompt: [user] },
      { line: 3, prompt: 'p' },
      { line: 5, prompt: [user] },
      { line: 7, prompt: 'p' },
      { line: 9, prompt: '\uFEFFp' }, // a byte order mark inside of a text is the text's
    ]);
  });

  it('takes what the template is given besides', async () => {
    const tools = [{ type: 'function' }];
    expect(await read({ prompt: [user], tools, chat_template_kwargs: '{"x": 1}' })).toEqual([
      { line: 1, prompt: [user], inputs: { tools, kwargs: { x: 1 } } },
    ]);
  });

  it.each([
    [{ answer: 'x' }, /line 3: the field "prompt", "messages" or "problem" is missing/],
    [{ problem: 3 }, /line 3: "problem" must be a text/],
    [{ messages: 'x' }, /line 3: "messages" must be a list/],
    [{ prompt: [] }, /line 3: "prompt" must be a list/],
    [
      { prompt: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      /message 1 has a part of type "input_audio"/,
    ],
    [{ prompt: 'x', tools: 'f' }, /line 3: "tools" must be a list/],
  ])('refuses %j with file and line', async (row, message) => {
    const bad = () => read({ prompt: 'x' }, row);
    await expect(bad()).rejects.toThrow(UserError);
    await expect(bad()).rejects.toThrow(message);
  });
});
