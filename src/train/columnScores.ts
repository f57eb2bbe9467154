/** @file Computes the numbers of a column with a model that runs here. */
import { loadModel } from '../models/checkpoint.js';
import { contrastOf, likeliest, namedLogps } from '../models/distributions.js';
import { Scorer } from '../models/scorer.js';
import { requireEmbedding } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import type { TokenRow } from '../text/tokenRows.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import type { ColumnKind } from './columnKinds.js';
import type { Examples } from './examples.js';
import { buildOf } from './identity.js';
import { modelDigest, within, type Computation, type Packs } from './keptScores.js';
import { requireModelFor } from './modelFit.js';
import { roundingOf } from './rounding.js';
import type { ScoresFile } from './scoresFile.js';

/** Has numbers computed that are not in the cache. */
export type Keep = (
  given: Pick<Computation, 'follows' | 'compute' | 'agrees' | 'atOnce'>,
) => Promise<ScoresFile>;

export interface LocalColumn {
  /** Directories of the model, and of the other one of a contrast. */
  path: string;
  otherPath: string | undefined;
  /** The directory whose tokenizer has made the rows. */
  policy: string;
  read: ColumnKind;
  /** Of a contrast, b. */
  strength: number;
  /** Of `top-k`, how many tokens. */
  k: number;
  /** Of `named`, the ids. */
  named: readonly number[];
  dtype: ComputeDtype;
  device: string;
  tokenBudget: number;
  onNotice: (sentence: string) => void;
}

/** @throws UserError where the model is none for these rows, or computes no numbers */
export async function scoresHere(
  examples: Examples,
  packs: Packs,
  column: LocalColumn,
  keep: Keep,
): Promise<ScoresFile> {
  const { path, otherPath, policy, read, strength, k, named, dtype, device, tokenBudget, onNotice } = column;
  const open = (dir: string) => {
    const { model } = loadModel(dir, { dtype, device, onNotice });
    try {
      requireModelFor(examples, packs[0]!, { model, path: dir, policy });
      return model;
    } catch (error) {
      model[Symbol.dispose]();
      throw error;
    }
  };
  using model = open(path);
  const { vocabSize } = model.config;
  const most = device === 'cpu' ? 0 : roundingOf(dtype).logps;
  const by = (compute: (rows: readonly TokenRow[]) => Float64Array[], more: object = {}) =>
    keep({
      follows: {
        ...{ model: modelDigest(model), kind: read, build: buildOf(device), dtype, device, tokenBudget },
        ...more,
      },
      compute: (rows) => compute(rows).map(requireFinite),
      agrees: read === 'top-k' ? sameLikeliest(k, most) : within(most),
    });
  if (read === 'top-k') {
    if (k > vocabSize) throw new UserError(`"k" is ${k}, and ${path} has ${vocabSize} tokens`);
    return await by((rows) => likeliest(rows, model, k), { k });
  }
  if (read === 'named') {
    for (const id of named) requireEmbedding(id, vocabSize, `"read": ${path}`);
    return await by((rows) => namedLogps(rows, model, named), { named });
  }
  if (read === 'contrast') {
    using other = open(otherPath!);
    requireSameVocabulary(model, other, [path, otherPath!]);
    return await by((rows) => contrastOf(rows, [model, other], strength), {
      with: modelDigest(other),
      strength,
    });
  }
  using scorer = new Scorer(model);
  return await by((rows) =>
    read === 'logps' ? scorer.score(rows) : scorer.scoreWithEntropy(rows).map(({ entropies }) => entropies),
  );
}

function requireFinite(values: Float64Array): Float64Array {
  if (values.every(Number.isFinite)) return values;
  throw new UserError('the model computes numbers that are not finite: its weights are damaged or diverged');
}

function requireSameVocabulary(
  { head }: Transformer,
  { head: other }: Transformer,
  [path, otherPath]: readonly [string, string],
): void {
  if (head.size(0) !== other.size(0))
    throw new UserError(
      `contrast_with: ${otherPath} has ${other.size(0)} tokens and ${path} has ${head.size(0)}: a contrast needs the same`,
    );
}

/**
 * Compares likeliest tokens, for each token of a response k ids and k log-probs. One that is among them only once must be about as
 * likely as the last of the others: rounding exchanges such.
 */
export function sameLikeliest(k: number, most: number): Computation['agrees'] {
  const placeOf = (numbers: Float64Array, token: number) => {
    const place = numbers.subarray(2 * k * token, 2 * k * (token + 1));
    return new Map(Array.from({ length: k }, (_, i) => [place[i]!, place[k + i]!]));
  };
  const isWithin = (some: Map<number, number>, others: Map<number, number>) => {
    const least = Math.min(...others.values());
    return [...some].every(([id, logp]) => {
      const other = others.get(id);
      return other === undefined ? logp <= least + most : Math.abs(logp - other) <= most;
    });
  };
  return (again, kept, tokens) => {
    for (let token = 0; token < tokens; token++) {
      const [now, then] = [placeOf(again, token), placeOf(kept, token)];
      if (!isWithin(now, then) || !isWithin(then, now)) return false;
    }
    return true;
  };
}
