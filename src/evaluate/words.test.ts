import { describe, expect, it } from 'vitest';
import { describeEvaluation } from './evaluate.js';
import type { ProblemResult } from '../statistics/estimators.js';
import { comparePaired } from '../statistics/paired.js';
import { differenceInPoints, shareInPoints, shareInWords } from './words.js';

const results = (...rights: number[]): ProblemResult[] =>
  rights.map((correct, i) => ({ id: `${i}`, correct, samples: 1 }));

describe('numbers in words', () => {
  it('give the standard error where it says something, else the interval', () => {
    expect(shareInWords(0.487, 0.022, 500)).toBe('48.7 % ± 2.2 %');
    expect(shareInPoints(0.487, 0.022, 500)).toBe('48.7 ± 2.2');
    expect(shareInWords(0, 0, 20)).toBe('0.0 % (95 % interval 0.0 % to 16.1 %)');
    expect(shareInPoints(1, 0, 20)).toBe('100.0 (83.9 to 100.0)');
    expect(shareInWords(1, null, 1)).toBe('100.0 % (95 % interval 20.7 % to 100.0 %)');
    expect(shareInPoints(0, NaN, 1)).toBe('0.0 (0.0 to 79.3)');
  });

  it('give no error that says nothing, whatever the share and the number of problems', () => {
    for (const problems of [1, 2, 3, 40, 500, 20_000])
      for (const share of [0, 1 / problems, 0.5, 1 - 1 / problems, 1])
        for (const error of [null, NaN, 0, 1e-9, 0.0004, Math.sqrt((share * (1 - share)) / problems)])
          for (const said of [shareInPoints(share, error, problems), shareInWords(share, error, problems)]) {
            expect(said).not.toMatch(/± 0\.0|NaN/);
            expect(said).toMatch(/ ± | to /);
          }
  });

  it('give no interval of differences where there is none', () => {
    const say = (before: number[], after: number[]) =>
      differenceInPoints(comparePaired(results(...before), results(...after)));
    expect(say([0], [1])).toBe('+100.0 (one problem)');
    expect(say([1, 0], [1, 0])).toBe('+0.0 (the same for every problem, p = 1.000)');
    expect(say([1, 1, 0], [0, 1, 0])).toMatch(/^−33\.3 \(−[0-9.]+ to \+[0-9.]+, p = 1\.000\)$/);
    for (const said of [say([0], [1]), say([1, 0], [1, 0])]) expect(said).not.toContain('NaN');
  });

  it('say what to do where many responses were cut off', () => {
    const summary = {
      ...{ problems: 1, set_aside: 0, samples: 1, responses: 1, cut_off: 0.1, mean_tokens: 3 },
      graders: { verify: { pass_at_1: 0, standard_error: null, unreadable: 1 } },
    };
    expect(describeEvaluation(summary).split('\n')).toEqual([
      'verify: pass@1 0.0 % (95 % interval 0.0 % to 79.3 %), 100.0 % without an answer',
      '1 problem, 1 response, 10.0 % cut off, 3 tokens on average',
    ]);
    expect(describeEvaluation({ ...summary, cut_off: 0.11 }).split('\n')[2]).toMatch(
      /^11\.0 % of the responses were cut off and are wrong unless .*--max-tokens\)$/,
    );
  });
});
