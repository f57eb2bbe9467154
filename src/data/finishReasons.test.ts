import { describe, expect, it } from 'vitest';
import { cutOffOf, isCutOff } from './finishReasons.js';

describe('isCutOff', () => {
  it.each(['length', 'max_tokens', 'MAX_TOKENS', 'model_length', 'content_filter', 'abort'])(
    '%s',
    (reason) => {
      expect(isCutOff(reason)).toBe(true);
    },
  );

  it.each(['stop', 'eos', 'end_turn', 'tool_calls', 'STOP', '', 'whatever', null, undefined, 1])(
    'not %s',
    (reason) => {
      expect(isCutOff(reason)).toBe(false);
    },
  );
});

describe('cutOffOf', () => {
  const length = { finish_reason: 'length' };
  it.each<[Record<string, unknown>, number, boolean[] | undefined]>([
    [{ generation_details: [{ finish_reason: 'stop' }, length] }, 2, [false, true]],
    [{ finish_reasons: ['length', null, 'stop'] }, 3, [true, false, false]],
    [
      { generation_details: [{}, null, 3], finish_reasons: ['length', 'length', 'stop'] },
      3,
      [true, true, false],
    ],
    [{ generation_details: [{ finish_reason: 'stop' }], finish_reasons: ['length'] }, 1, undefined],
    [{ generation_details: [length] }, 2, [true, false]],
    [length, 1, [true]],
    [length, 2, undefined],
    [{ generation_details: 'length', finish_reasons: null }, 1, undefined],
    [{}, 0, undefined],
    [{ is_reasoning_complete: [true, false], finish_reasons: [null, 'stop'] }, 2, [false, true]],
    [
      { generation_details: [{ finish_reason: null, incomplete_details: { reason: 'max_output_tokens' } }] },
      1,
      [true],
    ],
    [{ stop_reason: 'max_tokens' }, 1, [true]],
    [{ generations: ['a', { content: 'b', finish_reason: 'length' }] }, 2, [false, true]],
    [{ chosen: 'a', rejected: 'b', rejected_finish_reason: 'length' }, 2, [false, true]],
  ])('%j, %i', (row, count, expected) => {
    expect(cutOffOf(row, count)).toEqual(expected);
  });
});
