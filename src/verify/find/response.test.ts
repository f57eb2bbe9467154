import { describe, expect, it } from 'vitest';
import { verify } from '../verify.js';
import { isInForm } from './response.js';

const LONG = 150_000;
const prose = 'the quick brown fox jumps over a lazy dog. '.repeat(LONG / 40);
const given = (pred: string, preset: 'mathVerify' | 'anchored' | 'reward' = 'mathVerify') =>
  verify({ gold: '5', pred, preset }).correct;

describe('a response', () => {
  it.each([3, 4000])('ends where the model asks itself %i more questions, with their thinking', (count) => {
    const question = 'Problem: what is 2 + 3?\nhm</think>Solution: The answer is \\boxed{5}.\n\n';
    expect(given(`hm</think>So the answer is \\boxed{7}.\n\n${question.repeat(count)}`, 'reward')).toBe(
      false,
    );
    expect(given(`hm</think>So the answer is \\boxed{5}.\n\n${question.repeat(count)}`, 'reward')).toBe(true);
    const plain = 'Question: and now?\nThe answer is 5.\n\n';
    expect(given(`The answer is 7.\n\n${plain.repeat(count)}`)).toBe(false);
    expect(given(`The answer is 5.\n\n${plain.replace('5', '7').repeat(count)}`)).toBe(true);
  });

  it.each([
    ['tags', '<answer>7</answer>', '<answer>5</answer>'],
    ['JSON', '{"answer": "7", "why": "', '{"answer": "5", "why": "'],
    ['a box', 'So \\boxed{7}.', 'So \\boxed{5}.'],
  ])('may say what its answer is in %s far before its end', (_, wrong, right) => {
    const later = `${prose}\nIn the table the answer was ${'5, '.repeat(20)}or so.`;
    expect(given(wrong + later)).toBe(false);
    expect(given(right + prose)).toBe(true);
  });

  it('gives what it marks without the marks of a calculator', () => {
    expect(given('<answer><<2+3=5>>5</answer>')).toBe(true);
  });

  it('that says its answer far before its end has no last number for an answer', () => {
    expect(given(`The answer is 7.\n${'print(5)\n'.repeat(LONG / 9)}`)).toBe(false);
    expect(given(`We count.\n${'print(6)\n'.repeat(LONG / 9)}So we get 5.`)).toBe(true);
  });

  it('is not cut within a number or a sentence', () => {
    for (let shift = 0; shift < 12; shift++) {
      const rest = `${'x'.repeat(shift)} ${prose.slice(0, 119_975)}`;
      expect(given(`I do not believe that the answer is -45. ${rest}`)).toBe(false);
      expect(given(`The answer is -45. ${rest}`)).toBe(false);
    }
  });

  it.each([
    '\u00a0',
    '\u2009',
    '\u200b',
    '\ufeff',
    '\u00ad',
    '\u2060',
    '\u0000',
    '\u3164',
    '\u3000',
    ' ',
    '\t',
  ])('is padded with %j in vain', (blank) => {
    for (const count of [1, 10, 2000, 130_000]) {
      const padding = blank.repeat(count);
      for (const sentence of [
        'The answer is not_5.',
        'The answer is -_5.',
        'The answer is <_5.',
        '\\boxed{-_5}',
      ])
        expect([sentence, given(sentence.replace('_', padding))]).toEqual([sentence, false]);
      expect(given(`The answer is 5.${padding}`)).toBe(true);
      expect(given(`The answer is${padding} 5.`)).toBe(true);
    }
  });
});

describe('the form of a response', () => {
  it.each([
    'So \\boxed{5}.',
    '<think>hm</think>The answer is 5.',
    'hm</think>\\boxed{5}',
    '2 + 3 = 5\n#### 5',
    '答案是 5',
    '<answer>5</answer>',
    'Answer: B',
    '  <think>\nA long thought.\n</think>\n\n**Final Answer:** 5',
    // The prompt has begun to think, and the response marks its answer without ending it: nothing says that it is a thought.
    'hm, the answer is 5',
  ])('is that of %j', (text) => {
    expect(isInForm(text)).toBe(true);
  });

  it.each([
    '',
    '2 + 3 = 5',
    'So it comes to 5 in all.',
    '<think>The answer is 5, I think, so \\boxed{5}',
    '[THINK]\\boxed{5}',
    '<think>the answer is \\boxed{5}</think>',
    '<think>the answer is \\boxed{5}</think>Five apples.',
  ])('is not that of %j', (text) => {
    expect(isInForm(text)).toBe(false);
  });
});
