/** What objectives of pairs and of whole steps become at the ends of their parameters, and values worked out by hand. */
import { describe, expect, it } from 'vitest';
import { columnStep, stepBy, withColumns } from '../../test/support/columnBatches.js';
import { createObjective, type ObjectiveSpec, type ScoredBatch } from './index.js';

const evaluate = (spec: ObjectiveSpec, batch: ScoredBatch) => createObjective(spec).evaluate(batch);
const total = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

describe('pairs and steps', () => {
  it('dpo does not see a prefix of weight 0, and nothing of one that both sides share', () => {
    const reference = (values: number[]) => ({ scalars: { reference: total(values) } });
    const pair = (prefix: number[], tokenWeights?: [number[], number[]]) => {
      const sides = [
        { role: 'chosen', group: 0, logps: [...prefix, -0.4], ...reference([...prefix.map(() => -1), -0.7]) },
        {
          role: 'rejected',
          group: 0,
          logps: [...prefix, -0.2, -0.9],
          ...reference([...prefix.map(() => -1), -1, -0.3]),
        },
      ];
      return stepBy(
        sides.map((side, i) => ({
          ...side,
          ...(tokenWeights && { tokenWeights: Float64Array.from(tokenWeights[i]!) }),
        })),
      );
    };
    const [bare, shared] = [evaluate({ name: 'dpo' }, pair([])), evaluate({ name: 'dpo' }, pair([-2, -3]))];
    expect(shared.loss).toBeCloseTo(bare.loss, 15);
    const masked = pair(
      [-2, -3],
      [
        [0, 0, 1],
        [0, 0, 1, 1],
      ],
    );
    const sequences = masked.sequences.map((side, i) => ({
      ...side,
      scalars: pair([]).sequences[i]!.scalars!,
    }));
    const { loss, gradient } = evaluate({ name: 'dpo' }, { ...masked, sequences });
    expect(loss).toBeCloseTo(bare.loss, 15);
    expect(gradient.map((row) => [...row.slice(0, 2)])).toEqual([
      [-0, -0],
      [0, 0],
    ]);
  });

  it('orpo has its worked value: P = 1/2 and 1/5, odds 1 and 1/4', () => {
    const step = stepBy([
      { role: 'chosen', group: 0, logps: [Math.log(1 / 2), Math.log(1 / 2)] },
      { role: 'rejected', group: 0, logps: [Math.log(1 / 5)] },
    ]);
    const { loss, metrics } = evaluate({ name: 'orpo', lambda: 0.5 }, step);
    expect(loss).toBeCloseTo(Math.LN2 + 0.5 * Math.log(1.25), 14);
    expect(metrics['rewards/margins']).toBeCloseTo(Math.log(4), 14);
    const none = evaluate({ name: 'orpo', lambda: 0 }, step);
    expect(none.loss).toBeCloseTo(evaluate({ name: 'redi', alpha: 0 }, step).loss, 15);
  });

  it('kto has its worked values: half of each weight at the reference, and a baseline of at least 0', () => {
    const one = (reward: number, logp: number, reference: number) => ({
      ...{ scalars: { reward, reference }, logps: [logp] },
    });
    const step = stepBy([one(1, -1, -1), one(-1, -2, -2)]);
    expect(evaluate({ name: 'kto', undesirable: 3 }, step).loss).toBeCloseTo((0.5 + 3 * 0.5) / 2, 15);
    const unrelated = (gap: number) => [
      {
        sequence: { role: 'mismatched', group: 0, length: 1, scalars: { reference: -1 } },
        logps: Float64Array.of(-1 + gap),
      },
    ];
    const { metrics } = evaluate({ name: 'kto' }, { ...step, mismatched: unrelated(-4) });
    expect(metrics.kl).toBe(0);
    const up = evaluate({ name: 'kto', beta: 1 }, { ...step, mismatched: unrelated(Math.log(3)) });
    // σ(−log 3) = 1/4 for the right one, σ(log 3) = 3/4 for the wrong one.
    expect(up.loss).toBeCloseTo((3 / 4 + 1 / 4) / 2, 15);
    expect(up.gradient[0]![0]).toBeCloseTo(-3 / 16 / 2, 15);
  });

  it('cdpo without contrast is dpo, and where s = 1 the rejected side is not seen', () => {
    const step = columnStep(10, 'pairs');
    const contrast = (value: number) =>
      withColumns(step, ({ length }) => ({ columns: { contrast: new Float64Array(length).fill(value) } }));
    expect(evaluate({ name: 'cdpo' }, contrast(0))).toEqual(evaluate({ name: 'dpo' }, step));
    const blind = evaluate({ name: 'cdpo' }, contrast(1)).gradient;
    step.sequences.forEach(({ role }, i) => {
      if (role === 'rejected') expect(total(blind[i]!.map(Math.abs))).toBe(0);
    });
  });
});
