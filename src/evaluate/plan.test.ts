import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roteEvaluations } from '../../test/support/roteEvaluations.js';
import { pairedVariance } from '../statistics/paired.js';
import { compareOverSeeds } from '../statistics/seeds.js';
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
    const found = await plan({ ...given, seeds: 3 });
    const left = 0.03 ** 2 / SQUARE - 0.01 ** 2 / 3;
    expect(found.problems).toBe(Math.ceil((0.05 + 0.2 / 3) / left));
    expect(found.variance.seed).toBeCloseTo(0.0001, 12);
    await expect(plan({ ...given, seed_deviation: 3 })).rejects.toThrow('more seeds or a larger effect');
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
  });

  it('is refused where it is something else', () => {
    const file = path('other.json');
    writeFileSync(file, '{"plan": "redistill comparison"}');
    expect(() => readPlan(file)).toThrow(`${file} is not a plan of \`redistill plan\`: field "version"`);
    writeFileSync(file, 'plan');
    expect(() => readPlan(file)).toThrow('is not JSON');
    expect(existsSync(path('none.json'))).toBe(false);
    expect(() => readPlan(path('none.json'))).toThrow();
  });
});
