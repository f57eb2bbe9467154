import { describe, expect, it } from 'vitest';
import { verify } from '../verify.js';

/** Responses that hold the gold and say something else: by marks of text, formulas, other quantities, remarks, languages. */
const WRONG: [string, string][] = [
  ['18', 'The answer is **18** million.'],
  ['18', 'The answer is **18** and **19**.'],
  ['18', 'The answer is `18` or `19`.'],
  ['18', 'The answer is `18`%.'],
  ['18', 'The answer is `18` (wrong).'],
  ['6 \\text{ cm}', 'The answer is **6** mm.'],
  ['18', 'Answer: **18**M'],
  ['18', '**Answer:** **18**; 98765'],
  ['18', 'Answer: **18**³'],
  ['18', 'The answer is $-\\boxed{18}$.'],
  ['18', 'The answer is $\\frac{1}{\\boxed{18}}$.'],
  ['6 \\text{ cm}', '\\[\\boxed{6}\\ \\text{mm}\\]'],
  ['18', 'So we get \\boxed{18} or maybe 19.'],
  ['3', 'The answer is 3$\\sqrt{2}$.'],
  ['2', 'The answer is 2 $\\pi$.'],
  ['18', 'The answer is $18$ $+ 1$.'],
  ['18', 'The answer is $x >$ 18.'],
  ['18', 'x > **18**'],
  ['2x+1', 'The answer is $2x+1$ squared.'],
  ['18', 'Twice the answer is 18.'],
  ['18', 'The answer squared is 18.'],
  ['18', 'the answer plus 18 is 12345'],
  ['18', 'The answer mod 100 is 18.'],
  ['18', 'The sum of the answer and 3 is 18.'],
  ['18', 'The answer in base 8 is 18.'],
  ['18', 'The textbook says the answer is 18.'],
  ['18', 'The answer to the previous question is 18.'],
  ['18', 'Tentative answer: 18'],
  ['18', 'The answer is 18, which is impossible.'],
  ['18', 'Wolfram Alpha gives the answer 18, which I doubt.'],
  ['18', 'Expected answer: 18. Mine: 12345'],
  ['18', 'The answer is 18 (just a guess).'],
  ['18', 'The answer is 18. This answer is wrong.'],
  ['18', 'The answer is 18. That cannot be right.'],
  ['18', 'The answer is 18. Scratch that, it is 12345.'],
  ['18', 'The answer is 18. Edit: 12345'],
  ['18', 'The answer is 18 (in thousands).'],
  ['18', 'The answer is 18 (negative).'],
  ['18', 'The answer is 18 (%).'],
  ['18', 'The answer is 18 permil.'],
  ['18', 'The answer is 18 doubled.'],
  ['18', '答案是18的一半。'],
  ['18', '答えは18ではない。'],
  ['18', '정답은 18이 아닙니다.'],
  ['18', 'उत्तर 18 नहीं है।'],
  ['18', 'Die Antwort ist größer als 18.'],
  ['18', 'Die Antwort ist 18 oder mehr.'],
  ['18', '<!-- The answer is 18. --> It is 12345.'],
  ['20', '{"answer": 20/3}'],
  ['20', '{"answer": 20%}'],
  ['20', '<answer>20</answer> is wrong.'],
  ['18', '#### Question 18'],
  ['1, 2', 'The answer is 1, 2, ...'],
];

/** Responses that say the gold, in words that could be taken for a part of it. */
const RIGHT: [string, string][] = [
  ['45', 'The answer is 45 minutes to finish the third part.'],
  ['18', 'The answer is 18 ways to choose the committee.'],
  ['5', 'The answer is 5 more.'],
  ['63', 'The answer is 63 more marbles than Amanda.'],
  ['18', '**Answer:** He needs 18 more dollars.'],
  ['800', 'The answer is 800 left.'],
  ['10', 'The answer is 10 customers did not buy coffee.'],
  ['90', 'The answer is 90 miles in 30 days.'],
  ['113', 'The answer is 113 nuts and bolts.'],
  ['250', 'The answer is 250 out of pocket.'],
  ['27', 'The answer is 27 years older than Zion.'],
  ['18', 'This gives us an answer of 18.'],
  ['\\frac{8}{15}', 'The answer simplifies to $\\frac{8}{15}$.'],
  ['3/4', 'The answer is the fraction 3/4.'],
  ['18', 'The answer is 18! I hope this helps.'],
  ['3', 'The answer is $3$!'],
  ['18', 'Answer: 18 ✅'],
  ['18', 'The answer is ✅ 18.'],
  ['18', 'Answer — 18'],
  ['18', 'Answer → 18'],
  ['(3,-2)', 'The answer is (3, -2).'],
  ['2,-1,-18', 'The answer is 2,-1,-18.'],
  ['18', 'The answer is *18*.'],
  ['6 \\text{ m/s}', 'The answer is 6 meters per second.'],
];

describe('what stands around a number', () => {
  it.each(WRONG)('makes it no %s: %s', (gold, pred) => {
    for (const preset of ['mathVerify', 'anchored'] as const)
      expect([preset, verify({ gold, pred, preset }).correct]).toEqual([preset, false]);
    expect(verify({ gold, pred: `Hm.</think>${pred}`, preset: 'reward' }).correct).toBe(false);
  });

  it.each(RIGHT)('leaves it %s: %s', (gold, pred) => {
    for (const preset of ['mathVerify', 'anchored'] as const)
      expect([preset, verify({ gold, pred, preset }).correct]).toEqual([preset, true]);
  });
});
