import { describe, expect, it } from 'vitest';
import { verify, type VerifyOptions } from './verify.js';

const correct = (gold: string, pred: string, options: Partial<VerifyOptions> = {}) =>
  verify({ gold, pred: `\\boxed{${pred}}`, ...options }).correct;

// Verdicts that follow from the mathematics, with the decisions of docs/verifier.md.
const SAME: [string, string, string][] = [
  ['decimals', '\\frac{1}{3}', '0.333333'],
  ['decimals', '0.0000000025', '2.5e-9'],
  ['decimals', '2.5 \\times 10^{-9}', '2.5e-9'],
  ['decimals', '4.123105625617661', '\\sqrt{17}'],
  ['decimals', '0.1\\overline{6}', '\\frac{1}{6}'],
  ['numbers', '10,080', '10{,}080'],
  ['numbers', '10080', '10\\,080'],
  ['numbers', '1\\frac{4}{5}', '\\frac{9}{5}'],
  ['numbers', '137 \\frac{1}{2}', '137.5'],
  ['numbers', '\\sqrt[3]{-8}', '-2'],
  ['numbers', '8^{2/3}', '4'],
  ['numbers', '\\binom{5}{2}', '10'],
  ['numbers', 'C_5^2', '10'],
  ['numbers', '\\log_2 8', '3'],
  ['numbers', '\\sum_{k=1}^{10} k', '55'],
  ['constants', '\\sqrt{5+2\\sqrt{6}}', '\\sqrt{2}+\\sqrt{3}'],
  ['constants', '\\frac{1}{\\sqrt{2}}', '\\frac{\\sqrt{2}}{2}'],
  ['constants', '\\cos\\frac{\\pi}{5}', '\\frac{1+\\sqrt{5}}{4}'],
  ['constants', '4\\arctan\\frac15-\\arctan\\frac{1}{239}', '\\frac{\\pi}{4}'],
  ['complex i', 'i^2', '-1'],
  ['complex i', 'e^{i\\pi}', '-1'],
  ['complex i', '-2+7i', '7 i-2'],
  ['complex i', '\\frac{1}{1+i}', '\\frac{1-i}{2}'],
  ['percent', '0.28', '28\\%'],
  ['percent', '28\\%', '28 percent'],
  ['units', '12 \\text{ cm}', '12'],
  ['units', '12', '12 \\text{ cm}'],
  ['units', '1 \\text{ m}', '100 \\text{ cm}'],
  ['units', '15\\mbox{ cm}^2', '15 \\text{ square centimeters}'],
  ['units', '\\$18.90', '18.9'],
  ['units', '5.4 \\text{ cents}', '\\$0.054'],
  ['units', '90^\\circ', '90'],
  ['units', '90^\\circ', '\\frac{\\pi}{2}'],
  ['units', '10\\text{ miles per hour}', '10 mph'],
  ['units', '36 \\text{ km/h}', '10 \\text{ m/s}'],
  ['units', '5\\text{ N}', '5 \\text{ kg m/s}^2'],
  ['units', '1 \\text{ m}^3', '1000 \\text{ liters}'],
  ['units', '10 \\mathrm{~m} / \\mathrm{s}', '10 \\frac{\\text{m}}{\\text{s}}'],
  ['units', '1 \\text{ hour } 30 \\text{ minutes}', '90 \\text{ minutes}'],
  ['units', '1\\text{ hr }30\\text{ min}', '1.5 \\text{ hours}'],
  ['units', "2^\\circ 30'", '2.5^\\circ'],
  ['units', '90^\\circ', '\\frac{\\pi}{2} \\text{ radians}'],
  ['times', '\\text{4:30 p.m.}', '4:30 PM'],
  ['mixed numbers', '3\\frac{1}{2}\\%', '3.5\\%'],
  ['mixed numbers', '22\\frac{1}{2}^\\circ', '22.5^\\circ'],
  ['mixed numbers', '1/2\\%', '0.005'],
  ['number words', '10^6', '1 \\text{ million}'],
  ['number words', '\\$2.5 \\text{ million}', '2{,}500{,}000'],
  ['number words', '5', '\\text{five}'],
  ['number words', '-\\infty', '-\\text{infinity}'],
  ['integers', 'x = k\\pi, k \\in \\mathbb{Z}', 'x = n\\pi \\quad (n \\in \\mathbb{Z})'],
  ['integers', '\\{k\\pi \\mid k \\in \\mathbb{Z}\\}', 'k\\pi'],
  ['integers', '2m, 2m+1, m \\in \\mathbb{N}', '2j+1, 2j, j \\in \\mathbb{N}'],
  ['conditions', '\\{(x,y) \\mid x+y=1\\}', '\\{(x,y) : y + x = 1\\}'],
  ['conditions', '\\{x \\in \\mathbb{R} \\mid x > 2\\}', '(2,\\infty)'],
  [
    'escaped twice',
    '\\\\begin{pmatrix} 1 \\\\\\\\ 2 \\\\end{pmatrix}',
    '\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}',
  ],
  ['letters', '\\text{C, E and F}', 'F, E, C'],
  ['bases', '2516_8', '2516_{8}'],
  ['bases', '204_5', '54'],
  ['signs', '1 \\pm \\sqrt{19}', '1-\\sqrt{19}, 1+\\sqrt{19}'],
  ['signs', '\\pm 2', '\\{-2, 2\\}'],
  ['lists', '1,2', '2 \\text{ and } 1'],
  ['lists', '\\{1, 2\\}', '\\{2, 1, 2\\}'],
  ['lists', 'x = 1, x = 2', '1, 2'],
  ['lists', 'p=5,q=2;p=7,q=2', '(7,2),(5,2)'],
  ['lists', 'a=2, b=19', 'b=19, a=2'],
  ['tuples', '(1,2)', '\\left(1, 2\\right)'],
  ['tuples', '(x,y)=(1,2)', '(1,2)'],
  ['intervals', '[1,2] \\cup [2,3]', '[1,3]'],
  ['intervals', '(-\\infty,2)\\cup(3,\\infty)', '\\mathbb{R} \\setminus [2,3]'],
  ['intervals', 'x \\in [-2,7]', '[-2,7]'],
  ['intervals', '-2 \\le x \\le 7', '[-2,7]'],
  ['intervals', 'x^2 < 4', '(-2,2)'],
  ['intervals', 'x < 2 \\text{ or } x > 3', '(-\\infty,2)\\cup(3,\\infty)'],
  ['intervals', 'x \\neq 1', '(-\\infty,1)\\cup(1,\\infty)'],
  ['relations', 'x < 1', '-x > -1'],
  ['relations', '0 < x < 1', '1 > x > 0'],
  ['relations', 'x^2/4 + y^2/3 = 1', '3x^2+4y^2 = 12'],
  ['relations', 'f(x)=x+1', 'f(n)=n+1'],
  ['relations', 'x=5', '5'],
  ['relations', '5', 'x=5'],
  ['relations', '7', '3+4=7'],
  ['ratios', '2:3', '4:6'],
  ['ratios', '2:3', '\\frac{2}{3}'],
  ['matrices', '\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}'],
  ['matrices', '\\begin{pmatrix}6&8\\end{pmatrix}', '2\\begin{pmatrix}3&4\\end{pmatrix}'],
  ['matrices', '\\begin{pmatrix}1\\\\2\\end{pmatrix}', '\\begin{pmatrix}1&2\\end{pmatrix}^T'],
  ['identities', '\\frac{x^2-1}{x-1}', 'x+1'],
  ['identities', '\\tan^2 y+1', '\\sec^2 y'],
  ['identities', '\\sin 2x', '2\\sin x\\cos x'],
  ['identities', '\\frac{1}{\\sqrt{n}}', '\\sqrt{\\frac{1}{n}}'],
  ['identities', 'n!', 'n(n-1)!'],
  ['identities', '\\lfloor (n+1)/2 \\rfloor', '\\lceil n/2 \\rceil'],
  ['identities', '\\sum_{k=0}^{n-1} F_k F_{n-k-1}', '\\sum_{k=0}^{n-1} F_{n-k-1} F_k'],
  ['identities', '2^{n+1}', '2 \\cdot 2^n'],
  ['identities', '\\frac{d}{d^2}', '\\frac{1}{d}'],
  ['identities', '\\cosh x', '\\frac{e^x+e^{-x}}{2}'],
  ['identities', '\\frac{e^{2it}}{2+2i}', '\\frac{(1-i)e^{2it}}{4}'],
  ['words', '\\text{east}', 'East'],
  ['words', '\\text{(C)}', 'C'],
  ['words', '\\emptyset', '\\text{no solution}'],
];

const DIFFERENT: [string, string, string][] = [
  ['decimals', '2.5e-9', '2.5e-8'],
  ['decimals', '0.0000672', '0.0000673'],
  ['decimals', '\\frac{1}{3}', '0.3333'],
  ['decimals', '3.14159', '\\pi'],
  ['decimals', '0', '10^{-9}'],
  ['numbers', '32349', '32, 349'],
  ['numbers', '\\frac{1}{2004!}', '\\frac{1}{2006!}'],
  ['numbers', '10^{40}', '10^{40}+1'],
  ['constants', '1-\\frac{1}{\\mathrm{e}}', '1+\\frac{1}{\\mathrm{e}}'],
  ['constants', '\\sqrt{2}', '1.41421'],
  ['constants', '3\\sqrt{2}', '2\\sqrt{3}'],
  ['percent', '20', '20\\%'],
  ['percent', '20\\%', '20'],
  ['units', '12 \\text{ cm}', '12 \\text{ m}'],
  ['units', '12 \\text{ cm}', '12 \\text{ cm}^2'],
  ['units', '5 \\text{ dollars}', '5 \\text{ cents}'],
  ['units', '10 \\text{ m/s}', '10 \\text{ km/h}'],
  ['units', '10 \\text{ m/s}', '10 \\text{ m/s}^2'],
  ['units', '10 \\text{ m/s}', '10 \\text{ m}'],
  ['units', '1 \\text{ hour } 30 \\text{ minutes}', '1.3 \\text{ hours}'],
  ['times', '4:30 \\text{ p.m.}', '4:30 \\text{ a.m.}'],
  ['times', '\\frac{1}{3}', '1:03 \\text{ PM}'],
  ['relations', 'f(2) < f(1) < f(4)', '(3,-4)'],
  ['relations', 'f(2) < f(1)', 'f(1) < f(2)'],
  ['number words', '2.5 \\text{ million}', '2.5'],
  ['number words', '\\text{candy}', 'C, y'],
  ['integers', 'x = k\\pi, k \\in \\mathbb{Z}', 'x = 2n\\pi, n \\in \\mathbb{Z}'],
  ['integers', 'k\\pi, k \\in \\mathbb{Z}', 'n\\pi, n \\in \\mathbb{N}'],
  ['integers', '\\{k\\pi \\mid k \\in \\mathbb{Z}\\}', '\\{2k\\pi \\mid k \\in \\mathbb{Z}\\}'],
  ['conditions', '\\{x^2 \\mid x > 2\\}', '(2,\\infty)'],
  ['conditions', '-\\infty \\pm x < 2', '-\\infty \\pm x < 7'],
  ['systems', 'x = \\frac{1}{2}, y = 3', 'x = 3, y = \\frac{1}{2}'],
  ['bases', '2516_8', '2516'],
  ['bases', '204_5', '204_6'],
  ['letter case', 'R', 'r'],
  ['signs', '\\pm 2021', '2021'],
  ['signs', 'x = \\pm 2', 'x = 2'],
  ['lists', '1, 2, 3', '1, 2'],
  ['lists', '1, 2', '1, 2, 3'],
  ['lists', 'AB=4, CD=5', '5, 4'],
  ['tuples', '(1,2)', '(2,1)'],
  ['tuples', '(3,1)', '\\{1,3\\}'],
  ['intervals', '(1,2)', '[1,2]'],
  ['intervals', '[0,1)', '[0,1]'],
  ['intervals', 'x^2 < 2', '(-1.4,1.4)'],
  ['intervals', '(-\\infty,0) \\cup \\{1\\}', '1'],
  ['intervals', '[-2,7]', '-2 \\le x \\le 7'],
  ['relations', 'x < 1', 'x > 1'],
  ['relations', 'x \\le 1', 'x < 1'],
  ['relations', 'x = 5', 'y = 5'],
  ['relations', 'x+z=1', '1'],
  ['relations', '7 = 11a+c', '11a+c'],
  ['ratios', '12:00', '1:00'],
  ['matrices', '\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}', '\\begin{pmatrix}1&2\\\\3&5\\end{pmatrix}'],
  ['matrices', '\\begin{pmatrix}1\\\\2\\end{pmatrix}', '(1,2)'],
  ['identities', 'x^2+1', 'y^2+1'],
  ['identities', 'f(x)', 'f(y)'],
  ['identities', '|x|', 'x'],
  ['identities', 'x+2n+1', 'x+1'],
  ['identities', 'I(0)e^{-t}', '0'],
  ['identities', '\\frac{dx}{dt}', '\\frac{x}{t}'],
  ['identities', '\\frac{d}{dx} x^2', 'x'],
  ['identities', '\\frac{\\partial^2}{\\partial x^2} f', '\\frac{f}{x^2}'],
  ['identities', '\\sum_{k=0}^{n} k', '\\sum_{k=1}^{n} k^2'],
  ['words', '\\text{east}', 'seat'],
  ['words', '\\text{odd}', '\\text{oddd}'],
];

describe('verify', () => {
  it.each(SAME)('%s: %s is %s', (_, gold, pred) => {
    expect(correct(gold, pred)).toBe(true);
  });

  it.each(DIFFERENT)('%s: %s is not %s', (_, gold, pred) => {
    expect(correct(gold, pred)).toBe(false);
  });

  it('tells an answer that is wrong from one that could not be read, was not given, or is too much', () => {
    expect(verify({ gold: '5', pred: '\\boxed{6}' })).toMatchObject({ reason: 'different', predParsed: '6' });
    expect(verify({ gold: '5', pred: '\\boxed{((6}' })).toMatchObject({
      reason: 'unparsed',
      predParsed: null,
    });
    expect(verify({ gold: '5', pred: 'I do not know.' })).toMatchObject({
      reason: 'no-answer',
      extracted: null,
    });
    expect(verify({ gold: '', pred: '\\boxed{5}' })).toMatchObject({ reason: 'gold-unreadable' });
    expect(verify({ gold: '((6', pred: '\\boxed{5}' })).toMatchObject({
      reason: 'gold-unreadable',
      goldParsed: null,
    });
  });

  it('compares what cannot be read as text, blanks and letter case aside', () => {
    expect(verify({ gold: '(( 6 X', pred: '\\boxed{((6x}' })).toMatchObject({
      correct: true,
      stage: 'string',
    });
  });

  it('takes no number out of a box or formula that it cannot read', () => {
    expect(verify({ gold: '5', pred: 'The answer is \\boxed{5 + ( 3}.' }).correct).toBe(false);
    expect(verify({ gold: '5', pred: 'The answer is \\boxed{(( 5}. We used 5 apples.' }).correct).toBe(false);
  });
});

describe('presets', () => {
  const response = '<think>so \\boxed{4}</think> The answer is \\boxed{5}.';

  it('reward reads only behind the thinking, only marked answers, and no broken LaTeX', () => {
    expect(verify({ gold: '5', pred: response, preset: 'reward' }).correct).toBe(true);
    expect(verify({ gold: '4', pred: response, preset: 'reward' }).correct).toBe(false);
    expect(verify({ gold: '5', pred: 'The answer is \\boxed{5}.', preset: 'reward' }).reason).toBe(
      'no-answer',
    );
    expect(verify({ gold: '5', pred: '</think> That makes 5.', preset: 'reward' }).reason).toBe('no-answer');
    expect(
      verify({ gold: '\\frac{1}{2}', pred: '</think> \\boxed{\\frac12}', preset: 'reward' }).correct,
    ).toBe(false);
    expect(
      verify({ gold: '5', pred: '</think> The answer is 5.', preset: 'reward', requireBox: true }).correct,
    ).toBe(false);
  });

  it('lenient takes a percentage either way, inequalities for intervals, and points for column vectors', () => {
    const lenient = (gold: string, pred: string) => verify({ gold, pred, preset: 'lenient' }).correct;
    expect(lenient('20', '20\\%')).toBe(true);
    expect(lenient('20\\%', '20')).toBe(true);
    expect(lenient('20\\%', '0.2')).toBe(true);
    expect(lenient('20\\%', '21')).toBe(false);
    expect(lenient('[-2,7]', '$-2 \\le x \\le 7$')).toBe(true);
    expect(lenient('\\begin{pmatrix}1\\\\2\\end{pmatrix}', '(1,2)')).toBe(true);
  });

  it('choice reads letters', () => {
    const choice = (gold: string, pred: string) => verify({ gold, pred, preset: 'choice' });
    expect(choice('C', 'The answer is **(C)**, not A.').correct).toBe(true);
    expect(choice('(B) seven', 'so \\boxed{\\text{B}}').correct).toBe(true);
    expect(choice('B', 'Because A is wrong')).toMatchObject({ correct: false, extracted: null });
    expect(choice('B', 'none of them')).toMatchObject({ reason: 'no-answer', extracted: null });
  });

  it('mathVerify falls back to the thinking where nothing follows it', () => {
    expect(verify({ gold: '4', pred: '<think>so \\boxed{4}</think>' }).correct).toBe(true);
    expect(verify({ gold: '5', pred: response }).correct).toBe(true);
  });
});
