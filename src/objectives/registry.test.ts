/** Each objective of the list against its equation, as test/support/objectiveEquations.ts has it: value, derivative, parts, labels. */
import { describe, expect, it } from 'vitest';
import { columnStep } from '../../test/support/columnBatches.js';
import { equations } from '../../test/support/objectiveEquations.js';
import { Response } from '../../test/support/objectiveResponse.js';
import { partOf, relativeError } from '../../test/support/tokenBatches.js';
import {
  createObjective,
  linearLoss,
  objectiveNames,
  readColumns,
  type Objective,
  type ObjectiveSpec,
  type ReadValues,
  type ScoredBatch,
} from './index.js';

const columnsOf = (reads: readonly ReadValues[] = [], columns: readonly string[]): Float64Array[] =>
  reads.flatMap((of) => columns.map((name) => of[name]!));

/** dLoss/dlogp by central differences of fourth order; the loss is told which row is not what it was. */
function numericalGradient(
  loss: (moved: Float64Array) => number,
  logps: readonly Float64Array[],
): Float64Array[] {
  const h = 2e-4;
  return logps.map((row) =>
    row.map((value, t) => {
      const at = (steps: number) => {
        row[t] = value + steps * h;
        const found = loss(row);
        row[t] = value;
        return found;
      };
      return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
    }),
  );
}

/** The parts of a step that may be judged apart. */
function partsOf(objective: Objective, batch: ScoredBatch): number[][] {
  const places = [...batch.sequences.keys()];
  if (objective.couples === 'step') return [places];
  // The metrics of fixed weights look at pairs: those are judged once, when all is scored.
  if (objective.couples !== 'group' && (objective.data === 'groups' || !objective.weights))
    return places.map((i) => [i]);
  return [...new Set(batch.sequences.map(({ group }) => group))].map((group) =>
    places.filter((i) => batch.sequences[i]!.group === group),
  );
}

it('has an equation for each of the list', () => {
  expect(Object.keys(equations).sort()).toEqual([...objectiveNames].sort());
});

/** Three random steps of each kind, with weights and without. */
const stepsOf = { pairs: bothOf('pairs'), samples: bothOf('samples') };
function bothOf(kind: 'pairs' | 'samples') {
  const steps = (isWeighted: boolean) => [1, 2, 3].map((seed) => columnStep(seed, kind, isWeighted));
  return { weighted: steps(true), plain: steps(false) };
}

const cases = Object.entries(equations).flatMap(([name, settings]) =>
  settings.flatMap(([parameters, equation]) => {
    const spec: ObjectiveSpec = { name, ...parameters };
    const kinds =
      createObjective(spec).data === 'groups' ? (['pairs', 'samples'] as const) : (['pairs'] as const);
    return kinds.flatMap((kind) =>
      [true, false].map((isWeighted) => ({
        title: `${name} ${JSON.stringify(parameters)} on ${kind}${isWeighted ? ' with weights' : ''}`,
        ...{ spec, equation, kind, isWeighted },
      })),
    );
  }),
);

describe.each(cases)('$title', ({ spec, equation, kind, isWeighted }) => {
  const steps = stepsOf[kind][isWeighted ? 'weighted' : 'plain'];
  /** The loss of the equation, where all rows but one are what they were. */
  const lossOf = (batch: ScoredBatch) => {
    const { sequences, logps } = batch;
    const reads = batch.reads!;
    const frozen = logps.map((row) => [...row]);
    const responseAt = (i: number) => new Response(sequences[i]!, [...logps[i]!], frozen[i]!, reads[i]);
    const all = sequences.map((_, i) => responseAt(i));
    return (moved?: Float64Array) => {
      const isMoved = (i: number) => [logps[i], ...Object.values(reads[i]!)].includes(moved);
      return equation(
        all.map((response, i) => (moved && isMoved(i) ? responseAt(i) : response)),
        batch,
      );
    };
  };

  it('has the value and the finite differences of its equation', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const { loss, gradient, readGradient } = objective.evaluate(step);
      const equationAt = lossOf(step);
      const value = equationAt();
      expect(Math.abs(loss - value)).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
      const columns = readColumns(objective);
      const all = [...gradient, ...columnsOf(readGradient, columns)];
      const moved = [...step.logps, ...columnsOf(step.reads, columns)];
      const expected = numericalGradient(equationAt, moved);
      expect(relativeError(all, expected)).toBeLessThan(1e-6);
    }
  });

  it('adds up over the parts of a step', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const whole = objective.evaluate(step);
      let loss = 0;
      for (const indices of partsOf(objective, step)) {
        const part = objective.evaluate({ ...partOf(step, indices), mismatched: step.mismatched! });
        loss += part.loss;
        indices.forEach((i, at) => {
          expect(part.gradient[at]).toEqual(whole.gradient[i]);
          expect(part.readGradient?.[at]).toEqual(whole.readGradient?.[i]);
        });
        if (!objective.weights) continue;
        const weights = objective.weights(partOf(step, indices));
        expect(linearLoss(weights, partOf(step, indices).logps)).toBeCloseTo(part.loss, 12);
        expect(weights).toEqual(part.gradient);
      }
      expect(loss).toBeCloseTo(whole.loss, 11);
    }
  });

  it('stays finite with labels that are wrong, certain tokens and impossible ones', () => {
    const objective = createObjective(spec);
    for (const step of steps) {
      const flipped = step.sequences.map((sequence, i) => {
        if (i % 5 > 1) return sequence;
        const { reward, advantage } = sequence.scalars!;
        return { ...sequence, scalars: { ...sequence.scalars, reward: -reward!, advantage: -advantage! } };
      });
      const logps = step.logps.map((row) =>
        row.map((logp, t) => (t % 4 === 1 ? 0 : t % 4 === 3 ? -700 : logp)),
      );
      const reads = step.reads!.map((columns) =>
        Object.fromEntries(
          Object.entries(columns).map(([name, values]) => [
            name,
            values.map((logp, entry) => (entry % 4 === 1 ? 0 : entry % 4 === 3 ? -700 : logp)),
          ]),
        ),
      );
      const { loss, gradient, readGradient, metrics } = objective.evaluate({
        ...step,
        reads,
        sequences: flipped,
        step: { ...step.step, sequences: flipped },
        logps,
      });
      expect(
        [
          ...[loss, ...Object.values(metrics)],
          ...[...gradient, ...columnsOf(readGradient, readColumns(objective))].flatMap((row) => [...row]),
        ].every(Number.isFinite),
      ).toBe(true);
    }
  });
});
