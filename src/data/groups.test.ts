import { describe, expect, it } from 'vitest';
import { parseRecord } from './records.js';

const user = { role: 'user', content: 'q' };
const sequence = { role: 'demonstration', prompt: [user], response: 'a' };
const read = (row: Record<string, unknown>) => parseRecord(row, 'rows.jsonl', 7);

describe('a row of sequences', () => {
  it('gives each sequence its own prompt and its parts', () => {
    const record = read({
      sequences: [
        {
          role: 'rejected',
          prompt: { ids: [1, 2] },
          response: [{ ids: [3, 4], weights: [0.5, -1], segment: 2 }],
        },
        {
          role: 'chosen',
          prompt: 'plain',
          response: [{ text: 'context ', weight: 0 }, { text: 'learned' }],
          score_only: [1],
          end: false,
        },
      ],
      tools: null,
    });
    expect(record).toEqual({
      kind: 'group',
      line: 7,
      sequences: [
        {
          role: 'rejected',
          prompt: { ids: [1, 2] },
          response: { parts: [{ ids: [3, 4], weights: [0.5, -1], segment: 2 }], end: false, scoreOnly: [] },
        },
        {
          role: 'chosen',
          prompt: 'plain',
          response: {
            parts: [{ text: 'context ', weights: 0 }, { text: 'learned' }],
            end: false,
            scoreOnly: [1],
          },
        },
      ],
    });
    expect(read({ sequences: [sequence] })).toMatchObject({ sequences: [{ response: { end: true } }] });
  });

  it.each<[object[] | string, string]>([
    ['x', '"sequences" must be a list of sequences'],
    [[], '"sequences" must be a list of sequences'],
    [
      [sequence, sequence],
      '"sequences" must hold one demonstration, or one chosen and one rejected sequence',
    ],
    [[{ ...sequence, role: 'judge' }], '"sequences.0.role" must be chosen, rejected or demonstration'],
    [
      [{ ...sequence, weight: 1 }],
      '"sequences.0.weight" is not a field of it: role, prompt, response, end, score_only',
    ],
    [[{ ...sequence, end: 1 }], '"sequences.0.end" must be true or false'],
    [
      [{ ...sequence, prompt: '' }],
      '"sequences.0.prompt" must be a text, a list of {"role", "content"}, or {"ids"}',
    ],
    [
      [{ ...sequence, prompt: { ids: [0.5] } }],
      '"sequences.0.prompt.ids.0" must be a whole number from 0 to 2147483647',
    ],
    [
      [{ ...sequence, response: [] }],
      '"sequences.0.response" must be a text or a list of parts, {"text"} or {"ids"}',
    ],
    [[{ ...sequence, response: [{}] }], '"sequences.0.response.0" must have either "text" or "ids"'],
    [
      [{ ...sequence, response: [{ text: 'a', ids: [1] }] }],
      '"sequences.0.response.0" must have either "text" or "ids"',
    ],
    [
      [{ ...sequence, response: [{ text: 'a', weight: 'x' }] }],
      '"sequences.0.response.0.weight" must be a number',
    ],
    [
      [{ ...sequence, response: [{ ids: [1, 2], weights: [1] }] }],
      '"sequences.0.response.0.weights" must be a list with a number for each of "ids"; a text has one "weight"',
    ],
    [
      [{ ...sequence, response: [{ text: 'a', segment: 256 }] }],
      '"sequences.0.response.0.segment" must be a whole number from 0 to 255',
    ],
    [
      [{ ...sequence, score_only: [-1] }],
      '"sequences.0.score_only.0" must be a whole number from 0 to 2147483647',
    ],
  ])('is refused with file, line and field: %j', (sequences, problem) => {
    expect(() => read({ sequences })).toThrow(`rows.jsonl, line 7: ${problem}.`);
  });

  it('is refused beside another form, and with tools for plain texts', () => {
    expect(() => read({ sequences: [sequence], messages: [user] })).toThrow(
      '"sequences" stands beside "messages"',
    );
    const plain = { ...sequence, prompt: 'x' };
    expect(() => read({ sequences: [plain], tools: [{ type: 'function' }] })).toThrow(
      'would be lost: give messages',
    );
  });
});
