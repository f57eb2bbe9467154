/** What objectives become at the ends of their parameters, and values worked out by hand. */
import { describe, expect, it } from 'vitest';
import { columnStep, stepBy, withColumns } from '../../test/support/columnBatches.js';
import { relativeError } from '../../test/support/tokenBatches.js';
import {
  createObjective,
  stepOf,
  weightedSum,
  weightOf,
  type ObjectiveSpec,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const evaluate = (spec: ObjectiveSpec, batch: ScoredBatch) => createObjective(spec).evaluate(batch);
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

describe('redi', () => {
  it('at α < 0 without a bound of its own is length-normalised SFT on both sides', () => {
    const step = columnStep(1, 'pairs');
    const both = evaluate({ name: 'redi', alpha: -1 }, step);
    const sft = evaluate({ name: 'weighted-sft', mean: 'sequence' }, step);
    expect(both.loss).toBeCloseTo(2 * sft.loss, 13); // over pairs, and over responses
    expect(
      relativeError(
        both.gradient,
        sft.gradient.map((row) => row.map((g) => 2 * g)),
      ),
    ).toBeLessThan(1e-14);
  });

  it('with the attached factor ends its push at mean logp = −1/γ', () => {
    const step = stepBy([
      { role: 'chosen', group: 0, logps: [-1] },
      { role: 'rejected', group: 0, logps: [-1, -3] },
    ]);
    const { gradient } = evaluate({ name: 'redi', gamma: 0.5, attached: true }, step);
    expect(total(gradient[1]!)).toBeCloseTo(0, 15);
  });
});

describe('signed weights', () => {
  it('make weighted fine-tuning of REDI: w = −α·N_w/N_l of the rejected side, up to a factor', () => {
    const plain = stepBy([
      { role: 'chosen', group: 0, logps: [-0.1, -0.3] },
      { role: 'rejected', group: 0, logps: [-0.2, -0.6, -1] },
    ]);
    const redi = evaluate({ name: 'redi', alpha: 0.8 }, plain);
    expect(redi.loss).toBeCloseTo(-0.28, 15);
    const weigh = (sequence: SequenceInfo, weight: number): SequenceInfo => ({
      ...sequence,
      tokenWeights: new Float64Array(sequence.length).fill(weight),
      weight: Math.abs(weight) * sequence.length,
    });
    const sequences = [weigh(plain.sequences[0]!, 1 / 2), weigh(plain.sequences[1]!, -0.8 / 3)];
    const signed = evaluate({ name: 'weighted-sft' }, { ...plain, sequences, step: stepOf(sequences) });
    expect(signed.loss).toBeCloseTo(redi.loss / 1.8, 15); // Σ|w| = 1 + 0.8
    expect(
      relativeError(
        signed.gradient.map((row) => row.map((g) => 1.8 * g)),
        redi.gradient,
      ),
    ).toBeLessThan(1e-15);
  });
});

describe('topr', () => {
  const rewards = (r: number) => (_: SequenceInfo, logps: Float64Array) => ({
    scalars: { reward: r },
    columns: { behaviour: logps.slice() },
  });

  it.each(['sequence', 'token'])(
    'where the model is the sampler is REDI without lengths: %s ratios',
    (ratio) => {
      const step = columnStep(2, 'pairs');
      const same = withColumns(step, ({ role }, logps) =>
        rewards(role === 'chosen' ? 1 : -0.8)({} as never, logps),
      );
      const { loss, gradient } = evaluate({ name: 'topr', ratio }, same);
      const alone = evaluate({ name: 'asymre', baseline: 'none', delta: 0 }, same);
      expect(loss).toBeCloseTo(alone.loss, 13);
      expect(relativeError(gradient, alone.gradient)).toBe(0);
    },
  );

  it('halves the weight of a wrong response when its log-prob falls by log 2', () => {
    const at = (logp: number) =>
      evaluate(
        { name: 'topr' },
        stepBy([
          { scalars: { reward: -1 }, columns: { behaviour: Float64Array.of(-1, -1) }, logps: [logp, -1] },
        ]),
      ).gradient[0]![0]!;
    expect(at(-1)).toBe(1);
    expect(at(0)).toBe(1);
    expect(at(-1 - Math.LN2)).toBeCloseTo(0.5, 15);
  });
});

describe('asymre', () => {
  it('has weights that add up to n·(mean − V)', () => {
    const step = columnStep(3, 'samples');
    const ones = createObjective({ name: 'asymre' }).weights!(step).map(
      (row, i) => -row[0]! * step.sequences.length * (i >= 0 ? 1 : 0),
    );
    expect(total(ones)).toBeCloseTo(0.1 * step.sequences.length, 12);
  });

  it('does not raise a wrong response that is alone in its row', () => {
    const alone = stepBy([{ scalars: { reward: -1 }, logps: [-1, -2] }]);
    expect([...evaluate({ name: 'asymre' }, alone).gradient[0]!]).toEqual([1, 1]);
  });

  it('with V = 0 and rewards 0 and 1 learns the right ones alone', () => {
    const step = withColumns(columnStep(3, 'samples'), ({ scalars }) => ({
      scalars: { reward: Math.max(0, scalars!.reward!) },
    }));
    const { gradient } = evaluate({ name: 'asymre', baseline: 'none', delta: 0 }, step);
    step.sequences.forEach(({ scalars, tokenWeights }, i) => {
      expect(total(gradient[i]!.map(Math.abs)) === 0).toBe(scalars!.reward === 0);
      if (scalars!.reward === 1)
        expect(gradient[i]![0]).toBeCloseTo(-tokenWeights![0]! / step.sequences.length, 15);
    });
  });
});

describe('nft', () => {
  const same = withColumns(columnStep(4, 'samples'), (_, logps) => ({
    columns: { behaviour: logps.slice() },
  }));

  it.each([
    ['grpo', (p: number) => [Math.sqrt((1 - p) / p), -Math.sqrt(p / (1 - p))]],
    ['dr-grpo', (p: number) => [1 - p, -p]],
  ] as const)('at ρ = 1 is policy gradient with the advantages of %s', (weighting, advantages) => {
    const withAdvantages = withColumns(same, ({ scalars }) => ({
      scalars: { advantage: advantages(scalars!.pass_rate!)[scalars!.reward! > 0 ? 0 : 1]! },
    }));
    const nft = evaluate({ name: 'nft', weighting }, withAdvantages).gradient;
    expect(relativeError(nft, evaluate({ name: 'grpo' }, withAdvantages).gradient)).toBeLessThan(1e-14);
  });

  it('lets wrong tokens go as they become unlikely, and takes pass rates of 0 and 1 as 0.02 and 0.98', () => {
    const at = (gap: number, rate: number) =>
      evaluate(
        { name: 'nft', weighting: 'none' },
        stepBy([
          {
            scalars: { reward: -1, pass_rate: rate },
            columns: { behaviour: Float64Array.of(-1) },
            logps: [-1 + gap],
          },
        ]),
      ).gradient[0]![0]!;
    expect(at(-30, 0.5)).toBeLessThan(1e-12);
    expect(at(0, 0)).toBeCloseTo(0.02 / 0.98, 15);
    expect(at(0, 1)).toBeCloseTo(0.98 / 0.02, 12);
    expect(at(11, 0.5)).toBe(0); // beyond the limit of the log-ratio
  });
});

describe('reinforcement of samples', () => {
  it('psr and nsr at ρ = 1 are likelihood of their halves, up and down', () => {
    const step = withColumns(columnStep(5, 'samples'), (_, logps) => ({
      columns: { behaviour: logps.slice() },
    }));
    const [up, down] = [evaluate({ name: 'psr' }, step), evaluate({ name: 'nsr' }, step)];
    const tokens = (sign: number) =>
      total(step.sequences.filter(({ scalars }) => scalars!.reward === sign).map(({ weight }) => weight!));
    step.sequences.forEach(({ scalars, tokenWeights }, i) => {
      const isRight = scalars!.reward === 1;
      expect(up.gradient[i]![0]).toBeCloseTo(isRight ? -tokenWeights![0]! / tokens(1) : 0, 14);
      expect(down.gradient[i]![0]).toBeCloseTo(isRight ? 0 : tokenWeights![0]! / tokens(-1), 14);
    });
  });

  it('w-reinforce at λ = 1 is REINFORCE, and at λ = 0 lowers wrong ones alone', () => {
    const step = withColumns(columnStep(6, 'samples'), ({ scalars }, logps) => ({
      scalars: { advantage: scalars!.reward! },
      columns: { behaviour: logps.slice() },
    }));
    const { gradient } = evaluate({ name: 'w-reinforce', lambda: 1 }, step);
    expect(relativeError(gradient, evaluate({ name: 'grpo' }, step).gradient)).toBeLessThan(1e-14);
    const none = evaluate({ name: 'w-reinforce', lambda: 0 }, step).gradient;
    step.sequences.forEach(({ scalars }, i) => {
      if (scalars!.reward === 1) expect(total(none[i]!.map(Math.abs))).toBe(0);
    });
  });
});

describe('distillation', () => {
  it('opd is 0 where the teacher is the student, and its weights add up to −(L − Q)', () => {
    const step = columnStep(7, 'samples', false);
    const same = withColumns(step, (_, logps) => ({ columns: { teacher: logps.slice() } }));
    expect(evaluate({ name: 'opd' }, same).gradient.every((row) => row.every((g) => g === 0))).toBe(true);
    const tokens = total(step.logps.map(({ length }) => length));
    evaluate({ name: 'opd' }, step).gradient.forEach((row, i) => {
      const gap = total(step.logps[i]!) - total(step.sequences[i]!.columns!.teacher!);
      expect(-total(row) * tokens).toBeCloseTo(-gap, 11);
    });
  });

  it.each([
    ['no token beyond the threshold', { threshold: 100 }],
    ['a threshold beyond the most that a token counts', { threshold: 1.5, most: 1.4 }],
  ])('renio with %s is opd', (_, settings) => {
    const step = columnStep(8, 'samples');
    const opd = evaluate({ name: 'opd', mean: 'sequence' }, step);
    const renio = evaluate({ name: 'renio', ...settings }, step);
    expect(renio.loss).toBeCloseTo(opd.loss, 13);
    expect(relativeError(renio.gradient, opd.gradient)).toBeLessThan(1e-14);
  });
});

describe('glow', () => {
  const step = columnStep(9, 'samples');
  const sft = evaluate({ name: 'weighted-sft', mean: 'sequence' }, step);

  it('is fine-tuning in the first epoch', () => {
    const first = evaluate({ name: 'glow' }, { ...step, step: stepOf(step.sequences) });
    expect(first.loss).toBeCloseTo(sft.loss, 14);
    expect(relativeError(first.gradient, sft.gradient)).toBeLessThan(1e-14);
  });

  it('gives a response whose loss has not changed the weight a/2', () => {
    const { remember } = evaluate({ name: 'glow' }, step);
    const memory = new Map(step.sequences.map(({ id }, i) => [id!, remember![i]!]));
    const again = evaluate(
      { name: 'glow', a: 3 },
      { ...step, step: stepOf(step.sequences, { ...step.step, memory }) },
    );
    expect(again.loss).toBeCloseTo(1.5 * sft.loss, 13);
  });

  it('keeps half the weight of a response that has learned fast, and gives one that has forgotten all of a', () => {
    const [learned, forgotten] = [1, -1].map((progress) => {
      const memory = new Map(
        step.sequences.map((sequence, i) => [
          sequence.id!,
          progress - weightedSum(sequence, step.logps[i]!) / weightOf(sequence),
        ]),
      );
      return evaluate({ name: 'glow' }, { ...step, step: stepOf(step.sequences, { ...step.step, memory }) });
    });
    expect(learned!.loss).toBeCloseTo(0.5 * sft.loss, 13);
    expect(forgotten!.loss / sft.loss).toBeCloseTo(2, 8);
  });
});

describe('dft', () => {
  it('weighs a certain token by 1 and an impossible one by 0', () => {
    const { gradient } = evaluate({ name: 'dft' }, stepBy([{ logps: [0, -800] }]));
    expect(gradient[0]![0]).toBe(-1 / 2);
    expect(Math.abs(gradient[0]![1]!)).toBe(0);
  });
});

describe('oreal', () => {
  it('has the worked weights of the scores 2, 0, −4', () => {
    // The running means 2, 1, −2/3 through a sigmoid.
    const credit = Float64Array.from([2, 1, -2 / 3], (x) => 1 / (1 + Math.exp(-x)));
    const at = (advantage: number) =>
      evaluate(
        { name: 'oreal', kl: 0, negative: 1 },
        stepBy([
          {
            scalars: { advantage },
            columns: { credit, reference: new Float64Array(3) },
            logps: [-1, -1, -1],
          },
        ]),
      ).gradient[0]!.map((g) => 3 * Math.abs(g));
    [0.761594, 0.462117, 0].forEach((omega, t) => {
      expect(at(1)[t]).toBeCloseTo(omega, 6);
    });
    [0, 0, 0.321513].forEach((omega, t) => {
      expect(at(-1)[t]).toBeCloseTo(omega, 6);
    });
  });
});

describe('qcrd', () => {
  const row = [
    { scalars: { reward: 1, quality: 0.9 }, group: 0, logps: [-1, -3] },
    { scalars: { reward: 1, quality: 0.4 }, group: 0, logps: [-1, -1, -4] },
    { scalars: { reward: -1, quality: 0.5 }, group: 0, logps: [-2] },
    { scalars: { reward: -1, quality: 0 }, group: 0, logps: [-2, -4] },
  ];

  it('has its worked value', () => {
    // −M is 2, 2, 2 and 3: the first of the right ones, and 0.2·(3 − 2) of the wrong one that is nearer.
    expect(evaluate({ name: 'qcrd' }, stepBy(row)).loss).toBeCloseTo(2.2, 14);
    // 0.4·2 of the right ones; of the wrong ones 0.2·max(0.5·1.5, 1·0.5) with δ 3.5.
    expect(evaluate({ name: 'qcrd', delta: 3.5, quality: true }, stepBy(row)).loss).toBeCloseTo(0.95, 14);
    // Qualities of another scale turn no sign.
    const large = row.map((of) => ({ ...of, scalars: { ...of.scalars, quality: 90 } }));
    expect(evaluate({ name: 'qcrd', quality: true }, stepBy(large)).loss).toBeCloseTo(2, 14);
  });

  it('leaves wrong responses alone beyond δ, exactly, and right ones that are harder', () => {
    const { gradient } = evaluate({ name: 'qcrd', delta: 2 }, stepBy(row));
    expect(gradient.map((of) => total(of))).toEqual([-1, 0, 0, 0]);
  });

  it('on pairs is REDI with α = β and a constant, as long as δ is out of reach', () => {
    const step = columnStep(7, 'pairs');
    const found = evaluate({ name: 'qcrd', beta: 0.2, delta: 100 }, step);
    const redi = evaluate({ name: 'redi', alpha: 0.2 }, step);
    expect(found.loss).toBeCloseTo(redi.loss + 0.2 * 100, 11);
    expect(relativeError(found.gradient, redi.gradient)).toBeLessThan(1e-14);
  });
});
