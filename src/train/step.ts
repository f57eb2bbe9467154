/** @file Computes the loss and gradients of one optimizer step. The update is the caller's. */
import {
  countStep,
  type Evaluation,
  type Metrics,
  type Objective,
  type SequenceInfo,
  type StepCounts,
} from '../objectives/objective.js';
import type { TokenRow } from '../text/tokenRows.js';
import { disposeAll } from '../torch/tensor.js';
import type { Activations, Engine } from './engine.js';
import { callsByTokenBudget, packByTokenBudget } from './tokenBudget.js';

/** One sequence of an optimizer step. */
export interface TrainSequence extends SequenceInfo {
  row: TokenRow;
  /** How much each response token counts; absent where all count 1. `weight` is Σ|w| of them. */
  tokenWeights?: Float64Array;
  /** Log-probs of the response under the reference model, if the objective needs them. */
  referenceLogps?: Float64Array;
}

export interface StepResult {
  loss: number;
  metrics: Metrics;
}

/** Runs a step without a pause; see `stepByPacks`. */
export function runStep(
  engine: Engine,
  objective: Objective,
  sequences: readonly TrainSequence[],
  tokenBudget: number,
): StepResult {
  const packs = stepByPacks(engine, objective, sequences, tokenBudget);
  let next = packs.next();
  while (!next.done) next = packs.next();
  return next.value;
}

/**
 * Runs forward and backward over all sequences of an optimizer step; the gradients are left in the engine's weights. Pauses before
 * each pack; one that is not to go on is ended by `return`, which frees what was kept.
 *
 * Where the objective's weights are known beforehand, every pack goes forward and backward at once, and the members of
 * a pair may be in different packs. Otherwise whole groups go through the model together: a first pass over the head
 * gives their log-probs, the objective computes the gradient from them, and the backward starts from the kept
 * activations.
 *
 * @param tokenBudget tokens that go through the model at once
 */
export function* stepByPacks(
  engine: Engine,
  objective: Objective,
  sequences: readonly TrainSequence[],
  tokenBudget: number,
): Generator<void, StepResult, void> {
  const normalizer = countStep(sequences);
  const lengths = sequences.map((sequence) => sequence.row.ids.length);
  const forward = (members: readonly number[]): Activations =>
    engine.forward(members.map((i) => sequences[i]!.row));
  const weigh = (i: number, values: Float64Array) => weighed(values, sequences[i]!.tokenWeights);
  const evaluate = (members: readonly number[], logps: readonly Float64Array[]) =>
    evaluateSequences(
      objective,
      members.map((i) => sequences[i]!),
      normalizer,
      members.map((i) => logps[i]!),
    );

  const all = sequences.map((_, i) => i);
  const logps: Float64Array[] = [];
  if (objective.weights) {
    const gradient = objective.weights({ sequences, normalizer });
    for (const members of packByTokenBudget(lengths, tokenBudget)) {
      yield;
      const result = engine.backward(
        forward(members),
        members.map((i) => weigh(i, gradient[i]!)),
      );
      members.forEach((i, position) => (logps[i] = result[position]!));
    }
    const { loss, metrics } = evaluate(all, logps);
    return { loss, metrics };
  }

  const total: StepResult = { loss: 0, metrics: {} };
  for (const call of callsByTokenBudget(groupsOf(sequences), tokenBudget)) {
    const packs = packByTokenBudget(
      call.map((i) => lengths[i]!),
      tokenBudget,
    ).map((members) => members.map((position) => call[position]!));
    const kept: Activations[] = [];
    try {
      for (const members of packs) {
        yield;
        const activations = forward(members);
        kept.push(activations);
        engine.score(activations).forEach((values, position) => (logps[members[position]!] = values));
      }
      const part = evaluate(call, logps);
      total.loss += part.loss;
      for (const [name, value] of Object.entries(part.metrics)) {
        total.metrics[name] = (total.metrics[name] ?? 0) + value;
      }
      const gradient = new Map(call.map((i, position) => [i, part.gradient[position]!]));
      for (const members of packs)
        engine.backward(
          kept.shift()!,
          members.map((i) => weigh(i, gradient.get(i)!)),
        );
    } finally {
      disposeAll(kept);
    }
  }
  return total;
}

/**
 * Has an objective judge sequences by their log-probs. It sees w·log p of each token, so that its sums are Σ w·log p; what it returns
 * is the derivative by it.
 */
export function evaluateSequences(
  objective: Objective,
  sequences: readonly TrainSequence[],
  normalizer: StepCounts,
  logps: readonly Float64Array[],
): Evaluation {
  const weigh = (values: Float64Array, i: number) => weighed(values, sequences[i]!.tokenWeights);
  return objective.evaluate({
    sequences,
    normalizer,
    logps: logps.map(weigh),
    ...(objective.needs.reference && {
      referenceLogps: sequences.map(({ referenceLogps }, i) => weigh(referenceLogps!, i)),
    }),
  });
}

/** A token of weight 0 has no part in anything, even if its probability is 0. */
function weighed(values: Float64Array, weights: Float64Array | undefined): Float64Array {
  if (!weights) return values;
  return values.map((value, i) => (weights[i] === 0 ? 0 : weights[i]! * value));
}

/** Collects the sequences' indices by group, with the number of tokens in each. */
function groupsOf(sequences: readonly TrainSequence[]): { indices: number[]; tokens: number }[] {
  const groups = new Map<number, { indices: number[]; tokens: number }>();
  sequences.forEach(({ group, row }, i) => {
    let entry = groups.get(group);
    if (!entry) groups.set(group, (entry = { indices: [], tokens: 0 }));
    entry.indices.push(i);
    entry.tokens += row.ids.length;
  });
  return [...groups.values()];
}
