import { expect } from 'vitest';
import { loadModel } from '../../src/models/checkpoint.js';
import { Scorer } from '../../src/models/scorer.js';
import { createObjective, topKOf, type Objective } from '../../src/objectives/index.js';
import type { TokenRow } from '../../src/text/tokenRows.js';
import { clipFactor, globalNorm } from '../../src/torch/optim.js';
import { Engine } from '../../src/train/engine.js';
import { withReference } from '../../src/objectives/objective.js';
import type { TrainSequence } from '../../src/train/sequences.js';
import { runStep } from '../../src/train/step.js';
import { TrainableWeights } from '../../src/train/weights.js';

/** What test/oracles/six_steps.py writes. */
export interface SixSteps {
  optimizer: { lr: number; betas: [number, number]; eps: number; weightDecay: number; clipGradNorm: number };
  pairsPerStep: number;
  objectives: Record<
    string,
    {
      /** As in a recipe; the name is another where the objective goes by a setting of it. */
      settings: { name?: string } & Record<string, unknown>;
      /** For each pair the likeliest tokens in the place of the first ones of the chosen answer, which alone are trained. */
      teacher?: { ids: number[][]; logps: number[][] }[];
      steps: { loss: number; gradNorm: number; baseline?: number }[];
    }
  >;
}

export interface Side {
  ids: readonly number[];
  responseStart: number;
}
const SIDES = ['chosen', 'rejected'] as const;
export type Pair = Record<(typeof SIDES)[number], Side>;

export const rowOf = ({ ids, responseStart }: Side): TokenRow => ({
  ids: Int32Array.from(ids),
  responseStart,
});

/** The sequences of the steps, for an objective. */
function stepsOf(
  objective: Objective,
  pairs: readonly Pair[],
  { pairsPerStep, teacher }: Pick<SixSteps, 'pairsPerStep'> & Pick<SixSteps['objectives'][string], 'teacher'>,
): TrainSequence[][] {
  const trained = (place: number, group: number, side: keyof Pair): TrainSequence => {
    const { ids, responseStart } = pairs[place]![side];
    const known = teacher?.[place];
    const topK = known && { topK: { teacher_topk: topKOf(known.ids, known.logps) } };
    const length = known?.ids.length ?? ids.length - responseStart;
    return {
      role: objective.data === 'messages' ? 'demonstration' : side,
      ...{ group, length },
      row: { ...rowOf({ ids: ids.slice(0, responseStart + length), responseStart }), ...topK },
      ...topK,
      scalars: { reward: side === 'chosen' ? 1 : -1 },
    };
  };
  /** The prompt of one pair with an answer of the next. */
  const unrelated = (own: Side, { ids, responseStart }: Side, group: number): TrainSequence => ({
    role: 'mismatched',
    group,
    length: ids.length - responseStart,
    row: rowOf({
      ...own,
      ids: [...own.ids.slice(0, own.responseStart), ...ids.slice(responseStart)],
    }),
    onlyScored: true,
  });
  const sides = objective.data === 'messages' || teacher ? SIDES.slice(0, 1) : SIDES;
  return Array.from({ length: pairs.length / pairsPerStep }, (_, s) =>
    Array.from({ length: pairsPerStep }, (_, group) => group).flatMap((group) => {
      const place = s * pairsPerStep + group;
      const [pair, next] = [pairs[place]!, pairs[(place + 1) % pairs.length]!];
      return [
        ...sides.map((side) => trained(place, group, side)),
        ...(objective.mismatched ? sides.map((side) => unrelated(pair[side], next[side], group)) : []),
      ];
    }),
  );
}

/** Trains a model in f32 by an objective, and expects the losses, gradient norms and baselines of PyTorch at each step. */
export function expectSixSteps(
  dir: string,
  fixture: SixSteps,
  pairs: readonly Pair[],
  { name, tokenBudget }: { name: string; tokenBudget: number },
): void {
  const { settings, teacher, steps } = fixture.objectives[name]!;
  const { lr, clipGradNorm: clip, ...options } = fixture.optimizer;
  const objective = createObjective({ name, ...settings });
  const { model } = loadModel(dir, { dtype: 'f32' });
  using weights = new TrainableWeights(model, 'f32');
  using engine = new Engine(weights);
  using optimizer = weights.optimizer(options);
  const stepSequences = stepsOf(objective, pairs, { ...fixture, ...(teacher && { teacher }) });
  expect(stepSequences).toHaveLength(steps.length);
  if (objective.needs.reference) {
    using scorer = new Scorer(model);
    for (const sequences of stepSequences)
      sequences.forEach((sequence, i) => {
        sequences[i] = withReference(sequence, scorer.score([sequence.row])[0]!);
      });
  }
  stepSequences.forEach((sequences, s) => {
    const { loss, metrics } = runStep(engine, objective, sequences, tokenBudget);
    const gradNorm = globalNorm([...weights.grads.values()]);
    const expected = steps[s]!;
    expect(Math.abs(loss / expected.loss - 1), `loss of step ${s}`).toBeLessThan(1e-4);
    expect(Math.abs(gradNorm / expected.gradNorm - 1), `norm of step ${s}`).toBeLessThan(1e-3);
    if (expected.baseline !== undefined) expect(Math.abs(metrics.kl! - expected.baseline)).toBeLessThan(1e-3);
    weights.update(optimizer, lr, clipFactor(gradNorm, clip));
  });
}
