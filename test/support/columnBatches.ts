import {
  stepOf,
  topKOf,
  type Memory,
  type ScoredBatch,
  type SequenceInfo,
  type TopK,
} from '../../src/objectives/index.js';
import { withReference } from '../../src/objectives/objective.js';
import { Random } from '../../src/util/random.js';

/** Token weights that rows may give; the first token of a response always counts 1. */
const WEIGHTS = [1, 1, 0.5, 2, 0, -0.05];

/**
 * A random optimizer step with every column that an objective of the list may ask for: ragged responses in random order, token
 * weights with signs and zeros, segments, token ids, rewards of both signs, unrelated responses, and a memory of some of the rows.
 */
export function columnStep(seed: number, kind: 'pairs' | 'samples', isWeighted = true): ScoredBatch {
  const random = new Random(seed);
  const between = (low: number, high: number) => low + (high - low) * random.nextFloat();
  const column = (length: number, low: number, high: number) =>
    Float64Array.from({ length }, () => between(low, high));
  const one = (role: string, group: number, reward: number, id: string): SequenceInfo => {
    const length = 3 + random.nextInt(9);
    const tokenWeights = Float64Array.from({ length }, (_, t) =>
      t === 0 ? 1 : WEIGHTS[random.nextInt(WEIGHTS.length)]!,
    );
    const weights = isWeighted && {
      tokenWeights,
      weight: tokenWeights.reduce((total, w) => total + Math.abs(w), 0),
    };
    const sequence = {
      ...{ role, group, length, id, ...weights },
      segments: Uint8Array.from({ length }, (_, t) => (t < 2 ? 0 : t < 5 ? 1 : 2)),
      scalars: {
        reward,
        pass_rate: between(0.1, 0.8),
        advantage: reward * between(0.2, 1),
        value: between(-0.5, 0.5),
        baseline: between(-0.5, 0.5),
        quality: 0.2 + 0.06 * length,
      },
      columns: {
        behaviour: column(length, -2, 0),
        teacher: column(length, -2, 0),
        hindsight: column(length, -2, 0),
        credit: column(length, 0, 1),
        contrast: column(length, 0, 1),
        reward: column(3, -1, 1),
        baseline: column(3, -0.5, 0.5),
      },
    };
    return withReference(sequence, column(length, -2, 0));
  };
  const sequences: SequenceInfo[] = [];
  for (let group = 0; group < 5; group++) {
    const roles =
      kind === 'pairs' ? ['chosen', 'rejected'] : Array<string>(2 + random.nextInt(2)).fill('sample');
    roles.forEach((role, i) => {
      const isUp = kind === 'pairs' ? role === 'chosen' : random.nextInt(2) === 0;
      sequences.push(one(role, group, isUp ? 1 : -1, `${group}/${i}`));
    });
  }
  random.shuffle(sequences);
  const logps = ({ length }: SequenceInfo) =>
    Float64Array.from({ length }, () => -0.1 - 3 * random.nextFloat() ** 2);
  const memory: Memory = new Map(
    sequences.filter((_, i) => i % 2 === 0).map(({ id }) => [id!, between(0, 1)]),
  );
  const reads = new Random(seed + 1000);
  sequences.forEach(
    (sequence, i) => (sequences[i] = { ...sequence, topK: topKColumns(reads, sequence.length) }),
  );
  return {
    sequences,
    reads: sequences.map(({ topK }) => mapped(topK!, (column) => topKLogps(reads, column))),
    step: stepOf(sequences, { clock: { step: 3, steps: 9, epoch: 1.5, gradNorm: 1 }, memory }),
    logps: sequences.map(logps),
    mismatched: [7, 8].map((group) => {
      const sequence = one('mismatched', group, 1, `${group}/0`);
      return { sequence, logps: logps(sequence) };
    }),
  };
}

/** A step of responses without weights, by their log-probs. */
export function stepBy(responses: readonly (Partial<SequenceInfo> & { logps: number[] })[]): ScoredBatch {
  const sequences = responses.map(({ logps, ...info }, i): SequenceInfo => ({
    ...{ role: 'sample', group: i, length: logps.length, id: `${i}` },
    ...info,
  }));
  return {
    sequences,
    step: stepOf(sequences),
    logps: responses.map(({ logps }) => Float64Array.from(logps)),
  };
}

const mapped = <T, U>(of: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, change(value)]));

/** One to four of a teacher's tokens for each token, and two or three that are named at the third. */
function topKColumns(random: Random, length: number): Record<string, TopK> {
  const lists = (count: (t: number) => number) =>
    topKOf(Array.from({ length }, (_, t) => Array.from({ length: count(t) }, (_, i) => 7 * t + i)));
  const columns = {
    teacher_topk: lists(() => 1 + random.nextInt(4)),
    verdict: lists((t) => (t === 2 ? 2 + random.nextInt(2) : 0)),
  };
  return mapped(columns, (column) => ({ ...column, logps: topKLogps(random, column) }));
}

/** Log-probs of the entries, which leave each token's other ids something. */
function topKLogps(random: Random, { starts, ids }: TopK): Float64Array {
  const shares = Float64Array.from(ids, () => 0.05 + random.nextFloat());
  for (let t = 0; t + 1 < starts.length; t++) {
    const own = shares.subarray(starts[t], starts[t + 1]);
    const all = own.reduce((sum, share) => sum + share, 0.05 + random.nextFloat());
    own.forEach((share, i) => (own[i] = Math.log(share / all)));
  }
  return shares;
}

/** The same step with other columns and numbers of its sequences. */
export function withColumns(
  batch: ScoredBatch,
  change: (sequence: SequenceInfo, logps: Float64Array) => Pick<SequenceInfo, 'scalars' | 'columns'>,
): ScoredBatch {
  const sequences = batch.sequences.map((sequence, i) => {
    const { scalars, columns } = change(sequence, batch.logps[i]!);
    return {
      ...sequence,
      scalars: { ...sequence.scalars, ...scalars },
      columns: { ...sequence.columns, ...columns },
    };
  });
  return { ...batch, sequences, step: { ...batch.step, sequences } };
}
