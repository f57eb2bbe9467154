import { describe, expect, it } from 'vitest';
import { verify } from '../verify.js';

/** Right by Math-Verify 0.9 with the number in the gap; the last ones are not numbers, and right whoever reads them. */
const SENTENCES = [
  ...[
    'Answer: _',
    '**Answer:** _',
    '**Answer**: _',
    'Ans: _',
    '**ANSWER: _**',
    'ANSWER: _ points',
    'answer: _.',
  ],
  ...[
    'Final answer: _',
    'A: _',
    'Result: _',
    'Total cost: _',
    'Antwort: _',
    'Answer: x = _',
    'Answer: _ apples',
  ],
  ...['_', '_.', '= _', 'x = _', 'It is _.', 'So _.', 'So, he has _ apples.', 'Well, _.', 'Therefore, x = _'],
  ...[
    '_, of course.',
    '_, I think.',
    'It equals _',
    'He has _.',
    'I get _.',
    'We get x = _.',
    'Thus _',
    'Hence, _.',
  ],
  ...[
    '2 + 3 = _, so _.',
    '1 × _ = _',
    '2+3=_, which is _.',
    'That is _.',
    'Yes, _.',
    'Sure! _',
    'Okay: _',
    'Got _.',
  ],
  ...[
    'about _',
    '_ is the answer.',
    'So x is _.',
    'cost: _ dollars',
    'So the cost is _.',
    'Then it must be _.',
  ],
];

describe('a short sentence', () => {
  it.each(SENTENCES)('%s', (sentence) => {
    for (const [gold, other] of [
      ['18', '19'],
      ['-3', '3'],
      ['0.5', '0.25'],
      ['1/2', '1/3'],
      ['1000', '1001'],
    ] as const) {
      const says = (answer: string) => verify({ gold, pred: sentence.replaceAll('_', answer) }).correct;
      expect([says(gold), says(other)], gold).toEqual([true, false]);
    }
  });

  it.each([
    ['x+1', 'Well, x + 1.'],
    ['\\frac{1}{2}', 'It is \\frac12.'],
    ['\\{2,3\\}', 'So x = 2, x = 3.'],
    ['(1,2)', 'Answer: (1, 2)'],
    ['\\sqrt{2}', 'So it is sqrt(2).'],
    ['8', 'Answer: 2**3'],
    ['infinite', 'It is infinite.'],
  ])('may say %s: %s', (gold, pred) => {
    expect(verify({ gold, pred }).correct).toBe(true);
  });

  // Math-Verify takes the last number of a text and calls some of these right.
  it.each([
    ['18', 'It is not 18.'],
    ['18', "It isn't 18."],
    ['18', 'Incorrect: 18'],
    ['7', 'It is 18 or 7.'],
    ['18', 'Maybe 18, maybe 19.'],
    ['1', 'Well, x + 1'],
    ['18', 'Answer: 18 or 19'],
    ['3', '2:3'],
    ['5', 'Answer: 15'],
    ['5', 'So 2 + 3x = 5x, so x.'],
  ])('does not say %s: %s', (gold, pred) => {
    expect(verify({ gold, pred }).correct).toBe(false);
  });
});
