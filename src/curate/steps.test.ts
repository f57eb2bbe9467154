import { describe, expect, it } from 'vitest';
import { countSteps, equalSteps } from './steps.js';

describe('countSteps', () => {
  it.each<[string, number, number]>([
    ['', 0, 0],
    ['16-3 = <<16-3=13>>13, 13*2 = <<13*2=26>>26', 2, 0],
    ['<<1+1=2>> and <<2*', 1, 0],
    ['Step 1: add.\nStep 2: multiply.', 0, 2],
    ['**Step 1:** add.\n\n### Step 2\nmultiply\n  step 3. done', 0, 3],
    ['1. Add.\n2. Multiply.\n3) Done.', 0, 3],
    ['Step 1: list\n1. one\n2. two\nStep 2: done', 0, 2],
    ['1. **Add** 2.5\n2. Take 3.\n   1. inner', 0, 3],
    ['In step 1 we add 3.5 and\n3.5 is the sum\n12 apples', 0, 0],
    ['One paragraph.\n\nAnother.\n\nA third.', 0, 0],
  ])('%j: %i marks, %i numbered', (text, marks, numbered) => {
    expect(countSteps(text)).toEqual({ marks, numbered });
  });
});

describe('equalSteps', () => {
  it.each<[string, string, boolean]>([
    ['<<1=1>>', '<<2=2>>', true],
    ['<<1=1>>', '<<2=2>><<3=3>>', false],
    ['<<1=1>>\n1. a\n2. b', '<<2=2>>\n1. a', true],
    ['<<1=1>>\n1. a\n2. b', '1. a', false],
    ['<<1=1>>\n1. a', '1. a', true],
    ['<<1=1>>', '1. a\n2. b', true],
    ['1. a', 'Step 1: a', true],
    ['1. a\n2. b', 'Step 1: a', false],
    ['prose', '1. a\n2. b', true],
    ['prose', 'prose', true],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(equalSteps(countSteps(a), countSteps(b))).toBe(expected);
    expect(equalSteps(countSteps(b), countSteps(a))).toBe(expected);
  });
});
