import { describe, expect, it } from 'vitest';
import { verify } from '../verify.js';

const says = (gold: string, pred: string): boolean => verify({ gold, pred: `\\boxed{${pred}}` }).correct;

describe('roots of squares', () => {
  const pairs = [1, 2, 3, 7].flatMap((k) => [
    [`\\sqrt{1-\\cos^2(${k}x)}`, `\\sin(${k}x)`],
    [`\\sqrt{1-\\sin^2(${k}x)}`, `\\cos(${k}x)`],
    [`\\sqrt{\\sec^2(${k}x)-1}`, `\\tan(${k}x)`],
    [`\\sqrt{2-2\\cos(${2 * k}x)}`, `2\\sin(${k}x)`],
    [`\\sqrt{x^2-${2 * k}x+${k * k}}`, `x-${k}`],
    [`\\sqrt{e^{2x}-${2 * k}e^x+${k * k}}`, `e^x-${k}`],
  ]);
  it.each(pairs)('%s is the absolute value of %s, and not this', (root, value) => {
    expect(says(root, `\\left|${value}\\right|`)).toBe(true);
    expect(says(`\\left|${value}\\right|`, root)).toBe(true);
    expect(says(root, value)).toBe(false);
  });
});

describe('members in any order', () => {
  const members: [string, (k: number) => string][] = [
    ['points with roots', (k) => `(0,\\sqrt{${k}})`],
    ['sines', (k) => `\\sin(${k}x)`],
    ['residues', (k) => `${k} \\pmod{${k + 61}}`],
    ['inequalities', (k) => `x^2-${k}x>${k}`],
  ];
  it.each(members)('are found in a list of 60 %s, and another one is missed', (_, member) => {
    const all = Array.from({ length: 60 }, (_, k) => member(k + 1));
    const list = (items: string[]) => items.join(', ');
    expect(verify({ gold: list(all), pred: `\\boxed{${list([...all].reverse())}}` }).reason).toBe('equal');
    expect(says(list(all), list([...all.slice(1).reverse(), member(99)]))).toBe(false);
  });
});

describe('whole numbers that satisfy an inequality', () => {
  it.each([
    ['\\{x \\in \\mathbb{Z} : 0<x<5\\}', '\\{1,2,3,4\\}'],
    ['\\{n \\in \\mathbb{Z} : n \\ge 1\\}', '\\mathbb{N}'],
    ['\\{x \\in \\mathbb{Z} \\mid x > 2\\}', '\\{y \\in \\mathbb{Z} : y \\ge 3\\}'],
    ['x > 2, x \\in \\mathbb{R}', 'x > 2'],
    ['n > 2, n \\in \\mathbb{Z}', 'n > 2'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });

  it.each([
    ['\\{x \\in \\mathbb{Z} : x > 2\\}', 'x > 2'],
    ['x > 2, x \\in \\mathbb{Z}', 'x > 2'],
    ['x > 2', 'x > 2, x \\in \\mathbb{Z}'],
    ['\\{x\\in\\mathbb{N} : x<4\\}', '\\{1,2\\}'],
    ['(0,11)\\cap\\mathbb{Z}', '\\{1,2,3,4,5,6,7,8\\}'],
  ])('%s is not %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(false);
  });
});

describe('letters before parentheses, and figures', () => {
  it.each([
    ['C(8,5)', '\\binom{8}{5}'],
    ['C(8,5)', '56'],
    ['C(8,5)', '(8,5)'],
    ['\\angle ABC', '\\angle CBA'],
    ['\\angle ABC', 'ABC'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });

  it.each([
    ['C(8,5)', '57'],
    ['C(8,5)', '(5,8)'],
    ['\\angle ABC', '\\triangle ABC'],
    ['\\angle ABC', '\\angle ACB'],
  ])('%s is not %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(false);
  });
});

describe('expressions that differ far out, beside a pole or within a short span only', () => {
  it.each([
    ['50-\\tan x', '|\\tan x-50|'],
    ['100-\\sec x', '|\\sec x-100|'],
    ['\\ln x', '\\min(\\ln x, 20)'],
    ['\\sqrt x', '\\max(\\sqrt x, x/1000)'],
    ['\\lfloor x \\rfloor', '\\lfloor x+10^{-5} \\rfloor'],
  ])('%s is not %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(false);
  });

  it.each([
    ['|\\tan x|', '\\sqrt{\\tan^2 x}'],
    ['|\\sec x|', '\\sqrt{1+\\tan^2 x}'],
    ['\\max(x, -x)', '|x|'],
  ])('%s is %s', (gold, pred) => {
    expect(says(gold, pred)).toBe(true);
  });
});
