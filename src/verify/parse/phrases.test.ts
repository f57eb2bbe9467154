import { describe, expect, it } from 'vitest';
import { verify } from '../verify.js';

const says = (gold: string, pred: string): boolean => verify({ gold, pred }).correct;

describe('two numbers in a phrase', () => {
  it.each([
    ['3/4', '3 out of 4'],
    ['3 out of 4', '6/8'],
    ['5/4', '5 over 4'],
    ['1/5', '1 in 5'],
    ['3 to 4', '3:4'],
    ['3:4', '\\boxed{3 \\text{ to } 4}'],
    ['3 to 4', 'The ratio is 3 to 4.'],
    ['\\$12 to \\$30', '\\boxed{\\$12 \\text{ to } \\$30}'],
    ['\\$12 - \\$30', '\\$12 to \\$30'],
    ['12 to 30', '12 \\text{ to } 30'],
    ['5 R 2', '5 with remainder 2'],
    ['5 remainder 2', '5 R2'],
    ['3.14', '3.14 to 2 decimal places'],
    ['3.14', '3.14 (2 d.p.)'],
    ['3.14', '3.14, correct to three significant figures'],
    ['minus 5', '-5'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });

  // Neither the order of the two nor one of them alone may be lost, whatever word joins them.
  const joined = [
    'to',
    'per',
    'vs',
    'for',
    'by',
    'up',
    'out of',
    'of',
    'over',
    'in',
    'then',
    'with remainder',
    'R',
  ];
  it.each(joined)('3 %s 10 is neither 10 %s 3 nor 3 nor 10', (word) => {
    const phrase = `3 ${word} 10`;
    for (const other of [`10 ${word} 3`, '3', '10', `\\boxed{10 ${word} 3}`, '\\boxed{10}', '30', '13'])
      expect({ other, correct: says(phrase, other) }).toEqual({ other, correct: false });
    for (const other of ['3', '10', '13', `10 ${word} 3`])
      expect({ other, correct: says(other, phrase) }).toEqual({ other, correct: false });
    expect(says(phrase, phrase)).toBe(true);
  });

  it.each([
    ['5 groups of 7', '7'],
    ['7', '5 groups of 7'],
    ['day 5 of 7', '7'],
    ['12 of 30', '30'],
    ['\\$12-\\$30', '-18'],
    ['a to b', 'b to a'],
    ['12 to 30', '2 to 5'],
    ['3 to 4', '4 to 3'],
    ['3.14', '2 decimal places'],
    ['2', 'It is 3.14 to 2 decimal places'],
  ])('%s is not %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(false);
  });
});
