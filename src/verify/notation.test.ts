import { describe, expect, it } from 'vitest';
import { verify } from './verify.js';

const says = (gold: string, pred: string): boolean =>
  verify({ gold, pred: `So the answer is \\boxed{${pred}}.` }).correct;

describe('ways to write an answer', () => {
  it.each([
    ...['(-\\infty, 3) is ]-\\infty, 3[', '[0,1) is [0;1[', '(0,1)\\cup(2,3] is ]0;1[\\cup]2;3]'],
    ...['(0, \\infty) is \\mathbb{R}^+', '[0,\\infty) is \\mathbb{R}_{\\ge 0}', '\\mathbb{R} is \\mathbf{R}'],
    ...['\\epsilon is \\varepsilon', '\\phi is ϕ', '\\gcd(a,b)+1 is 1+\\gcd(b,a)'],
    ...[
      '25\\% is 25\\text{ per cent}',
      '\\$0.75 is 75¢',
      '\\$12.50 is 12 dollars and 50 cents',
      '66 inches is 5\'6"',
    ],
    ...[
      '2 \\text{ hours} is 120 min',
      '2.5 h is 2 hours 30 minutes',
      '1.5 \\text{ kg} is 1500 g',
      '1 N is 1 \\text{ kg m/s}^2',
    ],
    ...['5 \\text{ m/s} is 5 \\,\\mathrm{m\\,s^{-1}}', '3 PM is 3:00\\text{ PM}', '3:00 PM is 3 p.m.'],
    ...[
      '5\\text{ cm} is 5厘米',
      '5\\text{ km} is 5公里',
      '12 is 12元',
      '\\emptyset is 无解',
      '2<x<5 is x>2且x<5',
      '2, 3 is 2和3',
    ],
    ...[
      '\\text{circle} is \\text{a circle}',
      '7 is 7 \\checkmark',
      '7 is 7 \\nonumber',
      '7 is \\emph{7}',
      '7 is x := 7',
    ],
    ...[
      '7 is \\begin{aligned} x &= 3+4 \\\\ &= 7 \\end{aligned}',
      '7 is \\begin{array}{c} 7 \\end{array}',
      '12 is \\approx 12',
    ],
    ...[
      '7 is \\lim_{x\\to 0} f(x) = 7',
      '7 is \\int_0^1 f(x)dx = 7',
      '-7 is \\text{negative }7',
      '7 is \\text{exactly } 7',
    ],
  ])('%s', (pair) => {
    expect(says(...(pair.split(' is ', 2) as [string, string]))).toBe(true);
  });

  it.each([
    ...[
      '17 is 1 7',
      '7 is 7 \\text{ squared}',
      '7 is 7 \\text{ cubed}',
      '7 is 7 \\text{ factorial}',
      '7 is 7万',
    ],
    ...[
      '\\text{DNE} is \\infty',
      '\\emptyset is -\\infty',
      'x>2且x<5 is x>2或x<5',
      'p \\land q is p \\lor q',
    ],
    ...[
      'x<-2 \\text{ or } x>5 is x<-2 \\text{ and } x>5',
      '5\\text{ km} is 5米',
      '5\\text{ kg} is 5 g',
      '5 h is 5 minutes',
    ],
    ...[
      '[0,1) is [0;1]',
      '[0,1) is ]0;1[',
      '(0,\\infty) is \\mathbb{R}_{\\ge 0}',
      '\\epsilon \\varepsilon is \\epsilon^2',
    ],
    ...['3 PM is 3:00\\text{ AM}', '3 PM is 3:01\\text{ PM}', '2 is 6 \\text{ to } 3', '12 is \\approx 12.4'],
    ...[
      '\\int_0^1 f(x)dx is \\int_0^2 f(x)dx',
      '\\lim_{x\\to 0} f(x) is \\lim_{x\\to 1} f(x)',
      '7 is \\lim_{x\\to 0} f(x) = 8',
    ],
  ])('%s: no', (pair) => {
    expect(says(...(pair.split(' is ', 2) as [string, string]))).toBe(false);
  });

  it.each([
    ['\\sqrt{10^{10^{10}}}', '\\sqrt{10^{10^{10}}}+1'],
    ['\\sqrt{10^{100}}', '\\sqrt{10^{100}+1}'],
    ['e^{300}', 'e^{300}+1'],
    ['\\pi', '\\pi+10^{-200}'],
  ])('%s: no, where the difference is lost to the digits: %s', (gold, pred) => {
    expect([says(gold, pred), says(pred, gold), says(pred, pred)]).toEqual([false, false, true]);
  });

  it.each([
    ['2^{k}', '((2^{k})^{3})^{1/3}'],
    ['\\frac{v_0}{r_0(1+r/r_0)^{3/2}}', '((\\frac{v_0}{r_0(1+r/r_0)^{3/2}})^{3})^{1/3}'],
    ['2\\cosh(50)', 'e^{50}+e^{-50}'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });

  it('leave no root of a square to a reward', () => {
    const reward = (pred: string) =>
      verify({ gold: '5', pred: `<think>k</think>\\boxed{${pred}}`, preset: 'reward' }).correct;
    expect([reward('5'), reward('\\sqrt{25}'), reward('125^{1/3}')]).toEqual([true, false, false]);
  });
});
