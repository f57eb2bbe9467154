/** @file Computes the loss and gradients of one optimizer step. The update is the caller's. */
import {
  countStep,
  sum,
  type Evaluation,
  type Metrics,
  type Objective,
  type ScoredBatch,
  type SequenceInfo,
  type StepCounts,
} from '../objectives/objective.js';
import type { TokenRow } from '../text/tokenRows.js';
import { disposeAll } from '../torch/tensor.js';
import type { Activations, Engine } from './engine.js';
import { callsByTokenBudget, packByTokenBudget } from './tokenBudget.js';

/** Log-probs of a response's tokens under a reference model, or their sum, each as often as its weight says. */
export type ReferenceValue = Float64Array | number;

/** One sequence of an optimizer step. */
export interface TrainSequence extends SequenceInfo {
  row: TokenRow;
  /** How much each response token counts; absent where all count 1. `weight` is Σ|w| of them. */
  tokenWeights?: Float64Array;
  /** What the reference model gives the response, if the objective needs it. */
  reference?: ReferenceValue;
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
  const calls = callsOf(
    objective,
    sequences.map(({ group, row }) => ({ group, tokens: row.ids.length })),
    tokenBudget,
  );
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
    for (const { members } of calls) {
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
  for (const { members: call, packs } of calls) {
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
  return objective.evaluate({
    sequences,
    normalizer,
    logps: logps.map((values, i) => weighed(values, sequences[i]!.tokenWeights)),
    ...referenceOf(objective, sequences),
  });
}

/** What an objective is given of the reference. */
function referenceOf(
  { needs }: Objective,
  members: readonly TrainSequence[],
): Pick<ScoredBatch, 'referenceLogps' | 'referenceSums'> {
  if (needs.reference === 'sums')
    return {
      referenceSums: members.map(({ reference, tokenWeights }) =>
        typeof reference === 'number' ? reference : sum(weighed(reference!, tokenWeights)),
      ),
    };
  if (!needs.reference) return {};
  return {
    referenceLogps: members.map(({ reference, tokenWeights }) =>
      weighed(reference as Float64Array, tokenWeights),
    ),
  };
}

/** A token of weight 0 has no part in anything, even if its probability is 0. */
export function weighed(values: Float64Array, weights: Float64Array | undefined): Float64Array {
  if (!weights) return values;
  return values.map((value, i) => (weights[i] === 0 ? 0 : weights[i]! * value));
}

/** What decides where a sequence of a step goes. */
export interface Placed {
  group: number;
  /** The number of all its tokens. */
  tokens: number;
}

/** Sequences whose activations are kept together, in packs that go through the model one after the other. */
export interface Call {
  members: number[];
  packs: number[][];
}

/** Divides a step into calls, by the indices of its sequences. */
export function callsOf(objective: Objective, sequences: readonly Placed[], tokenBudget: number): Call[] {
  const packed = (members: readonly number[]) =>
    packByTokenBudget(
      members.map((i) => sequences[i]!.tokens),
      tokenBudget,
    ).map((pack) => pack.map((position) => members[position]!));
  if (objective.weights)
    return packed([...sequences.keys()]).map((members) => ({ members, packs: [members] }));
  return callsByTokenBudget(groupsOf(sequences), tokenBudget).map((members) => ({
    members,
    packs: packed(members),
  }));
}

/** Collects the sequences' indices by group, with the number of tokens in each. */
function groupsOf(sequences: readonly Placed[]): { indices: number[]; tokens: number }[] {
  const groups = new Map<number, { indices: number[]; tokens: number }>();
  sequences.forEach(({ group, tokens }, i) => {
    let entry = groups.get(group);
    if (!entry) groups.set(group, (entry = { indices: [], tokens: 0 }));
    entry.indices.push(i);
    entry.tokens += tokens;
  });
  return [...groups.values()];
}
