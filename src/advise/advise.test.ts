import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stepOf, type SequenceInfo } from '../objectives/objective.js';
import { createObjective } from '../objectives/registry.js';
import type { Sample } from '../rewards/sample.js';
import { learningRate } from '../train/schedule.js';
import { silentProgress } from '../util/progress.js';
import { Random } from '../util/random.js';
import { advise } from './advise.js';
import { compareWithKnown, knownRuns, sumOfKnown, sumOfRates } from './knownRuns.js';
import { adviseSettings } from './settings.js';
import { describeStatements, statementsOf, type Statement } from './statements.js';
import { TallyMaker, type Tally } from './tally.js';

const sample = (right: boolean, length: number): Sample => ({ right, length });
const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

function tallyOf(groups: readonly (readonly Sample[])[], alpha?: number): Tally {
  const maker = new TallyMaker(alpha);
  for (const group of groups) maker.add(group, 'tokens');
  return maker.tally;
}

/** Problems of one to six samples. */
function randomGroups(seed: number): Sample[][] {
  const random = new Random(seed);
  return Array.from({ length: 60 }, () =>
    Array.from({ length: 1 + random.nextInt(6) }, () =>
      sample(random.nextFloat() < 0.4, 1 + random.nextInt(8)),
    ),
  );
}

describe('the tally', () => {
  it.each([1, 2, 3])('is what a slow count gives, seed %i', (seed) => {
    const groups = randomGroups(seed);
    const alpha = 0.7;
    const tally = tallyOf(groups, alpha);
    const of = (group: readonly Sample[], label: boolean) => group.filter(({ right }) => right === label);
    const mixed = groups.filter((group) => of(group, true).length > 0 && of(group, false).length > 0);
    expect(tally).toMatchObject({
      problems: 60,
      samples: groups.flat().length,
      right: of(groups.flat(), true).length,
      noRight: groups.filter((group) => of(group, true).length === 0).length,
      noWrong: groups.filter((group) => of(group, false).length === 0).length,
      ...{ mixed: mixed.length, arePairs: false, unit: 'tokens' },
    });
    const lengths = (group: readonly Sample[], label: boolean) =>
      of(group, label).map(({ length }) => length);
    const shares = mixed.map((group) => {
      const pairs = of(group, true).flatMap((right) =>
        of(group, false).map((wrong) => [right, wrong] as const),
      );
      return {
        longer: mean(
          pairs.map(([right, wrong]) =>
            wrong.length > right.length ? 1 : wrong.length === right.length ? 0.5 : 0,
          ),
        ),
        lowered:
          pairs.filter(([right, wrong]) => 1 / right.length - alpha / wrong.length < 0).length / pairs.length,
      };
    });
    const longer = shares.map((share) => share.longer);
    const sides = tally.sides!;
    expect(sides.wrongLonger).toBeCloseTo(mean(longer), 12);
    const variance = longer.reduce((sum, x) => sum + (x - mean(longer)) ** 2, 0) / (longer.length - 1);
    expect(sides.standardError).toBeCloseTo(Math.sqrt(variance / longer.length), 10);
    expect(sides.lowered).toBeCloseTo(mean(shares.map(({ lowered }) => lowered)), 12);
    expect(sides.rightLength).toBeCloseTo(mean(mixed.map((group) => mean(lengths(group, true)))), 12);
    expect(sides.wrongLength).toBeCloseTo(mean(mixed.map((group) => mean(lengths(group, false)))), 12);
    expect(Math.log(sides.ratio)).toBeCloseTo(
      mean(mixed.map((group) => Math.log(mean(lengths(group, false)) / mean(lengths(group, true))))),
      12,
    );
    const beyond = mixed.filter((group) => {
      const p = of(group, true).length / group.length;
      return p / (1 - p) <= alpha;
    });
    expect(sides.beyondOwnBound).toBe(beyond.length);
  });

  it('has no sides where no problem has both', () => {
    expect(tallyOf([[sample(true, 3)], [sample(false, 2), sample(false, 1)]])).toEqual({
      ...{ problems: 2, samples: 3, right: 1, noRight: 1, noWrong: 1, mixed: 0, arePairs: false },
    });
  });
});

/** REDI's weights of two sides, by the objective itself. */
function rediWeights(alpha: number, right: number, wrong: number): [number, number] {
  const sequences: SequenceInfo[] = [
    { role: 'chosen', group: 0, length: right },
    { role: 'rejected', group: 0, length: wrong },
  ];
  const step = stepOf(sequences);
  const [first, second] = createObjective({ name: 'redi', alpha }).weights!({ sequences, step });
  return [first![0]!, second![0]!];
}

describe('formulas', () => {
  it('α = V/(1 − V): asymre’s weights have that ratio, and their sum turns where V reaches the mean reward', () => {
    const random = new Random(5);
    for (let trial = 0; trial < 50; trial++) {
      const rewards = [1, 0, ...Array.from({ length: 6 }, () => random.nextInt(2))];
      const rate = mean(rewards);
      const value = 0.05 + 0.9 * random.nextFloat();
      const sequences = rewards.map((reward): SequenceInfo => ({
        role: 'sample',
        group: 0,
        length: 1,
        scalars: { reward },
      }));
      const objective = createObjective({ name: 'asymre', baseline: 'none', delta: value });
      const weights = objective.weights!({ sequences, step: stepOf(sequences) }).map(([weight]) => -weight!);
      const alpha = value / (1 - value);
      expect(-weights[1]! / weights[0]!).toBeCloseTo(alpha, 10);
      const right = rewards.filter((reward) => reward === 1).length;
      const bound = statementsOf(tallyOf([[...rewards.map((reward) => sample(reward === 1, 1))]], alpha), {
        objective: 'asymre',
        alpha: Math.min(alpha, 1),
      })[1]!.values.bound_of_samples as number;
      expect(bound).toBeCloseTo(right / (rewards.length - right), 12);
      if (Math.abs(value - rate) > 1e-9) expect(weights.reduce((a, b) => a + b) > 0).toBe(alpha < bound);
    }
  });

  it('a token in both sides is lowered where |y_l| < α·|y_w|: REDI’s own weights', () => {
    for (const alpha of [0.2, 0.5, 0.8, 1])
      for (let right = 1; right <= 6; right++)
        for (let wrong = 1; wrong <= 6; wrong++) {
          const [raise, lower] = rediWeights(alpha, right, wrong);
          const net = raise + lower; // of the loss: above 0 is lowered
          if (Math.abs(net) < 1e-12) continue;
          const { lowered } = tallyOf([[sample(true, right), sample(false, wrong)]], alpha).sides!;
          expect(lowered).toBe(net > 0 ? 1 : 0);
        }
  });

  it('Σ lr: closed forms of each decay, and the two collapses of the paper at α 1 come at the same sum', () => {
    const schedule = { peak: 2e-5, totalSteps: 50, warmupRatio: 0, decay: 'constant' as const };
    expect(sumOfRates(schedule, 50)).toBeCloseTo(1e-3, 12);
    expect(sumOfRates({ ...schedule, decay: 'linear' }, 50)).toBeCloseTo((2e-5 * 51) / 2, 12);
    const warm = { ...schedule, warmupRatio: 0.5 };
    expect(sumOfRates(warm, 25)).toBeCloseTo((2e-5 * 24) / 2, 12);
    expect(sumOfRates(warm, 26) - sumOfRates(warm, 25)).toBeCloseTo(learningRate(25, warm), 15);
    const [first, second] = knownRuns.filter(({ alpha, collapsedAt }) => alpha === 1 && collapsedAt);
    expect(sumOfKnown(first!) / sumOfKnown(second!)).toBeCloseTo(1, 1);
  });

  it('known runs judge themselves as they ended', () => {
    for (const run of knownRuns) {
      const { alpha, schedule, collapsedAt } = run;
      const whole = compareWithKnown(alpha, sumOfRates(schedule, schedule.totalSteps));
      expect(whole[collapsedAt === undefined ? 'held' : 'collapsed']).toContain(run);
    }
    expect(compareWithKnown(0.1, 1e-9).collapsed).toEqual([]);
    expect(compareWithKnown(1, 1).held).toEqual([]);
  });
});

describe('statements', () => {
  const find = (statements: readonly Statement[], topic: Statement['topic']) =>
    statements.find((statement) => statement.topic === topic)!;
  const pairs = (lengths: readonly (readonly [number, number])[]) =>
    lengths.map(([right, wrong]) => [sample(true, right), sample(false, wrong)]);
  const plan = { objective: 'redi', alpha: 0.8 };
  const long = (gap: number) =>
    pairs(Array.from({ length: 40 }, (_, i) => [100 + i, 100 + i + gap] as const));

  it('say which answers REDI learns first', () => {
    const learned = (groups: Sample[][]) => find(statementsOf(tallyOf(groups, 0.8), plan), 'length');
    expect(learned(long(20)).values.learns_first).toBe('shorter');
    expect(learned(long(20)).says[1]).toContain('REDI will learn shorter answers first');
    expect(learned(long(-20)).values.learns_first).toBe('longer');
    expect(learned(long(0)).values.learns_first).toBeNull();
    const balanced = [...long(20), ...long(-20)];
    expect(learned(balanced).values.learns_first).toBeNull();
    expect(learned([long(20)[0]!]).values.learns_first).toBeNull(); // of one pair nothing can be said
    // Two that are alike are no proof; Wilson's interval of 2 of 2 reaches down to 34 %.
    expect(learned(long(20).slice(0, 2)).values.learns_first).toBeNull();
    expect(learned(long(20).slice(0, 2)).says[0]).toContain('100.0 % (95 % interval 34.2 % to 100.0 %)');
    // 45 to 37 of 1,000 times as many: clear, and small.
    const slight = [
      ...Array.from({ length: 60 }, () => long(20)).flat(),
      ...Array.from({ length: 50 }, () => long(-20)).flat(),
    ];
    expect(learned(slight).says[1]).toContain('a little, so REDI may lean towards shorter');
  });

  it('say of pairs that their bound is 1, and of traces both bounds', () => {
    const ofPairs = find(statementsOf(tallyOf(long(1), 0.8), plan), 'alpha');
    expect(ofPairs.says.join(' ')).toContain('α = 0.8 is below it.');
    // 2 of 8 right: p̂/(1 − p̂) = ⅓.
    const drawn = [true, false, false, false].map((right) => sample(right, 5));
    const said = (alpha: number) =>
      find(statementsOf(tallyOf([drawn, drawn], alpha), { objective: 'redi', alpha }), 'alpha').says.join(
        ' ',
      );
    expect(said(0.8)).toContain('= 0.333 where');
    expect(said(0.8)).toContain(
      'is below that of pairs and not below that of all samples. By their own samples, 2 of 2',
    );
    expect(said(0.3)).toContain('is below either. By their own samples, 0 of 2');
    expect(said(1)).toContain('is not below either');
    expect(said(0)).toContain('pushes nothing down');
    const mostly = [true, true, true, false].map((right) => sample(right, 5));
    const high = find(statementsOf(tallyOf([mostly], 1), { objective: 'symmetric', alpha: 1 }), 'alpha');
    expect(high.says.join(' ')).toContain('is below that of all samples and not below that of pairs');
  });

  it('have no bound where nothing is wrong, and say nothing of lengths or direction there', () => {
    const statements = statementsOf(tallyOf([[sample(true, 1)]], 0.8), plan);
    expect(statements.map(({ topic }) => topic)).toEqual(['pass rate', 'alpha']);
    expect(statements[1]!.says.join(' ')).toContain('= ∞ where');
    expect(statements[1]!.values.bound_of_samples).toBeNull();
  });

  it('compare learning rates with runs whose end is known', () => {
    const said = (alpha: number | undefined, peak: number, steps: number) => {
      const schedule = { peak, totalSteps: steps, warmupRatio: 0.1, decay: 'linear' as const };
      const planned = { objective: 'dpo', alpha, steps: { schedule, count: steps } };
      return find(statementsOf(tallyOf(long(1), alpha), planned), 'learning rate').says.join(' ');
    };
    expect(said(1, 1e-6, 1661)).toMatch(/brought the log-probs .* step 240 of Qwen.* α 1, lr 1.0e-6/);
    expect(said(1, 1e-6, 1661)).not.toContain('held');
    expect(said(0.2, 1e-7, 100)).toMatch(/held: .*α 0.2, lr 1.0e-6/);
    expect(said(0.2, 1e-7, 100)).not.toContain('brought');
    expect(said(0.8, 1e-6, 1400)).toContain('They disagree');
    expect(said(0.1, 1, 10)).toContain('Known runs say neither');
    expect(said(0, 1e-6, 10)).toContain('this one does not');
    expect(said(undefined, 1e-6, 10)).toContain('they say nothing of dpo');
  });

  it('each come with a formula and a source, for people too', () => {
    const schedule = { peak: 1e-6, totalSteps: 9, warmupRatio: 0.1, decay: 'linear' as const };
    const statements = statementsOf(tallyOf(long(1), 0.8), { ...plan, steps: { schedule, count: 9 } });
    expect(statements).toHaveLength(5);
    const text = describeStatements(statements);
    for (const { topic, says, formula, source } of statements) {
      expect(text).toContain(`${topic}\n  ${says[0]!}\n`);
      expect(text).toContain(`[${formula}; ${source}]`);
    }
  });
});

describe('a recipe of REDI', () => {
  const root = mkdtempSync(join(tmpdir(), 'redistill-advise-'));
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  const advised = async (objective: object) => {
    const [recipe, data] = [join(root, 'recipe.yaml'), join(root, 'pairs.jsonl')];
    const keys = { model: 'absent', data: 'absent', out: 'x', batch_size: 1, epochs: 4 };
    writeFileSync(recipe, JSON.stringify({ ...keys, objective, optimizer: { lr: 1e-4 } }));
    writeFileSync(data, '{"prompt": "q", "chosen": "a", "rejected": "bbb"}\n');
    const settings = adviseSettings.parse({ data, recipe });
    return (await advise(settings, silentProgress, new AbortController().signal)).statements;
  };

  // AdamW's steps are those of any multiple of the loss.
  it('is advised as what it is a multiple of', async () => {
    const plain = await advised({ name: 'redi', alpha: 0.8 });
    expect(await advised({ name: 'redi', alpha: 0.4, chosen: 0.5 })).toEqual(plain);
    expect(plain.find(({ topic }) => topic === 'alpha')!.values).toMatchObject({ alpha: 0.8 });
  });

  it.each([{ chosen: 0 }, { gamma: 2 }])('is compared with no α where it has none: %j', async (more) => {
    const statements = await advised({ name: 'redi', alpha: 0.8, ...more });
    expect(statements.find(({ topic }) => topic === 'alpha')!.values).toMatchObject({ alpha: null });
    expect(statements.map(({ topic }) => topic)).not.toContain('direction');
    expect(describeStatements(statements)).toContain('they say nothing of redi w');
  });
});
