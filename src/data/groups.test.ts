import { describe, expect, it } from 'vitest';
import { parseRecord, type GroupRecord } from './records.js';

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

  it('may be samples of a problem, with numbers of their own', () => {
    const sample = {
      ...{ role: 'sample', prompt: { ids: [1] }, response: [{ ids: [2, 3] }, { ids: [4], segment: 1 }] },
      ...{ scalars: { reward: -1 }, columns: { behaviour: [-0.5, -1, -2], reward: [0, 1] } },
    };
    const { sequences, weight, scalars } = read({
      ...{ sequences: [sample, { ...sample, end: true, columns: { behaviour: [0, -1, -2, -3] } }] },
      ...{ weight: -0.5, scalars: { pass_rate: 0.25 } },
    }) as GroupRecord;
    expect(sequences.map(({ role, scalars: own, columns }) => ({ role, own, columns }))).toEqual([
      { role: 'sample', own: { reward: -1 }, columns: sample.columns },
      { role: 'sample', own: { reward: -1 }, columns: { behaviour: [0, -1, -2, -3] } },
    ]);
    expect({ weight, scalars }).toEqual({ weight: -0.5, scalars: { pass_rate: 0.25 } });
  });

  it('may have columns of token ids, for each token or where a segment begins', () => {
    const columns = {
      teacher_topk: { ids: [[4, 0], [], [9]], logps: [[-0.1, -3], [], [0]] },
      verdict: { tokens: [' yes', 17], logps: [-1, -2] },
      later: { segment: 1, tokens: ['a', 'b', 'c'] },
    };
    const response = [{ ids: [2] }, { ids: [3, 4], segment: 1 }];
    const { sequences } = read({ sequences: [{ ...sequence, response, columns }] }) as GroupRecord;
    expect(sequences[0]!.columns).toEqual({
      ...columns,
      verdict: { segment: 0, ...columns.verdict },
    });
  });

  it.each<[string, object, string]>([
    [
      'top',
      { ids: [[1]], logps: [[0]], k: 1 },
      '"sequences.0.columns.top.k" is not a field of it: ids, logps',
    ],
    [
      'top',
      { ids: [[1]], logps: [[0]] },
      '"sequences.0.columns.top" must have "ids" and "logps", each with a list for each of the response\'s 2 tokens',
    ],
    ['top', { ids: [[1], [2]] }, '"sequences.0.columns.top" must have "ids" and "logps"'],
    [
      'top',
      { ids: [[1], [-2]], logps: [[0], [0]] },
      '"sequences.0.columns.top.ids.1.0" must be a whole number from 0 to 2147483647',
    ],
    [
      'top',
      { ids: [[1], [2, 2]], logps: [[0], [-1, -1]] },
      '"sequences.0.columns.top.ids.1" has one id twice',
    ],
    [
      'top',
      { ids: [[1], [2, 3]], logps: [[0], [-1]] },
      '"sequences.0.columns.top.logps.1" must be a list of 2 natural log-probs, one for each id',
    ],
    ['top', { ids: [[1], [2]], logps: [[0], ['x']] }, '"sequences.0.columns.top.logps.1.0" must be a number'],
    [
      'top',
      { ids: [[1], [2, 3]], logps: [[0], [-0.5, -0.5]] },
      '"sequences.0.columns.top.logps.1" has probabilities that add up to 1.213; give natural log-probs, after the softmax',
    ],
    [
      'v',
      { tokens: ['a'] },
      '"sequences.0.columns.v.tokens" must be a list of two tokens or more, each a text of one token or an id',
    ],
    [
      'v',
      { tokens: ['a', ''] },
      '"sequences.0.columns.v.tokens.1" must be a whole number from 0 to 2147483647',
    ],
    [
      'v',
      { tokens: ['a', 'b'], segment: 1 },
      '"sequences.0.columns.v.segment" must be one of the response\'s 1 segments, counted from 0',
    ],
    [
      'v',
      { tokens: ['a', 'b'], logps: [0.5, -3] },
      '"sequences.0.columns.v.logps" has probabilities that add up to 1.699',
    ],
    [
      'v',
      { tokens: ['a', 'b'], at: 0 },
      '"sequences.0.columns.v.at" is not a field of it: segment, tokens, logps',
    ],
  ])('refuses a column of token ids that is wrong: %s %j', (name, column, problem) => {
    const given = { ...sequence, response: [{ ids: [2, 3] }], columns: { [name]: column } };
    expect(() => read({ sequences: [given] })).toThrow(`rows.jsonl, line 7: ${problem}`);
  });

  it('refuses top-k columns of texts, whose tokens are not known', () => {
    const given = { ...sequence, columns: { top: { ids: [[1]], logps: [[0]] } } };
    expect(() => read({ sequences: [given] })).toThrow(
      '"sequences.0.columns.top" has token ids for each token, which needs a response of ids alone',
    );
  });

  it.each<[object[] | string, string]>([
    ['x', '"sequences" must be a list of sequences'],
    [[], '"sequences" must be a list of sequences'],
    [
      [{ ...sequence, role: 'A judge' }],
      '"sequences.0.role" must be chosen, rejected, demonstration or a word of your own, in small letters',
    ],
    [
      [{ ...sequence, role: 'mismatched' }],
      '"sequences.0.role" is mismatched, which are responses of other rows',
    ],
    [[{ ...sequence, scalars: [1] }], '"sequences.0.scalars" must be an object of numbers'],
    [[{ ...sequence, scalars: { reward: '1' } }], '"sequences.0.scalars.reward" must be a number'],
    [
      [{ ...sequence, columns: { behaviour: [-1, -2] } }],
      '"sequences.0.columns.behaviour" must be a list of numbers, one for each of the response\'s 1 segments; one for each token needs a response of ids alone',
    ],
    [
      [{ ...sequence, response: [{ ids: [1, 2] }, { ids: [3], segment: 1 }], columns: { behaviour: [-1] } }],
      '"sequences.0.columns.behaviour" must be a list of numbers, one for each of the response\'s 3 tokens or 2 segments',
    ],
    [
      [{ ...sequence, response: [{ ids: [1] }], columns: { behaviour: [null] } }],
      '"sequences.0.columns.behaviour.0" must be a number',
    ],
    [
      [{ ...sequence, weight: 1 }],
      '"sequences.0.weight" is not a field of it: role, prompt, response, end, score_only, scalars, columns',
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
