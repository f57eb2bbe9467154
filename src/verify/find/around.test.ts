import { expect, test } from 'vitest';
import { verify } from '../verify.js';

/** Responses that name the gold and say something else by what stands around it. */
const wrong: [gold: string, pred: string, preset?: 'reward'][] = [
  ['12', 'Answer: 12 hours 30 minutes', 'reward'],
  ['12', 'Answer: 12 feet 6 inches', 'reward'],
  ['12', 'Answer: 12 dollars 50 cents', 'reward'],
  ['12', 'Answer: 12 remainder 5', 'reward'],
  ['12', 'Answer: 12 cm x 9 cm', 'reward'],
  ['12', '\\boxed{12 \\text{ hours 30 minutes}}', 'reward'],
  ['12', '\\boxed{12 \\text{ boys and 7 girls}}', 'reward'],
  ['12', '\\boxed{12 \\text{ out of 20}}', 'reward'],
  ['30', 'The trip takes 12 hours and 30 minutes.'],
  ['12', '$(\\boxed{12},15)$', 'reward'],
  ['12', '$x=\\boxed{12}, y=15$', 'reward'],
  ['12', '$x>\\boxed{12}$', 'reward'],
  ['12', '$|\\boxed{12}|$', 'reward'],
  ['12', '$e^{\\boxed{12}}$', 'reward'],
  ['12', '\\boxed{12},500', 'reward'],
  ['12', '\\boxed{12}.5', 'reward'],
  ['12', '0.\\boxed{12}', 'reward'],
  ['12', '-\\boxed{12}', 'reward'],
  ['12', '\\boxed{12} million', 'reward'],
  ['12', '\\boxed{12} hours 30 minutes', 'reward'],
  ['12', 'at least $\\boxed{12}$', 'reward'],
  ['12', '\\boxed{12} or more', 'reward'],
  ['12', '$\\boxed{12}$ and $15$', 'reward'],
  ['12', '\\boxed{12} cm. Wait, that is wrong.', 'reward'],
  ['12', 'The answer is $12$ apples. Wait, that is wrong. It is $15$.', 'reward'],
  ['12', 'The answer is negative \\$12', 'reward'],
  ['12', 'The answer is \\$12 and \\$30', 'reward'],
  ['12', "The answer is \\$12. No wait, it's \\$30.", 'reward'],
  ['12', 'The answer is minus **12**', 'reward'],
  ['12', 'The answer is $12$ out of $20$', 'reward'],
  ['12', 'The answer is 12 apples out of 20', 'reward'],
  ['12', 'The answer is 12 for even n and 15 for odd n', 'reward'],
  ['12', 'Answer: Tom: 12, Ann: 15', 'reward'],
  ['12', 'Answer: (a) 12, (b) 15', 'reward'],
  ['12', 'The answer is 12, alternatively 15', 'reward'],
  ['12', 'The answer is $12 for Tom and $52 for Jerry.', 'reward'],
  ['12', '\\boxed{\\text{wrong: }12}', 'reward'],
  ['12', '\\boxed{\\text{not: }12}', 'reward'],
  ['12', '\\boxed{\\text{less than: }12}', 'reward'],
  ['12', '\\boxed{\\text{I cannot determine whether it is }12}', 'reward'],
  ['12', '\\boxed{x=12 \\text{ (extraneous)}}', 'reward'],
  ['12', '\\boxed{x=12 \\text{ (rejected)}}', 'reward'],
  ['12', '\\boxed{12 \\text{?}}', 'reward'],
  ['12', 'With probability 1/2 the answer is 12, else 52', 'reward'],
  ['12', 'Example answer: 12', 'reward'],
  ['12', 'The textbook answer is 12', 'reward'],
  ['12', 'Put your answer as \\boxed{12}', 'reward'],
  ['\\begin{pmatrix}\n3 \\\\\n11 \\\\\n-11\n\\end{pmatrix}', '\\boxed{-11}'],
  ['\\left[\n\\frac12, 3\n\\right]', '\\boxed{3}'],
  ['x=1\ny=2', '\\boxed{2}'],
];

/** Responses that say the gold, in other lines and marks. */
const right: [gold: string, pred: string][] = [
  ['5 h 30 min', 'The answer is 5 hours 30 minutes.'],
  ['-11', '\\boxed{-11}'],
  [
    '\\begin{pmatrix}\n3 \\\\\n11 \\\\\n-11\n\\end{pmatrix}',
    '\\boxed{\\begin{pmatrix} 3 \\\\ 11 \\\\ -11 \\end{pmatrix}}',
  ],
  ['\\left[\n\\frac12, 3\n\\right]', '\\boxed{[\\frac12,3]}'],
  ['x=1\ny=2', '\\boxed{x=1, y=2}'],
  ['12', 'We compute it.\n\n{"answer": 12}'],
  ['12', '<final_answer>12</final_answer>'],
  ['12', '- **Answer:** 12'],
  ['12', '1. Answer: 12'],
  ['12', '> **Answer:** 12'],
  ['12', '∴ x = 12'],
  ['12', '=> x = 12'],
  ['12', 'La risposta è 12.'],
  ['\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}', '\\boxed{\\begin{pmatrix} 1 \\\\[4pt] 2 \\end{pmatrix}}'],
  ['33.50', '\\boxed{\\text{\\$33.50}}'],
  ['1,3', '\\boxed{\\boxed{1,3}}'],
  ['12', '- \\boxed{12}'],
  ['12', 'Steps:\n- $\\boxed{12}$'],
  ['12', '#### 12 \\boxed{12} foo'],
  ['12', 'The answer is <b>12</b>'],
];

test.each(wrong)('is not %j: %j', (gold, pred, preset) => {
  const response = preset === 'reward' ? `Hm.</think>${pred}` : pred;
  expect(verify({ gold, pred: response, ...(preset && { preset }) }).correct).toBe(false);
});

test.each(right)('is %j: %j', (gold, pred) => {
  expect(verify({ gold, pred }).correct).toBe(true);
});
