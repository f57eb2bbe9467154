import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { pairedVariance } from '../statistics/paired.js';
import { compareOverSeeds } from '../statistics/seeds.js';
import { UserError } from '../util/errors.js';
import { describePlan, makePlan, planSettings, readPlan, writePlan } from './plan.js';

const { path, problems, evaluation } = roteEvaluations();
const data = problems('large.jsonl', 5000, (i) => `number ${i}`);
const plan = (keys: object) => makePlan(planSettings.parse({ data, ...keys }));
/** (z at 97.5 % + z at 80 %)². */
const SQUARE = 2.8015852181129683 ** 2;

describe('makePlan', () => {
  it("is Miller's formula, rounded up", async () => {
    const found = await plan({ effect: 3, between: 1 / 9, within: 1 / 6 });
    // (ω² + 2σ²) (z + z)² / δ² = 3875.99; field tables say 3,876.
    expect(found).toMatchObject({
      ...{
        plan: 'redistill comparison',
        problems: 3876,
        samples: 1,
        seeds: 1,
        effect: 0.03,
        alpha: 0.05,
        power: 0.8,
      },
      ...{ data: { file: data, rows: 5000 }, variance: { between: 1 / 9, within: [1 / 6, 1 / 6], seed: 0 } },
    });
    expect(found.data.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect((await plan({ effect: 3, between: 1 / 9, within: 1 / 6, samples: 4 })).problems).toBe(1696);
    const strict = await plan({ effect: 5, between: 0.1, within: 0.1, alpha: 0.01, power: 0.9 });
    expect(strict.problems).toBe(Math.ceil((0.3 * (2.5758293035489 + 1.2815515655446) ** 2) / 0.05 ** 2));
  });

  it('says which of the problems, and counts those that are left out as gone', async () => {
    const given = { effect: 3, between: 1 / 9, within: 1 / 6 };
    expect(await plan({ ...given, skip: 1000, shuffle: 7 })).toMatchObject({
      ...{ skip: 1000, shuffle: 7, problems: 3876, samples: 1, data: { rows: 5000 } },
    });
    // A thousand and one left out are one too many for a sample of each.
    const { problems: fewer, samples } = await plan({ ...given, skip: 1125 });
    expect([samples, fewer <= 3875]).toEqual([2, true]);
    await expect(plan({ ...given, skip: 4995 })).rejects.toThrow(
      'has, after 4995 problems that are left out, 5 problems, and with fewer than 6 nothing can be told',
    );
    expect(describePlan(await plan({ ...given, skip: 1000, shuffle: 7 }))).toContain(
      'Evaluate both with --shuffle 7 --skip 1000 --count 3876,',
    );
  });

  it('takes the fewest samples with which the problems are enough', async () => {
    const small = problems('small.jsonl', 1500, (i) => `number ${i}`);
    const found = await plan({ data: small, effect: 3, between: 1 / 9, within: 1 / 6 });
    const needed = (samples: number) => ((1 / 9 + 1 / 3 / samples) * SQUARE) / 0.03 ** 2;
    expect([needed(found.samples) <= 1500, needed(found.samples - 1) <= 1500]).toEqual([true, false]);
    expect(found.problems).toBe(Math.ceil(needed(found.samples)));
    await expect(plan({ data: small, effect: 1, between: 1 / 9, within: 1 / 6 })).rejects.toThrow(
      `${small} has 1500 problems: with any number of samples and 1 seed they show differences from 2.4 points, not 1; take more problems or a larger effect.`,
    );
    await expect(plan({ data: small, effect: 3, between: 1 / 9, within: 1 / 6, samples: 2 })).rejects.toThrow(
      'with 2 samples of each and 1 seed they show differences from 3.8 points',
    );
  });

  it('takes seeds for a level of their own', async () => {
    const given = { effect: 3, between: 0.05, within: 0.1, seed_deviation: 1 };
    // Of twenty seeds the problems decide, of four Student's t of the seeds' differences (quantiles of 3 degrees of freedom).
    const found = await plan({ ...given, seeds: 20 });
    const left = 0.03 ** 2 / SQUARE - 0.01 ** 2 / 20;
    expect(found.problems).toBe(Math.ceil((0.05 + 0.2 / 20) / left));
    expect(found.variance.seed).toBeCloseTo(0.0001, 12);
    const four = await plan({ ...given, seeds: 4 });
    const t = 3.182446305284263 + 0.978472312363299;
    expect(four.problems).toBe(Math.ceil(0.2 / (4 * (0.03 / t) ** 2 - 0.01 ** 2)));
    expect(four.problems).toBeGreaterThan((0.05 + 0.2 / 4) / (0.03 ** 2 / SQUARE - 0.01 ** 2 / 4));
    // Three seeds that vary by a point show no difference of three, whatever the problems: 5.36 of their errors.
    await expect(plan({ ...given, seeds: 3 })).rejects.toThrow(
      'with any number of samples and 3 seeds they show differences from 3.1 points, not 3; take more problems, more seeds or a larger effect.',
    );
  });

  it('takes variances from earlier evaluations', async () => {
    const pilot = problems('pilot.jsonl', 30);
    const rows = (shift: number) =>
      Array.from({ length: 30 }, (_, i) => [0, 1, 2].map((k) => (i * 7 + k * 5 + shift) % 11 < 5));
    const [a, b] = [rows(0), rows(4)];
    const resultsOf = (one: boolean[][]) =>
      one.map((row, i) => ({ id: `p${i}`, correct: row.filter(Boolean).length, samples: 3 }));
    const [before, after] = [await evaluation(pilot, a), await evaluation(pilot, b)];
    const found = await plan({ effect: 10, before, after });
    const { between, within } = pairedVariance(resultsOf(a), resultsOf(b));
    expect(found.variance).toEqual({ between: Math.max(0, between), within, seed: 0 });
    await expect(plan({ effect: 10, before, after, grader: 'rllm' })).rejects.toThrow(
      'was not graded by "rllm"',
    );

    // Several seeds: what their differences vary by beyond other samples of the same problems.
    const c = rows(9);
    const third = await evaluation(pilot, c);
    const seeded = await plan({
      effect: 20,
      before: [before, before].join(','),
      after: [after, third].join(','),
    });
    const { seedDeviation } = compareOverSeeds([resultsOf(a), resultsOf(a)], [resultsOf(b), resultsOf(c)]);
    const [noiseA, noiseB] = seeded.variance.within;
    expect(seeded.variance.seed).toBeCloseTo(
      Math.max(0, seedDeviation ** 2 - (noiseA + noiseB) / 3 / 30),
      12,
    );

    const single = (shift: number) => rows(shift).map(([first]) => [first!]);
    const ones = { before: await evaluation(pilot, single(0)), after: await evaluation(pilot, single(4)) };
    const unsplit = await plan({ effect: 10, ...ones });
    expect(unsplit.variance.within).toEqual([0, 0]);
    expect(unsplit.variance.between).toBeGreaterThan(0.1);
  });

  it('counts clusters as those evaluations have them', async () => {
    const twins = problems('twins.jsonl', 40, (i) => `${'t'.repeat((i >> 1) + 1)} ${i}`);
    const rows = (right: (i: number) => boolean) => Array.from({ length: 40 }, (_, i) => [right(i >> 1)]);
    const before = await evaluation(
      twins,
      rows((i) => i % 3 === 0),
    );
    const after = await evaluation(
      twins,
      rows((i) => i % 2 === 0),
    );
    const found = await plan({ effect: 20, before, after });
    // Both problems of a cluster differ alike: they tell no more than one of them, and twice as many are needed.
    const ofTwenty = [...Array(20).keys()].map((i) => Number(i % 2 === 0) - Number(i % 3 === 0));
    const [mean, sum] = [
      ofTwenty.reduce((a, b) => a + b) / 20,
      (list: number[]) => list.reduce((a, b) => a + b),
    ];
    const variance = sum(ofTwenty.map((d) => (d - mean) ** 2)) / 19;
    expect(found.variance.between).toBeCloseTo(2 * variance, 12);
  });

  it('is never of fewer problems than can give a p-value of α, nor of numbers that there are not', async () => {
    for (const [alpha, least] of [
      [0.05, 6],
      [0.01, 8],
      [0.5, 2],
    ] as const) {
      const found = await plan({ effect: 100, between: 0, within: 0, alpha });
      expect([found.problems, found.samples]).toEqual([least, 1]);
      expect(2 / 2 ** least <= alpha && 2 / 2 ** (least - 1) > alpha).toBe(true);
    }
    const few = problems('few.jsonl', 5);
    await expect(plan({ data: few, effect: 100, between: 0, within: 0 })).rejects.toThrow(
      `${few} has 5 problems, and with fewer than 6 nothing can be told at α = 0.05`,
    );
    const one = problems('single.jsonl', 1);
    const alone = await evaluation(one, [[true]]);
    await expect(plan({ effect: 30, before: alone, after: alone })).rejects.toThrow(
      'have a single problem, of which no',
    );
    const five = await evaluation(
      few,
      Array.from({ length: 5 }, (_, i) => [i < 2]),
    );
    await expect(plan({ effect: 30, before: five, after: five })).rejects.toThrow(
      'differ on every problem alike',
    );
    const other = await evaluation(
      few,
      Array.from({ length: 5 }, (_, i) => [i > 2]),
    );
    const data = problems('hundred.jsonl', 100);
    await expect(plan({ data, effect: 1, before: five, after: other })).rejects.toThrow(
      /^.*has 100 problems: with 1 seed they show differences from \d+\.\d points, not 1\. What more samples of each would show cannot be told of earlier evaluations with one/,
    );
  });

  it('needs variances, once and whole', async () => {
    await expect(plan({ effect: 3 })).rejects.toThrow('A plan needs variances');
    await expect(plan({ effect: 3, between: 0.1 })).rejects.toThrow('give both of them');
    await expect(plan({ effect: 3, before: 'a' })).rejects.toThrow('give both of them');
    await expect(plan({ effect: 3, before: 'a', after: 'b', between: 0.1, within: 0.1 })).rejects.toThrow(
      'A plan needs variances',
    );
    await expect(plan({ effect: 3, before: '/nowhere', after: 'b' })).rejects.toThrow('does not exist');
  });
});

describe('the file of a plan', () => {
  it('is written once, and read as it was made', async () => {
    const made = await plan({ effect: 3, between: 0.05, within: 0.1, grader: 'rllm' });
    const file = path('plan.json');
    writePlan(file, made);
    expect(readPlan(file)).toEqual(made);
    const bytes = readFileSync(file, 'utf8');
    expect(() => {
      writePlan(file, { ...made, problems: 1 });
    }).toThrow('exists, and a plan is made once');
    expect(readFileSync(file, 'utf8')).toBe(bytes);
    expect(describePlan(made).split('\n')[0]).toBe(
      `To see a true difference of 3.0 points with a chance of 80.0 % (α = 0.05): ${made.problems} of the 5000 problems of ${data}, 1 sample of each, 1 seed.`,
    );
    expect(
      describePlan({ ...made, samples: 4, seeds: 3 }, 'p.json')
        .split('\n')
        .at(-1),
    ).toBe(
      `Evaluate both with --count ${made.problems} --samples 4 and a temperature above 0, every seed into a folder of its own, then: redistill compare A1,…,A3 B1,…,B3 --plan p.json`,
    );
  });

  it('is refused where it is something else', () => {
    const file = path('other.json');
    writeFileSync(file, '{"plan": "redistill comparison"}');
    expect(() => readPlan(file)).toThrow(`${file} is not a plan of \`redistill plan\`: field "version"`);
    writeFileSync(file, 'plan');
    expect(() => readPlan(file)).toThrow('is not JSON');
    expect(existsSync(path('none.json'))).toBe(false);
    expect(() => readPlan(path('none.json'))).toThrow(UserError);
    expect(() => readPlan(path('.'))).toThrow('is a folder, not a file');
    expect(() => readPlan(path('.'))).toThrow(UserError);
  });
});
