import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { comparePaired, probabilityBetter } from '../statistics/paired.js';
import { seedsNeeded } from '../statistics/power.js';
import { compareOverSeeds } from '../statistics/seeds.js';
import { compareEvaluations, gradersIn } from './compare.js';
import { describeEvaluation } from './evaluate.js';
import type { EvaluationSummary } from './summary.js';
import { describeComparison, verdictOf } from './compareWords.js';

const { path, problems, evaluation } = roteEvaluations();
const data = problems('forty.jsonl', 40);
const single = (right: (i: number) => boolean, count = 40) =>
  Array.from({ length: count }, (_, i) => [right(i)]);
const compare = (before: string | string[], after: string | string[], rest: object = {}) =>
  compareEvaluations({ pairs: [{ before: [before].flat(), after: [after].flat() }], ...rest });
const resultsOf = (rows: readonly (readonly (boolean | number)[])[]) =>
  rows.map((row, i) => ({ id: `p${i}`, correct: row.filter(Boolean).length, samples: row.length }));

describe('two evaluations', () => {
  it('are paired by problem: the exact test, what was gained and lost, and the verdict', async () => {
    // 10 right before; 12 gained and 2 lost.
    const [was, is] = [single((i) => i < 10), single((i) => i >= 2 && i < 22)];
    const found = compare(await evaluation(data, was), await evaluation(data, is));
    const paired = comparePaired(resultsOf(was), resultsOf(is));
    const [row] = found.rows;
    expect(row).toMatchObject({
      ...{ name: 'forty', grader: 'verify', problems: 40, seeds: 1, samples: [1, 1], by: 'problems' },
      ...{ before: 0.25, after: 0.5, gained: 12, lost: 2, finding: 'better' },
      ...{ interval: paired.interval, p_value: paired.pValue, adjusted: paired.pValue },
    });
    expect(row!.difference).toBeCloseTo(0.25, 14);
    // 2 P(Bin(14, ½) ≥ 12) = 2 (91 + 14 + 1) / 2¹⁴.
    expect(row!.p_value).toBeCloseTo(212 / 16384, 12);
    expect(row!.probability_better).toBe(probabilityBetter({ onlyBefore: 2, onlyAfter: 12 }));
    expect(found.flips).toHaveLength(14);
    expect(found.flips[0]).toEqual({
      ...{ row: 'forty', grader: 'verify', change: 'lost', id: 'p0', problem: 'x?', gold: '0' },
      ...{ before: 1, after: 0, answers_before: ['0'], answers_after: ['-1'] },
    });
    expect(found.flips.filter(({ change }) => change === 'gained').map(({ id }) => id)).toEqual(
      Array.from({ length: 12 }, (_, i) => `p${i + 10}`),
    );
    expect(verdictOf(found)).toMatch(
      /^B is better than A: \+25\.0 points, 95 % interval \+\d+\.\d to \+\d+\.\d, p = \.013\.$/,
    );
    expect(describeComparison(found).split('\n').at(-1)).toBe(verdictOf(found));
    expect(compare(await evaluation(data, is), await evaluation(data, was)).finding).toBe('worse');
  });

  it('claim no interval where problems all differ alike', async () => {
    const few = problems('two-of-them.jsonl', 2);
    const many = problems('twelve-of-them.jsonl', 12);
    const verdict = async (file: string, count: number) => {
      const found = compare(
        await evaluation(
          file,
          single(() => false, count),
        ),
        await evaluation(
          file,
          single(() => true, count),
        ),
      );
      expect(describeComparison(found)).not.toMatch(/\+100\.0 to \+100\.0, p|from 0\.0 points/);
      return verdictOf(found);
    };
    // 2 · ½², and 2 · ½¹².
    expect(await verdict(few, 2)).toBe(
      'Cannot tell whether B differs from A: +100.0 points on every problem, p = .500.',
    );
    expect(await verdict(many, 12)).toBe('B is better than A: +100.0 points on every problem, p < .001.');
  });

  it('say what they see, and what it takes to see a point', async () => {
    const [was, is] = [single((i) => i < 10), single((i) => i >= 1 && i < 12)];
    const found = compare(await evaluation(data, was), await evaluation(data, is));
    const [row] = found.rows;
    expect(found.finding).toBe('unclear');
    const { standardError } = comparePaired(resultsOf(was), resultsOf(is));
    const errors = 1.959963984540054 + 0.8416212335729143;
    expect(row!.detectable_effect).toBeCloseTo(errors * standardError, 12);
    expect(row!.needed).toEqual({
      ...{ effect: 0.01, samples: null },
      problems: Math.ceil((errors / 0.01) ** 2 * standardError ** 2 * 40),
    });
    expect(verdictOf(found)).toMatch(
      /^Cannot tell whether B differs from A: \+2\.5 points, .*; this run sees differences from 12\.2 points\.$/,
    );
    expect(describeComparison(found)).toContain(
      `to see 1.0 takes ${row!.needed.problems} problems sampled as here.`,
    );
  });

  it('with several samples say how many of them would be enough', async () => {
    const rows = (shift: number) =>
      Array.from({ length: 40 }, (_, i) => [0, 1, 2, 3].map((k) => (i * 7 + k * 3 + shift) % 10 < 5));
    const found = compare(await evaluation(data, rows(0)), await evaluation(data, rows(3)));
    const [row] = found.rows;
    expect(row!.samples).toEqual([4, 4]);
    expect(row).not.toHaveProperty('probability_better');
    expect(row!.needed.samples).toBeGreaterThan(4);
    expect(describeComparison(found)).toContain(`, or ${row!.needed.samples} samples of each of these.`);
  });

  it('are clustered where problems are the same but for numbers', async () => {
    const templates = problems(
      'templates.jsonl',
      40,
      (i) => `${'y'.repeat((i % 20) + 1)} has ${i}, ${3 * i}.5?`,
    );
    const [was, is] = [single((i) => i % 20 < 4), single((i) => i % 20 < 10)];
    const found = compare(await evaluation(templates, was), await evaluation(templates, is));
    const clusters = new Map(Array.from({ length: 40 }, (_, i) => [`p${i}`, `${i % 20}`]));
    const paired = comparePaired(resultsOf(was), resultsOf(is), { clusters });
    expect(found.rows[0]).toMatchObject({
      ...{ clusters: 20, by: 'clusters', interval: paired.interval, p_value: paired.pValue },
      intervals: { problems: comparePaired(resultsOf(was), resultsOf(is)).interval },
    });
    expect(paired.pValue).toBeCloseTo(2 / 2 ** 6, 12); // six clusters, all gained
    const errors = 1.959963984540054 + 0.8416212335729143;
    expect(found.rows[0]!.needed.problems).toBe(
      Math.ceil((errors / 0.01) ** 2 * paired.standardError ** 2 * 40),
    );
    expect(describeComparison(found)).toContain(
      'errors are those of 20 clusters of the 40 problems, in each of which they are the same but for numbers.',
    );
  });

  it('over several seeds are of two levels; a single one stands beside every seed', async () => {
    const was = single((i) => i < 10);
    const seeds = [14, 26, 17].map((right) => single((i) => i < right));
    const before = await evaluation(data, was);
    const after = await Promise.all(seeds.map((rows) => evaluation(data, rows)));
    const found = compare(before, after);
    const expected = compareOverSeeds(
      seeds.map(() => resultsOf(was)),
      seeds.map(resultsOf),
    );
    expect(expected.by).toBe('seeds');
    expect(found.rows[0]).toMatchObject({
      ...{ seeds: 3, samples: [1, 3], by: 'seeds', interval: expected.interval, p_value: expected.pValue },
      ...{ finding: 'unclear' },
    });
    expect(found.rows[0]!.intervals.seeds![0]).toBeCloseTo(expected.interval[0], 12);
    expect(found.rows[0]!.detectable_effect).toBeCloseTo(
      // Quantiles of Student's t with two degrees of freedom.
      ((4.302652729696144 + 1.060660171779821) * expected.seedDeviation) / Math.sqrt(3),
      9,
    );
    const { needed } = found.rows[0]!;
    expect(needed.seeds).toBe(seedsNeeded(expected.seedDeviation, { effect: 0.01, alpha: 0.05, power: 0.8 }));
    expect(describeComparison(found)).toContain(
      `to see 1.0 takes ${needed.seeds!} seeds that differ as these do.`,
    );
    expect(() => compare([before, before], after)).toThrow('2 evaluations cannot be paired with 3');
    const [first] = after;
    expect(() => compare(before, [first!, `${first!}/`])).toThrow(`${first!}/ is named twice on one side`);
    const { flips } = found;
    const lost = flips.find(({ change, id }) => change === 'gained' && id === 'p15')!;
    expect([lost.answers_before, lost.answers_after]).toEqual([['-1'], ['-1', '15', '15']]);
  });

  it('in many rows are adjusted by Holm, and said in one sentence', async () => {
    const before = await evaluation(
      data,
      single((i) => i < 10),
      { grader: ['verify', 'hendrycks'] },
    );
    const better = await evaluation(
      data,
      single((i) => i < 16),
      { grader: ['verify', 'hendrycks'] },
    );
    const worse = await evaluation(
      data,
      single(() => false),
      { grader: ['verify', 'hendrycks'] },
    );
    // Six gained: 2 / 2⁶ = .031 alone, .0625 with another row beside it.
    expect(compare(before, better).finding).toBe('better');
    const two = compare(before, better, { graders: ['verify', 'hendrycks'] });
    expect(two.rows.map(({ grader, adjusted }) => [grader, adjusted])).toEqual([
      ['verify', expect.closeTo(0.0625, 12)],
      ['hendrycks', expect.closeTo(0.0625, 12)],
    ]);
    expect(verdictOf(two)).toBe('Cannot tell whether B differs from A on any of 2 rows.');
    const several = (...after: string[]) =>
      verdictOf(compareEvaluations({ pairs: after.map((one) => ({ before: [before], after: [one] })) }));
    const same = await evaluation(
      data,
      single((i) => i < 10),
    );
    expect(several(worse, same)).toBe(
      `B is worse than A on 1 of 2 rows (forty (${worse}) by verify), and better on none.`,
    );
    expect(several(same, better, better, better)).toBe(
      'Cannot tell whether B differs from A on any of 4 rows.',
    );
    expect(verdictOf(compare(before, same))).toBe(
      'Cannot tell whether B differs from A: they are equal on every problem.',
    );
    expect(describeComparison(compare(before, same))).not.toContain('sees differences');
  });

  it('that are better here and worse there are not called either', async () => {
    const before = await evaluation(
      data,
      single((i) => i < 20),
    );
    const [up, down] = [
      await evaluation(
        data,
        single(() => true),
      ),
      await evaluation(
        data,
        single(() => false),
      ),
    ];
    const found = compareEvaluations({
      pairs: [up, down].map((after) => ({ before: [before], after: [after] })),
    });
    expect(found.finding).toBe('unclear');
    expect(verdictOf(found)).toBe(
      `Cannot tell whether B is better than A: it is on forty (${up}) by verify, and worse on forty (${down}) by verify.`,
    );
  });

  it.each([1, 2, 7])('of %i problems never say a number that there is not', async (count) => {
    const patterns = [() => true, () => false, (i: number) => i % 2 === 0, (i: number) => i === 0];
    for (const kinds of new Set([1, 2, Math.ceil(count / 2), count])) {
      const file = problems(
        `${count}-${kinds}.jsonl`,
        count,
        (i) => `${'k'.repeat((i % kinds) + 1)} plus ${i}?`,
      );
      const dirs = await Promise.all(
        patterns.flatMap((right) =>
          [1, 2].map((samples) =>
            evaluation(
              file,
              Array.from({ length: count }, (_, i) =>
                Array.from({ length: samples }, (_, k) => right(i + k)),
              ),
            ),
          ),
        ),
      );
      for (const before of dirs) {
        const summary = readFileSync(join(before, 'summary.json'), 'utf8');
        expect(describeEvaluation(JSON.parse(summary) as EvaluationSummary)).not.toMatch(/NaN|Infinity|null/);
        for (const after of dirs)
          for (const side of new Set([[after], [...new Set([after, dirs[0]!])]])) {
            const found = compare(before, side);
            const text = describeComparison(found);
            expect(text).not.toMatch(/NaN|Infinity|undefined/);
            expect(text.includes('single problem')).toBe(count === 1);
            expect(found.rows[0]!.interval.every(Number.isFinite)).toBe(count > 1);
          }
      }
    }
  });

  it('of one kind of problems are told apart by problems, and say what that is true of', async () => {
    const sums = problems('sums.jsonl', 200, (i) => `What is ${i} + ${2 * i}?`);
    const [was, is] = [single((i) => i % 6 === 0, 200), single((i) => i % 6 < 4, 200)];
    const found = compare(await evaluation(sums, was), await evaluation(sums, is));
    expect(found.finding).toBe('better');
    expect(found.rows[0]).toMatchObject({
      ...{ kinds: 1, by: 'problems', interval: comparePaired(resultsOf(was), resultsOf(is)).interval },
    });
    expect(found.rows[0]).not.toHaveProperty('clusters');
    expect(describeComparison(found)).toContain(
      'the 200 problems are of 1 kind, in each of which they are the same but for numbers, too few to be a sample of kinds: errors are those of further problems of this kind.',
    );
  });

  it('of one problem say that nothing can be known', async () => {
    const one = problems('one.jsonl', 1);
    const found = compare(await evaluation(one, [[false]]), await evaluation(one, [[true]]));
    expect(found.finding).toBe('unclear');
    expect(verdictOf(found)).toBe('Cannot tell whether B differs from A: there is a single problem.');
    expect(describeComparison(found)).not.toContain('NaN');
  });
});

describe('benchmarks', () => {
  const benchmark = async (name: string, shares: Record<string, [right: number, grader: string]>) => {
    for (const [task, [right, grader]] of Object.entries(shares)) {
      const found = await evaluation(
        data,
        single((i) => i < right),
        { grader: [grader] },
      );
      mkdirSync(path(`${name}/tasks`), { recursive: true });
      renameSync(found, path(`${name}/tasks/${task}`));
    }
    const record = { made_by: 'redistill', command: 'benchmark', tasks: Object.keys(shares) };
    writeFileSync(path(`${name}/redistill.json`), JSON.stringify(record));
    return path(name);
  };

  it('are compared task by task, each by its own first grader', async () => {
    const before = await benchmark('low', { one: [10, 'verify'], two: [5, 'hendrycks'] });
    const after = await benchmark('high', { two: [30, 'hendrycks'], one: [12, 'verify'] });
    const found = compare(before, after);
    expect(found.rows.map(({ name, grader, finding }) => [name, grader, finding])).toEqual([
      ['one', 'verify', 'unclear'],
      ['two', 'hendrycks', 'better'],
    ]);
    const by = (dir: string, task: string) => ({
      before: [join(before, 'tasks', task)],
      after: [join(dir, 'tasks', task)],
    });
    const byFolders = compareEvaluations({ pairs: [by(after, 'one'), by(after, 'two')] });
    expect(byFolders.rows.map(({ interval, adjusted }) => [interval, adjusted])).toEqual(
      found.rows.map(({ interval, adjusted }) => [interval, adjusted]),
    );
    const third = await benchmark('third', { one: [20, 'verify'], two: [20, 'hendrycks'] });
    expect(compare(before, [after, third]).rows.map(({ seeds }) => seeds)).toEqual([2, 2]);
  });

  it('of other tasks, and with what is none, are refused', async () => {
    const [both, one] = [
      await benchmark('both', { one: [10, 'verify'], two: [5, 'verify'] }),
      await benchmark('single', { one: [10, 'verify'] }),
    ];
    for (const sides of [
      [both, one],
      [one, both],
    ] as const)
      expect(() => compare(...sides)).toThrow(`The task "two" is in ${both} but not in ${one}`);
    const plain = join(one, 'tasks', 'one');
    expect(() => compare(plain, both)).toThrow(`${both} is a benchmark and ${plain} is none`);
  });
});

it('names of graders are taken once, with or without blanks', () => {
  expect(gradersIn('verify, rllm,verify')).toEqual(['verify', 'rllm']);
  expect(gradersIn(undefined)).toBeUndefined();
});
