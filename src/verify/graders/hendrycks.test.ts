import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grade, isEquivalent } from './hendrycks.js';

const CASES = '../shared/data/answer-cases/cases.jsonl';
if (!existsSync(CASES)) console.warn(`skipped: the published cases of hendrycks/math (${CASES} is missing)`);

interface Case {
  suite: string;
  gold: string;
  pred: string;
  expected: boolean;
  note: string;
}

describe('the grader of hendrycks/math', () => {
  it.skipIf(!existsSync(CASES))('passes the 16 tests published with it', () => {
    const cases = readFileSync(CASES, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Case)
      .filter(({ suite }) => suite === 'hendrycks-math/is_equiv');
    expect(cases).toHaveLength(16);
    for (const { gold, pred, expected, note } of cases) expect(isEquivalent(gold, pred), note).toBe(expected);
  });

  it('agrees with the original routine on pairs made from benchmark answers', () => {
    const { rows } = JSON.parse(readFileSync('test/fixtures/graders/pairs.json', 'utf8')) as {
      rows: [given: string, truth: string, a: number, b: number, hendrycks: number][];
    };
    const wrong = rows.filter(
      ([given, truth, , , verdict]) => Number(isEquivalent(given, truth)) !== verdict,
    );
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(2_000);
  });

  it('takes the last box of the response, and of the gold where it has one', () => {
    expect(grade({ gold: '5', pred: 'First $\\boxed{4}$, then $\\boxed{5}$.' })).toBe(true);
    expect(grade({ gold: 'So $x=\\boxed{\\frac{1}{2}}$.', pred: '\\boxed{0.5}' })).toBe(true);
    expect(grade({ gold: ['6', '7'], pred: '\\boxed{7}' })).toBe(true);
    expect(grade({ gold: 3, pred: '\\boxed{3}' })).toBe(true);
    expect(grade({ gold: '5', pred: 'The answer is 5.' })).toBe(false);
    expect(grade({ gold: '5', pred: '\\boxed 5' })).toBe(false);
    expect(grade({ gold: '5', pred: '\\boxed{5' })).toBe(false);
  });

  it('compares the texts as they are where the original routine fails', () => {
    expect(isEquivalent('3\\text{ m}\\text{ s}', '3\\text{ m}\\text{ s}')).toBe(true);
    expect(isEquivalent('3\\text{ m}\\text{ s}', '3')).toBe(false);
    expect(isEquivalent('\\sqrt', '\\sqrt ')).toBe(false);
  });
});
