import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { majorityAtK, passAtK, type AnsweredProblem } from '../statistics/estimators.js';
import { clusteredError, runsError } from '../statistics/intervals.js';
import { describeEstimates, estimatesOf } from './estimates.js';
import { describeEvaluation } from './evaluate.js';
import { clustersOf } from './similar.js';
import type { EvaluationSummary } from './summary.js';

const { problems, evaluation } = roteEvaluations();

const close = (value: number) => expect.closeTo(value, 12) as number;

const answered = (rows: readonly (readonly (string | null)[])[], gold = '7'): AnsweredProblem[] =>
  rows.map((answers, i) => ({ id: `p${i}`, answers, right: answers.map((answer) => answer === gold) }));
const resultsOf = (rows: readonly AnsweredProblem[]) =>
  rows.map(({ id, right }) => ({ id, correct: right.filter(Boolean).length, samples: right.length }));

describe('clustersOf', () => {
  const texts = (...list: string[]) => clustersOf(new Map(list.map((text, i) => [String(i), text])));

  it('puts problems together that are the same but for numbers, case and white space', () => {
    const found = texts(
      'Tom has 3 apples.',
      'tom has  1,250.5 apples.',
      'Tom has 3 pears.',
      'Tom has 3 apples!',
      ...['One?', 'Two?', 'Three?'],
    ).clusters!;
    expect(found.get('0')).toBe(found.get('1'));
    expect(new Set(found.values()).size).toBe(6);
  });

  it('is nothing where every problem is alone', () => {
    expect(texts('one', 'two', 'x = 1', 'y = 1')).toEqual({});
  });

  it('are no clusters where they are too few for any p-value below 5 %', () => {
    const list = (kinds: number) =>
      texts(...Array.from({ length: 200 }, (_, i) => `${'x'.repeat((i % kinds) + 1)} + ${i}`));
    for (const kinds of [1, 2, 5]) expect(list(kinds)).toEqual({ kinds });
    expect(new Set(list(6).clusters!.values()).size).toBe(6);
  });
});

describe('estimatesOf', () => {
  const rows = answered([
    ['7', '1/2', '0.5', '7'],
    ['7', '7', null, '7'],
    ['\\frac{1}{2}', '0.5', '7', '3'],
  ]);

  it('gives every error by name, and what k samples come to', () => {
    const clusters = new Map([
      ['p0', 'a'],
      ['p1', 'a'],
      ['p2', 'b'],
    ]);
    const found = estimatesOf(resultsOf(rows), rows, { clusters });
    const rates = [0.5, 0.75, 0.25];
    expect(found.standard_errors).toEqual({
      problems: close(0.25 / Math.sqrt(3)),
      clustered: clusteredError(rates, ['a', 'a', 'b']).standardError,
      clusters: 2,
      runs: runsError(
        rows.map(({ right }) => right.map(Number)),
        1,
      ),
    });
    expect(Object.keys(found.pass_at!)).toEqual(['2', '4']);
    expect(found.pass_at!['2']!.mean).toBe(passAtK(resultsOf(rows), 2).mean);
    // Of four samples 2, 3 and 1 are right: at least 2, 3 and 4 of 4 are in 2/3, 1/3 and none of the problems.
    expect(found.g_pass_at!['4']).toEqual({
      ...{ 0.5: close(2 / 3), 0.75: close(1 / 3), 1: 0 },
      mean: close((2 / 4) * (1 / 3)),
    });
    // ½ and 0.5 are one answer by the verifier: it ties with 7 in the first problem and wins in the last.
    expect(found.majority_at!['4']).toMatchObject({
      mean: close((1 / 2 + 1 + 0) / 3),
      monte_carlo_error: 0,
    });
    expect(majorityAtK(rows, 4).mean).toBeCloseTo((1 + 1 + 1 / 4) / 3, 12); // by the text
    expect(describeEstimates('verify', found)).toEqual([
      expect.stringMatching(
        /^verify: ± 14\.4 % over problems, ± 16\.7 % over 2 clusters of problems that are the same but for numbers, ± 9\.6 % over samples of these problems, Wilson's 95 % interval /,
      ),
      'verify: pass@2 77.8 %, pass@4 100.0 %; G-Pass@4 66.7 % (0.5), 33.3 % (0.75), 0.0 % (1); majority@4 50.0 %',
    ]);
  });

  it('says nothing of several samples where there is one, nor of runs where numbers differ', () => {
    const singles = answered([['7'], ['1'], ['7']]);
    const found = estimatesOf(resultsOf(singles), singles, {});
    expect(Object.keys(found)).toEqual(['standard_errors', 'intervals']);
    expect(Object.keys(found.standard_errors)).toEqual(['problems']);
    expect(describeEstimates('verify', found)).toEqual([]);
    const uneven = answered([
      ['7', '1'],
      ['7', '7', '1'],
    ]);
    expect(estimatesOf(resultsOf(uneven), uneven, {}).standard_errors).not.toHaveProperty('runs');
    expect(Object.keys(estimatesOf(resultsOf(uneven), uneven, {}).pass_at!)).toEqual(['2']);
  });

  it('says no error of 0 where all samples are alike', () => {
    const alike = answered([
      ['1', '1'],
      ['1', '1'],
    ]);
    const said = describeEstimates('verify', estimatesOf(resultsOf(alike), alike, {})).join('\n');
    expect(said).toMatch(/^verify: Wilson's 95 % interval /);
    expect(said).not.toContain('±');
  });

  it('has no majority by a grader that tells no answers, and no error of a single problem', () => {
    const silent = [{ id: 'a', answers: [null, null], right: [true, false] }];
    const found = estimatesOf(resultsOf(silent), silent, {});
    expect(found).not.toHaveProperty('majority_at');
    expect(found.standard_errors.problems).toBeNull();
    expect(found.pass_at!['2']!.standard_error).toBeNull();
    expect(describeEstimates('mine', found)[0]).toBe(
      "mine: ± 50.0 % over samples of these problems, Wilson's 95 % interval 5.5 % to 94.5 %",
    );
    expect(describeEstimates('mine', found).join('\n')).not.toMatch(/NaN|null|majority/);
  });
});

it("stands in an evaluation's summary, and in what is said of it", async () => {
  const data = problems('two.jsonl', 3, (i) => `${i === 2 ? 'b' : 'a'} ${i}`);
  const dir = await evaluation(data, [
    [true, true, false],
    [true, false, false],
    [false, true, true],
  ]);
  const summary = JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')) as EvaluationSummary;
  expect(summary.estimates!.verify!.standard_errors).toMatchObject({ kinds: 2 });
  expect(summary.estimates!.verify!.majority_at!['3']!.mean).toBeCloseTo(2 / 3, 12);
  const lines = describeEvaluation(summary).split('\n');
  expect(lines[0]).toMatch(/^verify: pass@1 55\.6 %/);
  expect(lines.slice(2)).toEqual(describeEstimates('verify', summary.estimates!.verify!));
});
