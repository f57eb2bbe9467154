import { stepOf, type ScoredBatch, type SequenceInfo } from '../../src/objectives/index.js';
import { withReference } from '../../src/objectives/objective.js';
import { Random } from '../../src/util/random.js';

const logps = (random: Random, length: number): Float64Array =>
  Float64Array.from({ length }, () => -3 * random.nextFloat() ** 2);

/** A random optimizer step of ragged responses, sequences in random order, with reference log-probs. */
export function randomStep(
  seed: number,
  kind: 'pairs' | 'demonstrations' | 'mixed',
  groups = 6,
): ScoredBatch {
  const random = new Random(seed);
  const bare: SequenceInfo[] = [];
  const longest = 12;
  for (let group = 0; group < groups; group++) {
    const isPair = kind === 'pairs' || (kind === 'mixed' && group % 2 === 0);
    for (const role of isPair ? (['chosen', 'rejected'] as const) : (['demonstration'] as const))
      bare.push({ role, group, length: 1 + random.nextInt(longest) });
  }
  random.shuffle(bare);
  const scores = bare.map(({ length }) => logps(random, length));
  const sequences = bare.map((sequence) => withReference(sequence, logps(random, sequence.length)));
  return { sequences, step: stepOf(sequences), logps: scores };
}

/** The part of a step that has these sequences, in this order. */
export function partOf(
  { sequences, step, logps, reads }: ScoredBatch,
  indices: readonly number[],
): ScoredBatch {
  return {
    sequences: indices.map((i) => sequences[i]!),
    step,
    logps: indices.map((i) => logps[i]!),
    ...(reads && { reads: indices.map((i) => reads[i]!) }),
  };
}

/** dLoss/dlogp by central differences. */
export function numericalGradient(loss: () => number, logps: readonly Float64Array[]): Float64Array[] {
  const h = 1e-5;
  return logps.map((row) =>
    row.map((value, t) => {
      row[t] = value + h;
      const above = loss();
      row[t] = value - h;
      const below = loss();
      row[t] = value;
      return (above - below) / (2 * h);
    }),
  );
}

/** max |a − b| / max |b| over all tokens. */
export function relativeError(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let difference = 0;
  let scale = 0;
  b.forEach((row, i) => {
    row.forEach((value, t) => {
      difference = Math.max(difference, Math.abs(a[i]![t]! - value));
      scale = Math.max(scale, Math.abs(value));
    });
  });
  return difference === 0 ? 0 : difference / scale;
}
