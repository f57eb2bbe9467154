import { describe, expect, it } from 'vitest';
import { verify, type Preset } from '../verify.js';

/** Sentences that name 5 and do not say that it is the answer: they deny it, bound it, suppose it or make it part of more. */
const NO_STATEMENTS = [
  ...['cannot be', "can't be", 'was not', 'is not equal to', 'is anything but', 'is other than'].map(
    (words) => `The answer ${words} 5.`,
  ),
  ...['different from', 'less than', 'more than', 'at least', 'at most', 'up to', 'half of'].map(
    (words) => `The answer is ${words} 5.`,
  ),
  ...[
    'The answer may be 5, may be 6.',
    'The answer might be 5.',
    'The answer could be 5.',
    'Maybe the answer is 5?',
  ],
  ...[
    'It is not true that the answer is 5.',
    "I don't think the answer is 5.",
    'I doubt that the answer is 5.',
  ],
  ...[
    'If the answer is 5 then we have a contradiction.',
    'Thus \\boxed{5}.\n\nLet me check: 3 + 4 = 7. Hmm, that does not work. The boxed answer above is incorrect.',
    'The answer is 5.\n\nLet me check it with x = 3, which gives 7. My answer was wrong.',
    'Suppose the answer is 5. Then 0 = 1.',
    'Is the answer 5?',
  ],
  ...[
    'The answer is between 5 and 7.',
    'The answer is 5 more than 12.',
    'The answer is 5 apples fewer than 12.',
  ],
  ...[
    'The answer is 5 times 12.',
    'The answer is minus 5.',
    'The answer is negative 5.',
    'The answer is 5x.',
  ],
  ...[
    'The answer is 5 million.',
    'The answer is 5 dozen.',
    'The answer is five hundred.',
    'The answer is 5 or 6.',
  ],
  ...['The answer is 5. Hmm, actually it should be 7.', '\\boxed{5}. Hmm, actually it is 7.'],
  ...[
    "\\boxed{5} Wait, that's not right.",
    'The answer is 5. No, that is wrong.',
    '\\boxed{5}?',
    'Maybe \\boxed{5}.',
  ],
  ...['答案不是5。', '答案是5或6。', '答案可能是5。', 'La respuesta no es 5.', "La réponse n'est pas 5."],
  ...[
    'Die Antwort ist nicht 5.',
    'Die Antwort ist kein 5.',
    'Ответ не 5.',
    'La risposta non è 5.',
    'A resposta não é 5.',
  ],
  ...['La respuesta es 5 o 6.', 'Die Antwort ist 5 oder 6.', 'La réponse est 5 ou 6.', 'Ответ: 5 или 6.'],
];

/** Sentences that say 5, with words that could be taken for a denial or that only lead to it. */
const STATEMENTS = [
  'Thus \\boxed{5}.\n\nIf the answer is wrong, tell me.',
  'My answer was wrong. Thus \\boxed{5}.',
  'Thus \\boxed{5}. Some would say 13, but that answer is wrong.',
  ...[
    'The answer is five.',
    'If we add these, the answer is 5.',
    'The answer is not 17 but 5.',
    'So this is the answer: 5',
  ],
  ...[
    'The answer is 5. Wait, let me check that once more.',
    '\\boxed{5}, which is not hard to see.',
    'It takes 5.',
  ],
  ...[
    'We need 5 apples.',
    'There are 5 of them.',
    'The answer is 5, more than I thought.',
    'Not 6. The answer is 5.',
  ],
  ...[
    '\\boxed{6}? That is wrong. So \\boxed{5}.',
    'The answer is 6. No, wait, the answer is 5.',
    'boxed{5}',
    '$oxed{5}$',
  ],
  ...['答えは5です。', '정답은 5입니다.', '답: 5', 'उत्तर 5 है', 'Het antwoord is 5.', 'La respuesta es 5.'],
  ...['\\framebox{5}', '<|begin_of_solution|>so 5<|end_of_solution|>', '72000 / 14400 = 5千克'],
];

describe('the words around a number', () => {
  it.each(NO_STATEMENTS)('do not give 5: %s', (pred) => {
    for (const preset of ['mathVerify', 'anchored', 'lenient'] as const)
      expect(verify({ gold: '5', pred, preset }).correct).toBe(false);
    expect(verify({ gold: '5', pred: `<think>6?</think>${pred}`, preset: 'reward' }).correct).toBe(false);
  });

  it.each(STATEMENTS)('give 5: %s', (pred) => {
    expect(verify({ gold: '5', pred }).correct).toBe(true);
  });

  it.each([
    ['-5', 'The answer is minus 5.'],
    ['5000000', 'The answer is 5 million.'],
    ['5, 6', 'The answer is 5 or 6.'],
    ['5, 6', 'La réponse est 5 ou 6.'],
    ['5x', 'The answer is 5x.'],
    ['7', 'The answer is 5. Hmm, actually it should be 7.'],
  ])('may give %s: %s', (gold, pred) => {
    expect(verify({ gold, pred }).correct).toBe(true);
  });
});

describe('the words around a letter', () => {
  const choice = (pred: string) => verify({ gold: 'A', pred, preset: 'choice' satisfies Preset }).extracted;

  it.each([
    ['B', 'A is wrong. C is wrong. So B.'],
    ['B', "It can't be A, so it is B."],
    ['B', 'A, no wait, B'],
    ['C', 'Answer: A? No. Answer: C'],
    [null, 'The answer is not A.'],
    [null, 'The answer might be A.'],
    [null, "It can't be A."],
    [null, 'None of A'],
    [null, 'Either A or C.'],
    ['E', '$\\boxed{\\textbf{(E) }\\frac{3}{4}}$'],
    ['A', 'The answer is A. B is wrong.'],
  ])('leave %s: %s', (letter, pred) => {
    expect(choice(pred)).toBe(letter);
  });
});
