/** What objectives do at kinks, limits and ends of probability, and with tokens and sides that have no part in them. */
import { describe, expect, it } from 'vitest';
import { columnStep, stepBy } from '../../test/support/columnBatches.js';
import { relativeError } from '../../test/support/tokenBatches.js';
import {
  clippedRatio,
  createObjective,
  divergence,
  negativeLogRest,
  negativeLogSigmoid,
  objectiveNames,
  stepOf,
  thirdEstimator,
  type ObjectiveSpec,
  type ScoredBatch,
  type SequenceInfo,
} from './index.js';

const { LN2, log, exp } = Math;
const evaluate = (spec: ObjectiveSpec, batch: ScoredBatch) => createObjective(spec).evaluate(batch);

describe('tokens of weight 0', () => {
  it.each(objectiveNames)('have no part in %s', (name) => {
    const step = columnStep(11, 'pairs');
    const isSeen = (i: number, t: number) => step.sequences[i]!.tokenWeights![t] !== 0;
    const logps = step.logps.map((row, i) => row.map((logp, t) => (isSeen(i, t) ? logp : -Infinity)));
    const reads = step.reads!.map((columns, i) =>
      Object.fromEntries(
        Object.entries(columns).map(([column, values]) => {
          const { starts } = step.sequences[i]!.topK![column]!;
          const tokenOf = (entry: number) => starts.findLastIndex((start) => start <= entry);
          return [column, values.map((logp, entry) => (isSeen(i, tokenOf(entry)) ? logp : NaN))];
        }),
      ),
    );
    const [whole, blind] = [evaluate({ name }, step), evaluate({ name }, { ...step, logps, reads })];
    expect(blind.loss).toBe(whole.loss);
    blind.gradient.forEach((row, i) => {
      row.forEach((slope, t) => {
        expect(slope + 0).toBe(isSeen(i, t) ? whole.gradient[i]![t]! + 0 : 0);
      });
    });
    expect(blind.readGradient).toEqual(whole.readGradient);
    expect(blind.metrics).toEqual(whole.metrics);
  });
});

describe('shapes of one token', () => {
  it('−log(1 − p) ends at 1 − p = 1e-5', () => {
    const [before, after] = [log(1 - 1.01e-5), log(1 - 0.99e-5)].map(negativeLogRest);
    expect(before!.loss).toBeCloseTo(-log(1.01e-5), 9);
    expect(before!.slope).toBeCloseTo((1 - 1.01e-5) / 1.01e-5, 4);
    expect(after).toEqual({ loss: -log(1e-5), slope: 0 });
  });

  it('a clipped ratio moves within the clip and back to it', () => {
    const at = (ratio: number, advantage: number) => {
      const { loss, slope } = clippedRatio(log(ratio), advantage, 0.2, 0.3);
      return [loss, slope].map((value) => Number(value.toFixed(12)) + 0);
    };
    expect(at(1, 2)).toEqual([-2, -2]);
    expect(at(1.25, 2)).toEqual([-2.5, -2.5]);
    expect(at(1.5, 2)).toEqual([-2.6, 0]);
    expect(at(0.5, 2)).toEqual([-1, -1]);
    expect(at(1.5, -2)).toEqual([3, 3]);
    expect(at(0.5, -2)).toEqual([1.6, 0]);
  });

  it('log-ratios count as 20 at most', () => {
    for (const logRatio of [20, 21, 1e4])
      expect(clippedRatio(logRatio, -1, 0.2, 0.2)).toEqual({ loss: exp(20), slope: 0 });
    expect(clippedRatio(19, -1, 0.2, 0.2)).toEqual({ loss: exp(19), slope: exp(19) });
    for (const d of [20, 21, 1e4]) expect(thirdEstimator(-d, 0)).toEqual({ loss: exp(20) - d - 1, slope: 1 });
    expect(thirdEstimator(-19, 0)).toEqual({ loss: exp(19) - 20, slope: 1 - exp(19) });
    expect(thirdEstimator(-1, -1).loss).toBe(0);
  });

  it('−log σ is exact on both sides of 0', () => {
    expect(negativeLogSigmoid(0)).toEqual({ loss: LN2, slope: -0.5 });
    for (const x of [1, -1, 30, -30]) {
      const { loss, slope } = negativeLogSigmoid(x);
      expect(loss).toBeCloseTo(log(1 + exp(-x)), 13);
      expect(slope).toBeCloseTo(-1 / (1 + exp(x)), 15);
    }
    expect(negativeLogSigmoid(800).loss).toBe(0);
    expect(negativeLogSigmoid(-800)).toEqual({ loss: 800, slope: -1 });
  });
});

describe('pairs', () => {
  const pair = (chosen: number, rejected: number) =>
    stepBy([
      { role: 'chosen', group: 0, logps: [chosen], scalars: { reference: -1 } },
      { role: 'rejected', group: 0, logps: [rejected], scalars: { reference: -1 } },
    ]);

  it('hinge ends where the margin is 1', () => {
    const slopes = (margin: number) =>
      evaluate({ name: 'dpo', beta: 1, losses: { hinge: 1 } }, pair(-1 + margin, -1)).gradient.map(
        ([slope]) => slope! + 0,
      );
    expect([0.5, 1, 2].map(slopes)).toEqual([
      [-1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  it('dpo is won where the rejected side is impossible', () => {
    const { loss, gradient } = evaluate({ name: 'dpo' }, pair(-1, -Infinity));
    expect(loss).toBe(0);
    expect(gradient.map(([slope]) => slope! + 0)).toEqual([0, 0]);
  });

  it('orpo keeps the odds of a certain response finite', () => {
    const { loss, metrics, gradient } = evaluate({ name: 'orpo', lambda: 1 }, pair(-1, 0));
    const odds = exp(-1) / (1 - exp(-1));
    expect(metrics['rewards/rejected']).toBeCloseTo(-log(1e-9), 12);
    expect(loss).toBeCloseTo(1 + log(1 + 1e9 / odds), 12);
    expect(gradient[1]![0]! / 1e9).toBeCloseTo(1, 8);
  });
});

describe('limits of single responses', () => {
  const scored = (scalars: Record<string, number>, columns: Record<string, number[]>, logps: number[]) => ({
    scalars,
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)]),
    ),
    logps,
  });

  it('renio counts a token at its threshold', () => {
    const step = stepBy([scored({}, { teacher: [-2] }, [-1]), scored({}, { teacher: [-2] }, [-1.5])]);
    const { gradient } = evaluate({ name: 'renio', threshold: 1 }, step);
    // Weights e and 1 over their mean, times the gap, over 2 responses.
    expect(gradient[0]![0]).toBeCloseTo(exp(1) / ((exp(1) + 1) / 2) / 2, 14);
    expect(gradient[1]![0]).toBeCloseTo((1 / ((exp(1) + 1) / 2)) * (0.5 / 2), 14);
  });

  it('renio holds a weight at 10 times the mean', () => {
    const one = (gap: number) => scored({}, { teacher: [-1 - gap] }, [-1]);
    const step = stepBy([one(8), ...Array.from({ length: 15 }, () => one(0))]);
    const { gradient } = evaluate({ name: 'renio', most: 8 }, step);
    expect(gradient[0]![0]).toBeCloseTo((10 * 8) / 16, 14);
  });

  it('oreal counts a response without advantage among the wrong ones', () => {
    const one = (advantage: number) => scored({ advantage }, { credit: [advantage], reference: [-1] }, [-1]);
    const step = stepBy([one(1), one(0), one(-1)]);
    const { gradient } = evaluate({ name: 'oreal', kl: 0, negative: 1 }, step);
    expect(gradient.map(([slope]) => slope! + 0)).toEqual([-1, 0, 1 / 2]);
  });

  it('nft holds log-ratios of right responses at 10', () => {
    const at = (logp: number) =>
      evaluate(
        { name: 'nft', weighting: 'none' },
        stepBy([scored({ reward: 1, pass_rate: 0.5 }, { behaviour: [-12] }, [logp])]),
      );
    expect(at(-1)).toMatchObject({ loss: -10, gradient: [Float64Array.of(-0)] });
    expect(at(-4)).toMatchObject({ loss: -8, gradient: [Float64Array.of(-1)] });
  });
});

describe('s2r', () => {
  const response = (change: Partial<SequenceInfo>, logps = [-1, -2, -1]) =>
    stepBy([
      {
        scalars: { reward: 1, baseline: 0.5 },
        columns: {
          reference: Float64Array.of(-1.5, -1.5, -1.5),
          reward: Float64Array.of(1, -1),
          baseline: Float64Array.of(0.5, 0),
        },
        ...change,
        logps,
      },
    ]);

  it('without segments has one, which is judged as the response is', () => {
    const process = evaluate({ name: 's2r', level: 'process' }, response({}));
    const outcome = evaluate({ name: 's2r', detached: true }, response({}));
    expect(process.loss).toBe(outcome.loss);
    expect(process.gradient).toEqual(outcome.gradient);
  });

  it('leaves out a segment that has no weight', () => {
    const segments = Uint8Array.of(0, 0, 1);
    const spec = { name: 's2r', level: 'process' };
    const masked = evaluate(spec, response({ segments, tokenWeights: Float64Array.of(1, 1, 0) }));
    const alone = evaluate(spec, response({ segments: segments.slice(0, 2), length: 2 }, [-1, -2]));
    expect(masked.loss).toBe(alone.loss);
    expect([...masked.gradient[0]!]).toEqual([...alone.gradient[0]!, 0]);
  });

  it('holds the log-ratio in ρ at 20', () => {
    const far = (gap: number) =>
      evaluate(
        { name: 's2r', kappa: 0 },
        stepBy([
          {
            scalars: { reward: 0, baseline: 1 },
            columns: { reference: Float64Array.of(-gap) },
            logps: [0],
          },
        ]),
      );
    expect(far(19)).toMatchObject({ loss: exp(19), gradient: [Float64Array.of(exp(19))] });
    for (const gap of [20, 30]) {
      expect(far(gap).loss).toBe(exp(20));
      expect(far(gap).gradient[0]![0]! + 0).toBe(0);
    }
  });
});

describe('divergence of certain tokens', () => {
  const sure = Float64Array.of(0);
  const half = Float64Array.of(log(0.5));

  it('is 0 where both are certain', () => {
    for (const beta of [0, 0.3, 1])
      for (const temperature of [1, 2]) {
        const { loss, slopes } = divergence(sure, sure, { beta, temperature });
        expect(loss + 0).toBe(0);
        expect(slopes.every(Number.isFinite)).toBe(true);
      }
  });

  it('has its worked values where the teacher is certain', () => {
    // √½ and √½ are one half each again; 0 stays 0.
    for (const temperature of [1, 2])
      expect(divergence(sure, half, { beta: 0, temperature }).loss).toBeCloseTo(LN2, 15);
    // m = 3/4 and 1/4: ½·log 4/3 + ½·(½ log 2/3 + ½ log 2)
    const jsd = divergence(sure, half, { beta: 0.5, temperature: 1 });
    expect(jsd.loss).toBeCloseTo(0.5 * log(4 / 3) + 0.25 * log(2 / 3) + 0.25 * LN2, 15);
  });

  it('takes a rest under 1e-7 as none, whose log is that of 1e-7', () => {
    const nearly = (rest: number) => Float64Array.of(Math.log1p(-rest));
    const at = (rest: number) => divergence(half, nearly(rest), { beta: 0, temperature: 1 });
    // ½·log(½/1) + ½·log(½/rest)
    expect(at(2e-7).loss).toBeCloseTo(-LN2 - 0.5 * log(2e-7), 6);
    for (const rest of [0.5e-7, 0]) expect(at(rest).loss).toBeCloseTo(-LN2 - 0.5 * log(1e-7), 6);
    expect(at(0.5e-7).slopes[0]).toBe(-0.5);
    expect(at(2e-7).slopes[0]).toBeCloseTo(-0.5 + 0.5 / 2e-7, -2);
  });

  it('takes a rest of exactly 1e-7 as one', () => {
    // Two tokens that leave it: what the first leaves is a multiple of 2⁻⁵³, and the logarithm of the second may not be a double.
    const first = Array.from({ length: 100 }, (_, k) => (2e9 + k) * 2 ** -53);
    const student = first
      .map((left) => [log(1 - left), log(left - 1e-7)])
      .find(([a, b]) => 1 - exp(a!) - exp(b!) === 1e-7)!;
    const teacher = Float64Array.of(log(0.5), log(0.25));
    const { slopes } = divergence(teacher, Float64Array.from(student), { beta: 0, temperature: 1 });
    // −ν(v) + ν(rest)·π(v)/π(rest)
    expect(slopes[0]! / (0.25 / 1e-7)).toBeCloseTo(1, 6);
  });
});

describe('glow', () => {
  it('knows nothing of a response without a name', () => {
    const named = columnStep(12, 'samples');
    const sequences = named.sequences.map((sequence) => ({ ...sequence, id: undefined }));
    const { loss, gradient } = evaluate({ name: 'glow' }, { ...named, sequences });
    const first = evaluate({ name: 'glow' }, { ...named, step: stepOf(named.sequences) });
    expect(loss).toBe(first.loss);
    expect(relativeError(gradient, first.gradient)).toBe(0);
  });
});
