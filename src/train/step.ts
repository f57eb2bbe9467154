/** @file Computes the loss and gradients of one optimizer step. The update is the caller's. */
import {
  readColumns,
  stepOf,
  type Evaluation,
  type Metrics,
  type Objective,
  type StepPlace,
} from '../objectives/objective.js';
import type { ReadValues } from '../objectives/topK.js';
import type { Reading } from '../models/reads.js';
import type { TokenRow } from '../text/tokenRows.js';
import { disposeAll } from '../torch/tensor.js';
import type { Activations, Engine } from './engine.js';
import type { TrainSequence } from './sequences.js';
import { callsByTokenBudget, packByTokenBudget } from './tokenBudget.js';

export interface StepResult {
  loss: number;
  metrics: Metrics;
  /** What the objective wants to be remembered, by the ids of sequences. */
  remember: ReadonlyMap<string, number>;
}

/** Runs a step without a pause; see `stepByPacks`. */
export function runStep(
  engine: Engine,
  objective: Objective,
  sequences: readonly TrainSequence[],
  tokenBudget: number,
  place?: StepPlace,
): StepResult {
  const packs = stepByPacks(engine, objective, sequences, tokenBudget, place);
  let next = packs.next();
  while (!next.done) next = packs.next();
  return next.value;
}

/**
 * Runs forward and backward over all sequences of an optimizer step; the gradients are left in the engine's weights. Pauses before
 * each pack; one that is not to go on is ended by `return`, which frees what was kept.
 *
 * Where the objective's weights are known beforehand, every pack goes forward and backward at once. Otherwise the head gives the
 * log-probs first, the objective computes the gradient from them, and the backward starts from the kept activations. What the
 * objective couples is in one pack where it fits; where it does not, all its packs are scored first, without activations, and go
 * forward a second time with the gradient: no more than a pack is ever kept.
 *
 * @param tokenBudget tokens that go through the model at once
 * @param place where the run stands; default: outside of any
 */
export function* stepByPacks(
  engine: Engine,
  objective: Objective,
  given: readonly TrainSequence[],
  tokenBudget: number,
  place?: StepPlace,
): Generator<void, StepResult, void> {
  const sequences = given.filter(({ onlyScored }) => !onlyScored);
  const mismatched = given.filter(({ onlyScored }) => onlyScored);
  const step = stepOf(sequences, place);
  const calls = callsOf(
    objective,
    sequences.map(({ group, row }) => ({ group, tokens: row.ids.length })),
    tokenBudget,
  );
  const rowsOf = (members: readonly number[], of = sequences) => members.map((i) => of[i]!.row);
  const all = sequences.map((_, i) => i);
  const columns = readColumns(objective);
  const logps: Float64Array[] = [];
  const reads: ReadValues[] = [];
  const keep = (members: readonly number[], scores: readonly Float64Array[], into = logps) => {
    members.forEach((i, position) => (into[i] = scores[position]!));
  };
  const score = (members: readonly number[], kept: Activations | undefined) => {
    const found = readingsOf(engine, rowsOf(members), columns, kept);
    members.forEach((i, position) => ({ logps: logps[i], reads: reads[i] } = found[position]!));
  };
  const unrelated: Float64Array[] = [];
  for (const members of packByTokenBudget(
    mismatched.map(({ row }) => row.ids.length),
    tokenBudget,
  )) {
    yield;
    keep(members, engine.scorer.score(rowsOf(members, mismatched)), unrelated);
  }
  const remember = new Map<string, number>();
  const evaluate = (members: readonly number[]): Evaluation => {
    const evaluation = objective.evaluate({
      sequences: members.map((i) => sequences[i]!),
      step,
      logps: members.map((i) => logps[i]!),
      ...(columns.length > 0 && { reads: members.map((i) => reads[i]!) }),
      mismatched: mismatched.map((sequence, i) => ({ sequence, logps: unrelated[i]! })),
    });
    evaluation.remember?.forEach((value, position) => {
      remember.set(sequences[members[position]!]!.id!, value);
    });
    return evaluation;
  };

  if (objective.weights) {
    const gradient = objective.weights({ sequences, step });
    for (const { members } of calls) {
      yield;
      const activations = engine.forward(rowsOf(members));
      keep(
        members,
        engine.backward(
          activations,
          members.map((i) => gradient[i]!),
        ),
      );
    }
    const { loss, metrics } = evaluate(all);
    return { loss, metrics, remember };
  }

  const total = { loss: 0, metrics: {} as Metrics };
  for (const { members: call, packs } of calls) {
    let kept: Activations | undefined;
    try {
      for (const members of packs) {
        yield;
        if (packs.length === 1) kept = engine.forward(rowsOf(members), columns);
        score(members, kept);
      }
      const part = evaluate(call);
      total.loss += part.loss;
      for (const [name, value] of Object.entries(part.metrics)) {
        total.metrics[name] = (total.metrics[name] ?? 0) + value;
      }
      const at = new Map(call.map((i, position) => [i, position]));
      const of = <T>(values: readonly T[], members: readonly number[]) =>
        members.map((i) => values[at.get(i)!]!);
      for (const members of packs) {
        if (!kept) yield;
        const activations = kept ?? engine.forward(rowsOf(members), columns);
        kept = undefined;
        const read = part.readGradient && of(part.readGradient, members);
        engine.backward(activations, of(part.gradient, members), read);
      }
    } finally {
      if (kept) disposeAll(kept);
    }
  }
  return { ...total, remember };
}

/** Scores rows, from the activations that are kept of them if there are any. */
function readingsOf(
  engine: Engine,
  rows: readonly TokenRow[],
  columns: readonly string[],
  kept: Activations | undefined,
): Reading[] {
  if (columns.length > 0) return kept ? engine.read(kept) : engine.scorer.read(rows, columns);
  const logps = kept ? engine.score(kept) : engine.scorer.score(rows);
  return logps.map((own) => ({ logps: own, reads: {} }));
}

/** Has an objective judge scored sequences as if they were one step. */
export function evaluateSequences(
  objective: Objective,
  given: readonly TrainSequence[],
  logps: readonly Float64Array[],
  reads?: readonly ReadValues[],
): Evaluation {
  const places = [...given.keys()];
  const trained = places.filter((i) => !given[i]!.onlyScored);
  const sequences = trained.map((i) => given[i]!);
  return objective.evaluate({
    sequences,
    step: stepOf(sequences),
    logps: trained.map((i) => logps[i]!),
    ...(reads && { reads: trained.map((i) => reads[i]!) }),
    mismatched: places
      .filter((i) => given[i]!.onlyScored)
      .map((i) => ({ sequence: given[i]!, logps: logps[i]! })),
  });
}

/** What decides where a sequence of a step goes. */
export interface Placed {
  group: number;
  /** The number of all its tokens. */
  tokens: number;
}

/** Sequences that an objective judges together, in packs that go through the model one after the other. */
export interface Call {
  members: number[];
  packs: number[][];
}

/** Divides a step into calls, by the indices of its sequences. */
export function callsOf(objective: Objective, sequences: readonly Placed[], tokenBudget: number): Call[] {
  const { couples = 'group' } = objective;
  const packed = (members: readonly number[]) =>
    packByTokenBudget(
      members.map((i) => sequences[i]!.tokens),
      tokenBudget,
    ).map((pack) => pack.map((position) => members[position]!));
  const all = [...sequences.keys()];
  if (objective.weights || couples === 'token' || couples === 'sequence')
    return packed(all).map((members) => ({ members, packs: [members] }));
  const calls = couples === 'step' ? [all] : callsByTokenBudget(groupsOf(sequences), tokenBudget);
  return calls.map((members) => ({ members, packs: packed(members) }));
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
