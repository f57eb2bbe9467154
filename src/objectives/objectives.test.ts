import { describe, expect, it } from 'vitest';
import { numericalGradient, partOf, randomStep, relativeError } from '../../test/support/tokenBatches.js';
import {
  columnOf,
  createObjective,
  linearLoss,
  sequenceMetrics,
  stepOf,
  type ObjectiveSpec,
  type ScoredBatch,
} from './index.js';
import { withReference } from './objective.js';

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const mean = (values: ArrayLike<number>) => sum(values) / values.length;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** The pairs of a step as arrays of log-probs: [chosen, rejected, reference of chosen, reference of rejected]. */
function pairs({ sequences, logps }: ScoredBatch) {
  const referenceLogps = sequences.map((sequence) => columnOf(sequence, 'reference'));
  const groups = [...new Set(sequences.map(({ group }) => group))];
  return groups.map((group) => {
    const at = (role: string) => sequences.findIndex((s) => s.group === group && s.role === role);
    const [w, l] = [at('chosen'), at('rejected')];
    return [logps[w]!, logps[l]!, referenceLogps[w]!, referenceLogps[l]!] as const;
  });
}

/** The losses straight from the equations of the papers. */
const equations: [ObjectiveSpec, 'pairs' | 'demonstrations' | 'mixed', (step: ScoredBatch) => number][] = [
  [{ name: 'sft' }, 'demonstrations', ({ logps }) => -mean(logps.flatMap((row) => [...row]))],
  [{ name: 'sft' }, 'pairs', (step) => -mean(pairs(step).flatMap(([w]) => [...w]))],
  [
    { name: 'sft' },
    'mixed',
    ({ sequences, logps }) =>
      -mean(logps.flatMap((row, i) => (sequences[i]!.role === 'rejected' ? [] : [...row]))),
  ],
  [{ name: 'redi' }, 'pairs', (step) => mean(pairs(step).map(([w, l]) => -mean(w) + 0.8 * mean(l)))],
  [
    { name: 'redi', alpha: 0.2 },
    'pairs',
    (step) => mean(pairs(step).map(([w, l]) => -mean(w) + 0.2 * mean(l))),
  ],
  [{ name: 'symmetric' }, 'pairs', (step) => mean(pairs(step).map(([w, l]) => -mean(w) + mean(l)))],
  [
    { name: 'simpo' },
    'pairs',
    (step) => mean(pairs(step).map(([w, l]) => -Math.log(sigmoid(2 * (mean(w) - mean(l)) - 1)))),
  ],
  [
    { name: 'simpo', beta: 10, gamma: 5 },
    'pairs',
    (step) => mean(pairs(step).map(([w, l]) => -Math.log(sigmoid(10 * (mean(w) - mean(l)) - 5)))),
  ],
  [
    { name: 'dpo' },
    'pairs',
    (step) =>
      mean(
        pairs(step).map(
          ([w, l, rw, rl]) => -Math.log(sigmoid(0.1 * (sum(w) - sum(rw) - (sum(l) - sum(rl))))),
        ),
      ),
  ],
  [
    { name: 'dpo', beta: 0.5 },
    'pairs',
    (step) =>
      mean(
        pairs(step).map(
          ([w, l, rw, rl]) => -Math.log(sigmoid(0.5 * (sum(w) - sum(rw) - (sum(l) - sum(rl))))),
        ),
      ),
  ],
];

const label = ({ name, ...parameters }: ObjectiveSpec) => `${name} ${JSON.stringify(parameters)}`;

describe.each(
  equations.map(([spec, kind, equation]) => ({ title: `${label(spec)} on ${kind}`, spec, kind, equation })),
)('$title', ({ spec, kind, equation }) => {
  const steps = [1, 2, 3, 4, 5].map((seed) => randomStep(seed, kind));

  it('has the value of its equation', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const expected = equation(step);
      expect(Math.abs(objective.evaluate(step).loss - expected)).toBeLessThan(
        1e-13 * Math.max(1, Math.abs(expected)),
      );
    }
  });

  it('has the gradient of finite differences', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const expected = numericalGradient(() => objective.evaluate(step).loss, step.logps);
      expect(relativeError(objective.evaluate(step).gradient, expected)).toBeLessThan(1e-6);
    }
  });

  it('adds up over the parts of a step', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const whole = objective.evaluate(step);
      let loss = 0;
      const metrics: Record<string, number> = {};
      const gradient: Float64Array[] = [];
      for (const groups of [[0, 3], [1], [2, 4, 5]]) {
        const indices = [...step.sequences.keys()].filter((i) => groups.includes(step.sequences[i]!.group));
        const part = objective.evaluate(partOf(step, indices));
        loss += part.loss;
        for (const [name, value] of Object.entries(part.metrics))
          metrics[name] = (metrics[name] ?? 0) + value;
        indices.forEach((i, at) => (gradient[i] = part.gradient[at]!));
      }
      expect(loss).toBeCloseTo(whole.loss, 13);
      expect(gradient).toEqual(whole.gradient);
      expect(Object.keys(metrics)).toEqual(Object.keys(whole.metrics));
      for (const [name, value] of Object.entries(whole.metrics)) expect(metrics[name]).toBeCloseTo(value, 12);
    }
  });

  if (createObjective(spec).weights) {
    it('is the same by weights, the sides of a pair apart', () => {
      const objective = createObjective(spec);
      for (const step of steps) {
        const whole = objective.evaluate(step);
        // Every sequence on its own, last first, as packs may hold them.
        const order = [...step.sequences.keys()].reverse();
        const rows = order.map((i) => {
          const part = partOf(step, [i]);
          const weights = objective.weights!({ sequences: part.sequences, step: part.step });
          return { i, weights: weights[0]!, loss: linearLoss(weights, part.logps) };
        });
        for (const { i, weights } of rows) expect(weights).toEqual(whole.gradient[i]);
        expect(sum(rows.map(({ loss }) => loss))).toBeCloseTo(whole.loss, 13);
        expect(sequenceMetrics(objective, step, step.logps.map(sum))).toEqual(whole.metrics);
      }
    });
  }
});

/** A step of one pair. */
function onePair(chosen: number[], rejected: number[], reference?: [number[], number[]]): ScoredBatch {
  const rows = (values: number[][]) => values.map((row) => Float64Array.from(row));
  const bare = [
    { role: 'chosen', group: 0, length: chosen.length },
    { role: 'rejected', group: 0, length: rejected.length },
  ];
  const sequences = reference ? bare.map((side, i) => withReference(side, rows(reference)[i]!)) : bare;
  return { sequences, step: stepOf(sequences), logps: rows([chosen, rejected]) };
}

describe('redi', () => {
  const worked = onePair([-0.1, -0.3], [-0.2, -0.6, -1.0]);

  it('has the worked value −0.28 and its derivatives', () => {
    const { loss, gradient } = createObjective({ name: 'redi', alpha: 0.8 }).evaluate(worked);
    expect(loss).toBeCloseTo(-0.28, 15);
    expect(gradient).toEqual([Float64Array.of(-1 / 2, -1 / 2), new Float64Array(3).fill(0.8 / 3)]);
  });

  it('is length-normalised SFT on the chosen sides at α = 0', () => {
    const step = randomStep(11, 'pairs');
    const { loss, gradient } = createObjective({ name: 'redi', alpha: 0 }).evaluate(step);
    expect(loss).toBeCloseTo(-mean(pairs(step).map(([w]) => mean(w))), 13);
    // The same through `sft`, which takes each trace's own token mean when it is given the trace alone.
    const sft = createObjective({ name: 'sft' });
    step.sequences.forEach((sequence, i) => {
      const alone = sft.weights!({ sequences: [sequence], step: stepOf([sequence]) })[0]!;
      const expected =
        sequence.role === 'rejected' ? new Float64Array(sequence.length) : alone.map((g) => g / 6);
      expect(relativeOrZero(gradient[i]!, expected)).toBeLessThan(1e-15);
    });
  });

  it('is symmetric at α = 1', () => {
    const step = randomStep(12, 'pairs');
    const symmetric = createObjective({ name: 'symmetric' });
    expect(createObjective({ name: 'redi', alpha: 1 }).evaluate(step)).toEqual(symmetric.evaluate(step));
  });

  it('does not stumble over a rejected token of probability 0 at α = 0', () => {
    const { loss } = createObjective({ name: 'redi', alpha: 0 }).evaluate(onePair([-1], [-Infinity]));
    expect(loss).toBe(1);
  });
});

function relativeOrZero(a: Float64Array, b: Float64Array): number {
  return b.every((x) => x === 0) ? Math.max(...a.map(Math.abs)) : relativeError([a], [b]);
}

describe('simpo', () => {
  it("tends to symmetric as β → 0: gradient/(β·σ(γ)), within the paper's bound β·R/4", () => {
    const step = randomStep(13, 'pairs');
    const symmetric = createObjective({ name: 'symmetric' }).evaluate(step).gradient;
    const largestMargin = Math.max(...pairs(step).map(([w, l]) => Math.abs(mean(w) - mean(l))));
    for (const gamma of [0, 1, 3]) {
      for (const beta of [1e-2, 1e-4, 1e-7]) {
        const { gradient } = createObjective({ name: 'simpo', beta, gamma }).evaluate(step);
        const scaled = gradient.map((row) => row.map((g) => g / (beta * sigmoid(gamma))));
        const bound = (beta * largestMargin) / 4 / sigmoid(gamma);
        expect(relativeError(scaled, symmetric)).toBeLessThan(bound + 1e-14);
      }
    }
  });
});

describe('dpo', () => {
  it('has loss log 2 and slopes ±β/2 where the model is the reference', () => {
    const step = onePair([-0.1, -0.3], [-0.2], [[-0.1, -0.3], [-0.2]]);
    const { loss, gradient, metrics } = createObjective({ name: 'dpo', beta: 0.1 }).evaluate(step);
    expect(loss).toBeCloseTo(Math.LN2, 15);
    expect(gradient).toEqual([Float64Array.of(-0.05, -0.05), Float64Array.of(0.05)]);
    expect(metrics).toMatchObject({ 'rewards/margins': 0, 'rewards/accuracies': 0 });
  });

  it('says that reference log-probs are missing', () => {
    expect(() => createObjective({ name: 'dpo' }).evaluate(onePair([-1], [-2]))).toThrow('reference');
  });

  it('stays finite and exact at margins of thousands', () => {
    const dpo = createObjective({ name: 'dpo', beta: 1 });
    const lost = dpo.evaluate(onePair([-5000], [0], [[0], [0]]));
    expect(lost.loss).toBe(5000);
    expect(lost.gradient).toEqual([Float64Array.of(-1), Float64Array.of(1)]);
    const won = dpo.evaluate(onePair([0], [-5000], [[0], [0]]));
    expect(won.loss).toBe(0);
    expect(Math.abs(won.gradient[0]![0]!)).toBe(0);
    const ahead = dpo.evaluate(onePair([0], [-40], [[0], [0]]));
    expect(ahead.loss / Math.exp(-40)).toBeCloseTo(1, 15);
    expect(ahead.gradient[0]![0]! / -Math.exp(-40)).toBeCloseTo(1, 15);
  });
});
