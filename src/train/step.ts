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
import { alone, divideAmong, type Ranks } from './ranks.js';
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
 * Of several ranks each takes its share, and what they find out is told to all: the result is that of one process, at each of them.
 * The gradients are those of the share.
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
  ranks: Ranks = alone,
): Generator<void, StepResult, void> {
  const sequences = given.filter(({ onlyScored }) => !onlyScored);
  const mismatched = given.filter(({ onlyScored }) => onlyScored);
  const step = stepOf(sequences, place);
  const lengths = sequences.map(({ row }) => row.ids.length);
  const calls = callsOf(
    objective,
    sequences.map(({ group }, i) => ({ group, tokens: lengths[i]! })),
    tokenBudget,
  );
  const shares = sharesOf(objective, calls, lengths, ranks);
  const rowsOf = (members: readonly number[]) => members.map((i) => sequences[i]!.row);
  const columns = readColumns(objective);
  const scores: Reading[] = [];
  const keep = (members: readonly number[], found: readonly Reading[]) => {
    members.forEach((i, position) => (scores[i] = found[position]!));
  };
  const unrelated = yield* scoreMismatched(engine, mismatched, tokenBudget, ranks);
  const judge = (members: readonly number[]): Evaluation =>
    objective.evaluate({
      sequences: members.map((i) => sequences[i]!),
      step,
      logps: members.map((i) => scores[i]!.logps),
      ...(columns.length > 0 && { reads: members.map((i) => scores[i]!.reads) }),
      mismatched: mismatched.map((sequence, i) => ({ sequence, logps: unrelated[i]!.logps })),
    });
  const partOf = (
    call: number,
    members: readonly number[],
    { loss, metrics, remember }: Evaluation,
  ): Part => ({
    ...{ call, loss, metrics },
    remember: (remember ?? []).map((value, position) => [sequences[members[position]!]!.id!, value]),
  });

  if (objective.weights) {
    const gradient = objective.weights({ sequences, step });
    for (const { members } of shares) {
      yield;
      const activations = engine.forward(rowsOf(members));
      keep(
        members,
        unread(
          engine.backward(
            activations,
            members.map((i) => gradient[i]!),
          ),
        ),
      );
    }
    share(
      ranks,
      shares.flatMap(({ members }) => members),
      scores,
    );
    const all = [...sequences.keys()];
    return summedUp([partOf(0, all, judge(all))]);
  }

  const parts: Part[] = [];
  for (const { call, members: coupled, packs, isDivided } of shares) {
    let kept: Activations | undefined;
    try {
      for (const members of packs) {
        yield;
        if (packs.length === 1) kept = engine.forward(rowsOf(members), columns);
        keep(members, readingsOf(engine, rowsOf(members), columns, kept));
      }
      if (isDivided) share(ranks, packs.flat(), scores);
      const judged = judge(coupled);
      if (!isDivided || ranks.rank === 0) parts.push(partOf(call, coupled, judged));
      const at = new Map(coupled.map((i, position) => [i, position]));
      const of = <T>(values: readonly T[], members: readonly number[]) =>
        members.map((i) => values[at.get(i)!]!);
      for (const members of packs) {
        if (!kept) yield;
        const activations = kept ?? engine.forward(rowsOf(members), columns);
        kept = undefined;
        const read = judged.readGradient && of(judged.readGradient, members);
        engine.backward(activations, of(judged.gradient, members), read);
      }
    } finally {
      if (kept) disposeAll(kept);
    }
  }
  return summedUp(ranks.gather(parts).flat());
}

/** What a call adds to a step. */
interface Part extends Pick<Evaluation, 'loss' | 'metrics'> {
  call: number;
  remember: [id: string, value: number][];
}

/** Adds up the calls of a step in their order, whoever has computed them. */
function summedUp(parts: readonly Part[]): StepResult {
  const total: StepResult & { metrics: Metrics } = { loss: 0, metrics: {}, remember: new Map() };
  const remembered = new Map<string, number>();
  for (const { loss, metrics, remember } of parts.toSorted((a, b) => a.call - b.call)) {
    total.loss += loss;
    for (const [name, value] of Object.entries(metrics))
      total.metrics[name] = (total.metrics[name] ?? 0) + value;
    for (const [id, value] of remember) remembered.set(id, value);
  }
  return { ...total, remember: remembered };
}

/** Scores the responses of mismatched rows, which stand together by length. */
function* scoreMismatched(
  engine: Engine,
  sequences: readonly TrainSequence[],
  tokenBudget: number,
  ranks: Ranks,
): Generator<void, Reading[], void> {
  const scores: Reading[] = [];
  if (sequences.length === 0) return scores;
  const lengths = sequences.map(({ row }) => row.ids.length);
  const own = ofRank(packByTokenBudget(lengths, tokenBudget), lengths, ranks);
  for (const members of own) {
    yield;
    const found = unread(engine.scorer.score(members.map((i) => sequences[i]!.row)));
    members.forEach((i, position) => (scores[i] = found[position]!));
  }
  share(ranks, own.flat(), scores);
  return scores;
}

const unread = (logps: readonly Float64Array[]): Reading[] => logps.map((own) => ({ logps: own, reads: {} }));

/** Tells all ranks what each has scored. @param members those of this rank */
function share(ranks: Ranks, members: readonly number[], scores: Reading[]): void {
  const own = members.map((i) => [i, scores[i]!] as const);
  for (const [i, reading] of ranks.gather(own).flat()) scores[i] = reading;
}

/** Scores rows, from the activations that are kept of them if there are any. */
function readingsOf(
  engine: Engine,
  rows: readonly TokenRow[],
  columns: readonly string[],
  kept: Activations | undefined,
): Reading[] {
  if (columns.length > 0) return kept ? engine.read(kept) : engine.scorer.read(rows, columns);
  return unread(kept ? engine.score(kept) : engine.scorer.score(rows));
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

/** What a rank does of a call: the packs that it takes, and whether other ranks take packs of it too. */
export interface Share extends Call {
  /** The call's number. */
  call: number;
  isDivided: boolean;
}

/** Those of lists of sequences that a rank takes. @param lengths tokens of each sequence */
export function ofRank(
  lists: readonly number[][],
  lengths: readonly number[],
  { rank, world }: Pick<Ranks, 'rank' | 'world'>,
): number[][] {
  const costs = lists.map((list) => list.reduce((sum, i) => sum + lengths[i]!, 0));
  const ranks = divideAmong(costs, world);
  return lists.filter((_, i) => ranks[i] === rank);
}

/** Finds what a rank does of a step: whole calls, or where all is one call packs of it. */
export function sharesOf(
  objective: Objective,
  calls: readonly Call[],
  lengths: readonly number[],
  ranks: Pick<Ranks, 'rank' | 'world'>,
): Share[] {
  if (objective.couples === 'step' && !objective.weights)
    return calls.map(({ members, packs }, call) => ({
      ...{ call, members, isDivided: true },
      packs: ofRank(packs, lengths, ranks),
    }));
  const own = ofRank(
    calls.map(({ members }) => members),
    lengths,
    ranks,
  );
  return calls.flatMap((call, i) =>
    own.includes(call.members) ? [{ ...call, call: i, isDivided: false }] : [],
  );
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
