import { deepAnswers, longAnswers, longestAnswers, longResponses } from './longAnswers.js';

/** One pair that could make a verifier slow, deep or wrong; `expected` where the verdict matters. */
export interface AdversarialPair {
  name: string;
  gold: string;
  pred: string;
  expected?: boolean;
}

const repeat = (text: string, count: number) => text.repeat(count);
const boxed = (text: string) => `The answer is \\boxed{${text}}.`;
const tower = (base: string, height: number) => `${repeat(`${base}^{`, height)}${base}${repeat('}', height)}`;
const digits = (count: number) => '1234567890'.repeat(count / 10);

/** A polynomial whose coefficients have so many digits each. */
const polynomial = (degree: number, size: number, seed: number) =>
  Array.from({ length: degree + 1 }, (_, power) => {
    const coefficient = Array.from(
      { length: size },
      (_, i) => 1 + ((seed * (power + 3) + i * i * 7) % 9),
    ).join('');
    return `${coefficient}x^{${power}}`;
  }).join('+');

/** Inputs that untrusted responses may hold: large, deep, repetitive, unclosed, astronomically valued. */
export function adversarialPairs(): AdversarialPair[] {
  const deep = repeat('{', 1000) + '5' + repeat('}', 1000);
  return [
    { name: '100 kB of digits', gold: '7', pred: boxed(digits(100_000)), expected: false },
    { name: '100 kB of digits, bare', gold: '7', pred: digits(100_000), expected: false },
    { name: '100 kB of digits on both sides', gold: digits(100_000), pred: digits(100_000), expected: true },
    {
      name: '100 kB of digits and one more',
      gold: digits(100_000),
      pred: boxed(`${digits(100_000)}1`),
      expected: false,
    },
    {
      name: '4,000 digits, the last one different',
      gold: digits(4000),
      pred: boxed(digits(3990) + '1234567891'),
      expected: false,
    },
    {
      name: '200,000 blank lines',
      gold: '5',
      pred: `The answer is 5${repeat('\n', 200_000)}x`,
      expected: true,
    },
    ...['\n', ' ', ' \n'].map((blank) => ({
      name: `2 MB of ${JSON.stringify(blank)}`,
      gold: '5',
      pred: `The answer is 5${repeat(blank, 2_000_000 / blank.length)}x`,
      expected: true,
    })),
    { name: 'blanks before a condition', gold: '5', pred: boxed(`1${repeat(' ,', 9000)}y where x`) },
    ...[20, 60].flatMap((size) =>
      [12, 24].map((degree) => ({
        name: `inequalities of degree ${degree}, coefficients of ${size} digits`,
        gold: `${polynomial(degree, size, 1)}<0`,
        pred: boxed(`${polynomial(degree, size, 5)}<0`),
        expected: false,
      })),
    ),
    {
      name: 'the larger of two long polynomials',
      gold: `\\max(${polynomial(12, 60, 1)},${polynomial(12, 60, 5)})`,
      pred: boxed(`\\max(${polynomial(12, 60, 5)},${polynomial(12, 60, 2)})`),
      expected: false,
    },
    { name: '1,000 nested braces', gold: '5', pred: boxed(deep) },
    { name: '1,000 nested parentheses', gold: '5', pred: boxed(repeat('(', 1000) + '5' + repeat(')', 1000)) },
    {
      name: '1,000 nested fractions',
      gold: '5',
      pred: boxed(repeat('\\frac{1}{1+', 1000) + '1' + repeat('}', 1000)),
    },
    { name: '1,000 nested roots', gold: '5', pred: boxed(repeat('\\sqrt{', 1000) + '5' + repeat('}', 1000)) },
    { name: '1,000 nested \\text', gold: '5', pred: boxed(repeat('\\text{1', 1000) + repeat('}', 1000)) },
    { name: '1,000 nested boxes', gold: '5', pred: repeat('\\boxed{', 1000) + '5' + repeat('}', 1000) },
    { name: '10,000 minus signs', gold: '5', pred: boxed(repeat('-', 10_000) + '5') },
    { name: '10,000 bars', gold: '5', pred: boxed(repeat('|', 10_000)) },
    { name: '10,000 exclamation marks', gold: '5', pred: boxed('5' + repeat('!', 10_000)) },
    { name: '50 exclamation marks', gold: '5', pred: boxed('5' + repeat('!', 50)) },
    { name: '10,000 carets', gold: '5', pred: boxed(repeat('2^', 10_000) + '2') },
    { name: 'unclosed braces', gold: '5', pred: 'answer \\boxed{' + repeat('{', 50_000) },
    { name: 'tower of fives', gold: tower('5', 4), pred: boxed(tower('5', 5)), expected: false },
    { name: 'the same tower', gold: tower('5', 5), pred: boxed(` ${tower('5', 5)} `), expected: true },
    { name: 'tower of nines', gold: '9', pred: boxed(tower('9', 30)), expected: false },
    { name: 'tower of variables', gold: 'x', pred: boxed(tower('x', 30)), expected: false },
    {
      name: 'a power with a large exponent',
      gold: '7^{823543}',
      pred: boxed('7^{823542} \\cdot 7'),
      expected: true,
    },
    { name: 'the next power', gold: '7^{823543}', pred: boxed('7^{823544}'), expected: false },
    { name: '10^(10^10)', gold: '10^{10^{10}}', pred: boxed('10^{10^{10}}+1'), expected: false },
    {
      name: '1/2004! against 1/2006!',
      gold: '\\frac{1}{2004!}',
      pred: boxed('\\frac{1}{2006!}'),
      expected: false,
    },
    {
      name: '1/2004! against itself rewritten',
      gold: '\\frac{1}{2004!}',
      pred: boxed('\\frac{2005}{2005!}'),
      expected: true,
    },
    { name: '2004! against 2004! + 1', gold: '2004!', pred: boxed('2004!+1'), expected: false },
    {
      name: '1/2^99 against 1/2^98',
      gold: '\\frac{1}{2^{99}}',
      pred: boxed('\\frac{1}{2^{98}}'),
      expected: false,
    },
    { name: 'a factorial of a factorial', gold: '5', pred: boxed('((100!)!)!'), expected: false },
    { name: 'a large binomial', gold: '5', pred: boxed('\\binom{1000000}{500000}'), expected: false },
    { name: 'a long sum', gold: '5', pred: boxed('\\sum_{k=1}^{1000000} k^2'), expected: false },
    { name: 'nested sums', gold: '5', pred: boxed(repeat('\\sum_{k=1}^{200} ', 20) + 'k') },
    { name: 'a large numeral base', gold: '5', pred: boxed(`${repeat('Z', 5000)}_{36}`) },
    { name: 'an exponent of e-notation', gold: '5', pred: boxed('1e999999999'), expected: false },
    {
      name: 'cancellation',
      gold: '0',
      pred: boxed('\\sqrt{2}+\\sqrt{3}-\\sqrt{5+2\\sqrt{6}}'),
      expected: true,
    },
    {
      name: 'near cancellation',
      gold: '0',
      pred: boxed('\\sqrt{2}+\\sqrt{3}-\\sqrt{5+2\\sqrt{6}}+10^{-40}'),
      expected: false,
    },
    { name: 'e^e^e^e', gold: '5', pred: boxed('e^{e^{e^{e^{e}}}}'), expected: false },
    { name: 'sine of something large', gold: '0', pred: boxed('\\sin(10^{100})'), expected: false },
    {
      name: 'a list of 5,000 numbers',
      gold: '5',
      pred: boxed(Array.from({ length: 5000 }, (_, k) => k).join(', ')),
      expected: false,
    },
    {
      name: 'two long lists of roots',
      gold: Array.from({ length: 300 }, (_, k) => `\\sqrt{${k + 2}}`).join(', '),
      pred: boxed(Array.from({ length: 300 }, (_, k) => `\\sqrt{${k + 3}}`).join(', ')),
    },
    {
      name: 'two long polynomials',
      gold: Array.from({ length: 300 }, (_, k) => `${k}x^{${k}}`).join('+'),
      pred: boxed(Array.from({ length: 300 }, (_, k) => `x^{${k}}${k}`).join('+')),
      expected: true,
    },
    { name: 'a large power of a sum', gold: '5', pred: boxed('(x+1)^{100000}'), expected: false },
    {
      name: 'many boxes',
      gold: '7',
      pred: `${repeat('\\boxed{3} is not what was asked for. ', 5000)}\\boxed{7}`,
      expected: true,
    },
    { name: 'many adjacent boxes', gold: '7', pred: repeat('\\boxed{7}, ', 5000), expected: true },
    { name: 'many formulas', gold: '7', pred: `${repeat('$x$ ', 20_000)} so $7$`, expected: true },
    { name: 'many unclosed \\(', gold: '7', pred: repeat('\\(\n', 30_000), expected: false },
    { name: 'many dollar signs', gold: '7', pred: repeat('$', 100_000), expected: false },
    { name: 'many dollars with blanks', gold: '7', pred: repeat('$ \n', 40_000), expected: false },
    { name: 'many "answer"', gold: '7', pred: `${repeat('answer ', 20_000)}is 7`, expected: true },
    { name: 'many "final answer is"', gold: '7', pred: repeat('final answer is ', 10_000) },
    { name: 'many numbers', gold: '7', pred: `${repeat('12 ', 50_000)}7`, expected: true },
    { name: 'many grouped numbers', gold: '7', pred: `${repeat('1,000', 30_000)} 7` },
    { name: 'a long comma run', gold: '7', pred: `${repeat('123,', 50_000)}7` },
    { name: 'many backslashes', gold: '7', pred: boxed(repeat('\\', 100_000)) },
    {
      name: 'many blanks',
      gold: '7',
      pred: `${repeat(' ', 200_000)}7${repeat(' ', 200_000)}`,
      expected: true,
    },
    { name: 'many stars', gold: '7', pred: boxed(`${repeat('*', 50_000)}7${repeat('*', 50_000)}`) },
    { name: 'many </think>', gold: '7', pred: `${repeat('</think>', 50_000)}7`, expected: true },
    { name: 'many <<', gold: '7', pred: repeat('<<1', 50_000) },
    {
      name: 'an endless matrix',
      gold: '\\begin{matrix}',
      pred: boxed('\\begin{pmatrix}' + repeat('1 & ', 5000)),
    },
    {
      name: 'a large matrix product',
      gold: '5',
      pred: boxed(repeat('\\begin{pmatrix}1&1\\\\1&0\\end{pmatrix}', 60)),
      expected: false,
    },
    { name: 'many unions', gold: '5', pred: boxed(repeat('[1,2] \\cup ', 2000) + '[3,4]') },
    { name: 'many signs', gold: '5', pred: boxed(repeat('1 \\pm ', 500) + '1') },
    { name: 'signs in signs', gold: '5', pred: boxed(repeat('\\{\\pm 1,', 50) + '1' + repeat('\\}', 50)) },
    { name: 'many unknown commands', gold: '5', pred: boxed(repeat('\\foo{\\bar}', 3000)) },
    { name: 'many prime marks', gold: '5', pred: boxed(`f${repeat("'", 10_000)}`) },
    { name: 'many subscripts', gold: '5', pred: boxed(repeat('x_{', 2000) + '1' + repeat('}', 2000)) },
    { name: 'a hostile interval', gold: '(0,1)', pred: boxed('(0, 10^{10^{10}})'), expected: false },
    {
      name: 'a hostile inequality',
      gold: '0<x<1',
      pred: boxed('(0, \\sin\\sin\\sin\\sin\\sin\\sin\\sin 1)'),
      expected: false,
    },
    { name: 'prototype names', gold: '__proto__', pred: boxed('\\constructor'), expected: false },
    { name: 'a lone surrogate', gold: '5', pred: boxed('\ud800'), expected: false },
    { name: 'control characters', gold: '5', pred: boxed('\u0000\u0007'), expected: false },
    { name: 'nothing', gold: '', pred: '', expected: false },
    { name: 'an empty box', gold: '5', pred: '\\boxed{}', expected: false },
    { name: 'only blanks', gold: '5', pred: ' \n ', expected: false },
    {
      name: 'a chain of cross products',
      gold: '5',
      pred: boxed(repeat('\\vec{a}\\times', 300)),
      expected: false,
    },
    ...longAnswers(),
    ...longestAnswers(),
    ...deepAnswers(),
    ...longResponses(),
  ];
}
