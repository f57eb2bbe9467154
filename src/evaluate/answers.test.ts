import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../util/errors.js';
import { extractAnswer, gradeNumeric, parseNumber } from './answers.js';

const fraction = (text: string) => {
  const found = parseNumber(text);
  return found && `${found.value.n}/${found.value.d}`;
};

describe('parseNumber', () => {
  it.each([
    ['18', '18/1'],
    ['1,000', '1000/1'],
    ['$1,234.50', '2469/2'],
    ['-3', '-3/1'],
    ['-$3', '-3/1'],
    ['$-3', '-3/1'],
    ['.5', '1/2'],
    ['0.50', '1/2'],
    ['3/4', '3/4'],
    ['-6/8', '-3/4'],
    ['1 1/2', '3/2'],
    ['25%', '25/1'],
    [' 7. ', '7/1'],
  ])('%j = %s', (text, value) => {
    expect(fraction(text)).toBe(value);
  });

  it.each(['', 'x', '2x', '1,00', '1e5', '3/0', '3-4', '1:30', '12 apples', '--', '9'.repeat(100)])(
    'not a number: %j',
    (text) => {
      expect(parseNumber(text)).toBeUndefined();
    },
  );
});

describe('extractAnswer', () => {
  it.each([
    ['so 7.\nThe answer is 18', '18'],
    ['The answer is 3. No, the answer is 18.', '18'],
    ['The final answer is: **$1,080**.', '$1,080'],
    ['The answer is that she makes $18 every day', '$18'],
    ['The answer is <<3+4=7>>7', '7'],
    ['The answer is 3 + 4 = 7.', '7'],
    ['The answer is x = 5', '5'],
    ['The answer is:\n\n18 eggs', '18'],
    ['reasoning 5\n#### -3', '-3'],
    ['A: 18\nA: 20', '20'],
    ['A: 1/5', '1/5'],
    ['thus \\boxed{42}.', '42'],
    ['thus $\\boxed{\\frac{3}{4}}$ of it', '3/4'],
    ['\\boxed{1{,}000}', '1,000'],
    ['\\boxed{18\\%}', '18'],
    ['\\boxed{3} then The answer is 4', '4'],
    ['The answer is $\\boxed{-2.5}$.', '-2.5'],
    ['THE ANSWER IS 9', '9'],
    ['$\\boxed{x = 160}$', '160'],
    ['\\boxed{€77}', '€77'],
    ['So \\boxed{40}. Our answer is verified.', '40'],
    ['The answer is 40, so our answer is correct!', '40'],
  ])('%j gives %s', (text, written) => {
    expect(extractAnswer(text).answer?.text).toBe(written);
  });

  it.each([
    'The answer is 2x + 3',
    'The answer is 1:30',
    'The answer is 3-4',
    'The answer is 2 million',
    'The answer is 1e5',
    'The answer is unknown\n5',
    '\\boxed{x = 2y}',
    'The answer is 5. No, the answer is',
    '\\boxed{12 or 13}',
    '####',
    "A: 10+John's age",
  ])('%j has none', (text) => {
    expect(extractAnswer(text)).toEqual({ reason: 'final answer is not a number' });
  });

  it('needs a marker', () => {
    expect(extractAnswer('There are 18.')).toEqual({ reason: 'no final answer' });
    expect(extractAnswer('Q&A: 18')).toEqual({ reason: 'no final answer' });
  });

  it('is linear in hostile text', () => {
    const start = performance.now();
    extractAnswer('answer is '.repeat(200_000));
    extractAnswer('\\boxed{'.repeat(200_000));
    extractAnswer('answer is ' + '1 '.repeat(500_000));
    extractAnswer('answer is ' + '{'.repeat(500_000) + '<<'.repeat(500_000));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('gradeNumeric', () => {
  it('compares exactly', () => {
    expect(gradeNumeric('The answer is 0.50', '1/2')).toEqual({
      correct: true,
      extracted: '0.50',
      reason: 'equal',
    });
    expect(gradeNumeric('The answer is 0.3333', '1/3').correct).toBe(false);
    expect(gradeNumeric('The answer is 3.33', '3.333').correct).toBe(false);
    expect(gradeNumeric('The answer is 9007199254740993', '9007199254740992').reason).toBe('different');
    expect(gradeNumeric('I give up', '3')).toEqual({ correct: false, reason: 'no final answer' });
  });

  it('takes a gold answer of many decimals as rounded', () => {
    const gold = '3.3333333333333335';
    for (const right of ['3.33', '3.3333', '10/3', '3 1/3']) {
      expect(gradeNumeric(`The answer is ${right}`, gold).reason).toBe('equal after rounding');
    }
    for (const wrong of ['3', '3.3', '3.34', '3.3334', '-3.33']) {
      expect(gradeNumeric(`The answer is ${wrong}`, gold).reason).toBe('different');
    }
  });

  it('names a gold answer that is not a number', () => {
    expect(() => gradeNumeric('The answer is 3', 'three')).toThrow(UserError);
  });
});

interface Solution {
  is_correct: boolean;
  solution: string;
}

describe("other people's labels", () => {
  const solutions = new URL('../../examples/gsm8k-solutions/example_model_solutions.jsonl', import.meta.url);

  it('agrees with all 5,276 labels of the GSM8K example solutions', () => {
    let labels = 0;
    for (const line of readFileSync(solutions, 'utf8').trim().split('\n')) {
      const row = JSON.parse(line) as Record<string, string | Solution>;
      const gold = (row.ground_truth as string).split('\nA: ').at(-1)!;
      for (const field of Object.values(row)) {
        if (typeof field === 'string') continue;
        const grade = gradeNumeric(field.solution, gold);
        expect(grade.correct, `${field.solution}: ${JSON.stringify(grade)}`).toBe(field.is_correct);
        labels++;
      }
    }
    expect(labels).toBe(5276);
  });

  const ownTraces = new URL('../../../shared/data/self-traces/traces.jsonl', import.meta.url);
  const hasOwnTraces = existsSync(ownTraces);
  if (!hasOwnTraces)
    console.warn(`skipped: the labels of a student's own traces (${ownTraces.pathname} is absent)`);

  it.skipIf(!hasOwnTraces)("agrees with the labels of a student's own finished traces", () => {
    const finished = { all: 0, agree: 0 };
    const cut = { all: 0, agree: 0 };
    for (const line of readFileSync(ownTraces, 'utf8').trim().split('\n')) {
      const row = JSON.parse(line) as { trace: string; answer: number; correct: boolean; complete: boolean };
      const count = row.complete ? finished : cut;
      count.all++;
      if (gradeNumeric(row.trace, String(row.answer)).correct === row.correct) count.agree++;
    }
    expect(finished).toEqual({ all: 867, agree: 867 });
    // 22 traces that were cut off before their answer are labelled right by the last number in them, which may
    // be half of one ("<<15+15=30>>3" for 3). Here a trace without a final answer is not right.
    expect(cut).toEqual({ all: 413, agree: 391 });
  });
});
