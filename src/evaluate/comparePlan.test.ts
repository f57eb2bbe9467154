import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { compareEvaluations } from './compare.js';
import { describeComparison, verdictOf } from './compareWords.js';
import type { FrozenPlan } from './plan.js';

const { problems, evaluation } = roteEvaluations();
const data = problems('forty.jsonl', 40);
const single = (right: (i: number) => boolean, count = 40) =>
  Array.from({ length: count }, (_, i) => [right(i)]);
const compare = (before: string | string[], after: string | string[], rest: object = {}) =>
  compareEvaluations({ pairs: [{ before: [before].flat(), after: [after].flat() }], ...rest });

describe('a plan', () => {
  const planned = (record: Partial<FrozenPlan>, dir: string): FrozenPlan => {
    const { evaluation: found } = JSON.parse(readFileSync(join(dir, 'summary.json'), 'utf8')) as {
      evaluation: { data: FrozenPlan['data'] };
    };
    return {
      ...{ plan: 'redistill comparison', version: '0', data: found.data, problems: 40, samples: 1, seeds: 1 },
      ...{ effect: 0.1, alpha: 0.05, power: 0.8, variance: { between: 0.1, within: [0, 0], seed: 0 } },
      ...record,
    };
  };

  /** Seven problems of forty that were wrong before are right. */
  const sevenGained = () =>
    Promise.all([
      evaluation(
        data,
        single((i) => i < 10),
      ),
      evaluation(
        data,
        single((i) => i < 17),
      ),
    ]);

  it('that is kept leaves the comparison as it is', async () => {
    const [before, after] = await sevenGained();
    const free = compare(before, after);
    const found = compare(before, after, { plan: planned({ skip: 0 }, before) });
    expect(found.departures).toEqual([]);
    expect(found.rows[0]).toMatchObject({ ...free.rows[0], needed: { effect: 0.1 } });
    expect(describeComparison(found)).toContain('The evaluations are as planned.');
    // p = 2 / 2⁷ is enough at 5 %, not at 1 %.
    expect(found.finding).toBe('better');
    const strict = compare(before, after, { plan: planned({ alpha: 0.01 }, before) });
    expect(strict.finding).toBe('unclear');
    expect(strict.rows[0]!.interval[0]).toBeLessThan(found.rows[0]!.interval[0]);
  });

  it('that is looked at early, or went on, is compared by always-valid numbers', async () => {
    const [before, after] = await sevenGained();
    for (const [departure, sentence] of [
      [{ problems: 300 }, '40 problems instead of the 300 planned'],
      [{ problems: 20 }, '40 problems instead of the 20 planned'],
      [{ samples: 4 }, '1 sample of a problem instead of the 4 planned'],
      [{ seeds: 3 }, '1 seed instead of the 3 planned'],
      [
        { skip: 20 },
        'other problems of the file (in order, skip 0) than the ones planned (in order, skip 20)',
      ],
      [
        { skip: 0, shuffle: 3 },
        'other problems of the file (in order, skip 0) than the ones planned (shuffle 3, skip 0)',
      ],
    ] as const) {
      const found = compare(before, after, { plan: planned(departure, before) });
      expect(found.departures).toEqual([sentence]);
      const [row] = found.rows;
      expect(row!.by).toBe('always-valid');
      // Seven gained of 40: enough for who planned it, not for who may look again.
      expect(found.finding).toBe('unclear');
      expect(row!.interval[0]).toBeLessThan(0);
      expect(row!.p_value).toBeGreaterThan(0.05);
      expect(verdictOf(found)).toContain('always-valid 95 % interval');
      expect(describeComparison(found)).toContain(
        `Not as planned (${sentence}): intervals and p-values are always-valid`,
      );
    }
    const all = await evaluation(
      data,
      single(() => true),
    );
    expect(compare(before, all, { plan: planned({ problems: 300 }, before) }).finding).toBe('better');
  });

  it('is of its own data and grader', async () => {
    const [before, after] = await sevenGained();
    const foreign = planned({ data: { file: 'other.jsonl', rows: 40, sha256: 'f'.repeat(64) } }, before);
    expect(() => compare(before, after, { plan: foreign })).toThrow(
      'the plan of other.jsonl with ffffffffffff…',
    );
    const plan = planned({ grader: 'hendrycks' }, before);
    expect(() => compare(before, after, { plan, graders: ['verify'] })).toThrow(
      'The plan is for the grader "hendrycks", not for "verify".',
    );
    expect(() => compare(before, after, { plan })).toThrow('was not graded by "hendrycks"');
  });
});
