import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WorkBudget } from '../../algebra/workBudget.js';
import { SERIES, simplifiesToZero, STEPS } from './sympyZero.js';

const { rows } = JSON.parse(readFileSync('test/fixtures/graders/sympy.json', 'utf8')) as {
  rows: [expression: string, zero: boolean][];
};

/** Python's operators and SymPy's functions that no answer uses: not read here. */
const UNREAD = new Set([
  '(re(2))-(2)',
  '(li(2))-(li(2))',
  '(csc(1))-(csc(1))',
  '(ln(2,3))-(ln(2)/ln(3))',
  '(x//2)-(x//2)',
  '(5%2)-(1)',
  '(0.2[1])-(19/90)',
]);

/** Reading a text and computing its numbers counts no steps: a bound on time that only a hang exceeds. */
const HANG_MS = 30_000;

describe('simplifiesToZero', () => {
  it.each(rows.filter(([expression]) => !UNREAD.has(expression)))('%s: as SymPy', (expression, zero) => {
    expect(simplifiesToZero(expression)).toBe(zero);
  });

  it('does not read the rest of Python', () => {
    for (const expression of UNREAD) expect(simplifiesToZero(expression), expression).toBe(false);
    expect(simplifiesToZero('print(1)')).toBe(false);
    expect(simplifiesToZero('')).toBe(false);
  });

  it.each([
    ['powers without end', '9^9!-9^9!'],
    ['a tower', '(9**9**9)-(9**9**9)'],
    ['a large factorial', '(99999999!)-(99999999!)'],
    ['nested parentheses', `${'('.repeat(900)}x${')'.repeat(900)}`],
    ['signs', `${'-'.repeat(1_900)}x`],
    ['an exponent of many digits', '(1e999999999)-(1)'],
  ])(
    'gives up on %s before the first step of evaluation',
    (_, expression) => {
      const budget = new WorkBudget(STEPS);
      expect(simplifiesToZero(expression, budget)).toBe(false);
      expect(budget.spent).toBe(0);
    },
    HANG_MS,
  );

  it.each([
    ['factorials of letters', '((((n!)!)!)!)-(n)'],
    ['powers of letters', '(((((x^9)^9)^9)^9)^9)-((((((x^9)^9)^9)^9)^9)+1)'],
    ['a long sum of roots', `(${'sqrt(x+1)+'.repeat(150)}0)-(${'sqrt(1+x)+'.repeat(40)}0)`],
    ['nested roots', `(${'sqrt(x+'.repeat(45)}1${')'.repeat(45)})-(1)`],
    ['long digits', `(x+${'9'.repeat(1_900)})-(x)`],
    ['a long product', `(${'(x+1)'.repeat(300)})-(x)`],
  ])(
    'gives up on %s within its steps',
    (_, expression) => {
      const budget = new WorkBudget(STEPS);
      expect(simplifiesToZero(expression, budget)).toBe(false);
      expect(budget.spent).toBeGreaterThan(0);
      expect(budget.spent).toBeLessThanOrEqual(STEPS + 2 * SERIES);
    },
    HANG_MS,
  );
});
