import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grade, matchesAsString, matchesSymbolically } from './rllm.js';

/** Given, truth, string match, symbolic match: computed with the original routines. */
const VECTORS: [given: string, truth: string, string: boolean, symbolic: boolean][] = [
  ['\\frac12', '0.5', true, true],
  ['\\frac{1}{2}', '0.5', true, true],
  ['25', '025', false, true],
  ['142', '142.0', false, true],
  ['x=5', '5', true, false],
  ['2/4', '1/2', false, false],
  ['\\dfrac{2}{4}', '\\frac{1}{2}', false, false],
  ['1.5', '\\frac{3}{2}', false, true],
  ['3 1/2', '7/2', false, true],
  ['1,000', '1000', false, true],
  ['1e3', '1000', false, true],
  ['2^{10}', '1024', false, false],
  ['3\\sqrt{13}', '\\sqrt{117}', false, true],
  ['\\frac{\\pi}{4}', '0.25\\pi', false, true],
  ['x+y', 'y+x', false, true],
  ['a+b+c', 'c+b+a', false, false],
  ['\\frac{n(n+1)}{2}', '\\frac{n^2+n}{2}', false, false],
  ['\\frac{x+1}{2}', '(x+1)/2', false, false],
  ['x+\\frac{1}{2}', '\\frac{x+1}{2}', false, true],
  ['\\sqrt{2}', '\\sqrt[3]{2}', false, true],
  ['1,3,5', '5,3,1', false, false],
  ['(1,3)', '(3,1)', false, false],
  ['[1,2]', '(1,2)', false, false],
  ['3', '(3)', false, true],
  ['12 meters', '12', false, true],
  ['Monday', 'mon', false, true],
  ['7\\times10^{37}', '7 \\times 10^{37}\n', true, true],
  ['90^\\circ', '90', true, true],
  ['1 000', '1000', true, false],
  ['1\\,000', '1000', false, false],
];

const answered = (answer: string) => `<think>\\boxed{0} and so on</think>\nIt is $\\boxed{${answer}}$.`;

/** The work is in regular expressions, whose steps cannot be counted: a bound on time that only a hang exceeds. */
const HANG_MS = 30_000;

describe("rllm's grader", () => {
  it.each(VECTORS)('%j against %j', (given, truth, string, symbolic) => {
    expect(matchesAsString(given, truth)).toBe(string);
    expect(matchesSymbolically(given, truth)).toBe(symbolic);
    expect(grade({ gold: truth, pred: answered(given) })).toBe(string || symbolic);
  });

  it('agrees with the original routines on pairs made from benchmark answers', () => {
    const { rows } = JSON.parse(readFileSync('test/fixtures/graders/pairs.json', 'utf8')) as {
      rows: [given: string, truth: string, string: number, symbolic: number, hendrycks: number][];
    };
    const wrong = rows.filter(
      ([given, truth, string, symbolic]) =>
        Number(matchesAsString(given, truth)) !== string ||
        Number(matchesSymbolically(given, truth)) !== symbolic,
    );
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(2_000);
  });

  it('reads what stands between the first and the second </think>, in the last box', () => {
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{5}' })).toBe(true);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{4} or \\boxed{5}' })).toBe(true);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{\\frac{10}{2}}' })).toBe(false);
    expect(grade({ gold: '\\frac{1}{2}', pred: 'x</think>\\boxed{\\frac{1}{2}}' })).toBe(true);
    expect(grade({ gold: '5', pred: '\\boxed{5}' })).toBe(false);
    expect(grade({ gold: '5', pred: '\\boxed{5}</think>' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>y</think>\\boxed{5}' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{5}</think>\\boxed{6}' })).toBe(true);
    expect(grade({ gold: '5', pred: 'x</think>The answer is 5.' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed 5' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{5' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>\\fbox{5}' })).toBe(false);
    expect(grade({ gold: '5', pred: 'x</think>\\boxed{}' })).toBe(false);
  });

  it('takes any of several truths, boxed ones and numbers', () => {
    expect(grade({ gold: ['4', '5'], pred: 'x</think>\\boxed{5}' })).toBe(true);
    expect(grade({ gold: 'So \\boxed{5}.', pred: 'x</think>\\boxed{5}' })).toBe(true);
    expect(grade({ gold: 'So \\boxed{5', pred: 'x</think>\\boxed{5}' })).toBe(false);
    expect(grade({ gold: 142, pred: 'x</think>\\boxed{142}' })).toBe(true);
    expect(grade({ gold: 0.5, pred: 'x</think>\\boxed{\\frac12}' })).toBe(true);
    expect(grade({ gold: [], pred: 'x</think>\\boxed{5}' })).toBe(false);
  });

  it('makes an exact integer of a float: 4.5e33 is not 4.5 times 10^33', () => {
    expect(grade({ gold: '4.5e33', pred: answered('4500000000000000043318915593404416') })).toBe(true);
    expect(grade({ gold: '4.5e33', pred: answered('4.5\\times10^{33}') })).toBe(false);
  });

  const BENCHMARKS = '../shared/data/benchmarks';
  const hasBenchmarks = existsSync(`${BENCHMARKS}/math.json`);
  if (!hasBenchmarks) console.warn(`skipped: the benchmarks against themselves (${BENCHMARKS} is missing)`);

  it.skipIf(!hasBenchmarks).each([
    ['aime', 30],
    ['amc', 83],
    ['math', 500],
    ['minerva', 272],
    ['olympiad_bench', 675],
  ])('finds every first truth of %s right', (name, count) => {
    const rows = JSON.parse(readFileSync(`${BENCHMARKS}/${name}.json`, 'utf8')) as {
      answer: string | number | (string | number)[];
    }[];
    const wrong = rows.filter(({ answer }) => {
      const first = String(typeof answer === 'object' ? answer[0] : answer).trim();
      const own = /^\$[^$]*\$$/.test(first) ? first.slice(1, -1) : first;
      return !grade({ gold: answer, pred: answered(own) });
    });
    expect(wrong).toEqual([]);
    expect(rows).toHaveLength(count);
  });

  const CASES = '../shared/data/answer-cases/cases.jsonl';
  if (!existsSync(CASES)) console.warn(`skipped: the published cases of rllm (${CASES} is missing)`);

  it.skipIf(!existsSync(CASES))("passes rllm's own published cases", () => {
    const cases = readFileSync(CASES, 'utf8')
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as Record<'suite' | 'gold' | 'pred' | 'note', string> & { expected: boolean },
      )
      .filter(({ suite }) => suite === 'rllm/math_reward');
    expect(cases).toHaveLength(14);
    for (const { gold, pred, expected, note } of cases)
      expect(grade({ gold, pred }), `${pred} ${note}`).toBe(expected);
  });

  it.each([
    ['digits', '9'.repeat(100_000)],
    ['braces', `${'{'.repeat(50_000)}5${'}'.repeat(50_000)}`],
    ['fractions', '\\frac{1}{'.repeat(1_000) + '2' + '}'.repeat(1_000)],
    ['roots', '\\sqrt'.repeat(15_000)],
    ['commas', '1,111'.repeat(1_900)],
    ['spaces', `1${' '.repeat(9_000)}x`],
    ['carets', '^ '.repeat(4_900)],
    ['units', 'centimeter^1'.repeat(800)],
    ['a tower', '9^9^9^9^9'],
    ['text', `\\text{${'\\text{ a}'.repeat(1_000)}}`],
    ['matrix', `\\begin{pmatrix}${'1 & 2 \\\\'.repeat(1_000)}\\end{pmatrix}`],
  ])(
    'does not hang on long or deep %s',
    (_, answer) => {
      expect(grade({ gold: '\\frac{7}{3}', pred: answered(answer) })).toBe(false);
    },
    HANG_MS,
  );
});
