/**
 * @file Gives each response of the data what a frozen reference model gives it, for the objectives that need it. It is scored once
 * and kept in the cache, by what it follows from; a few responses are scored again whenever it is read there.
 */
import { modelInput, resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import type { Transformer } from '../models/transformer.js';
import { weightedSum, type Objective } from '../objectives/objective.js';
import { trainedWeights } from '../text/parts.js';
import type { TokenRow } from '../text/tokenRows.js';
import { UserError } from '../util/errors.js';
import { fingerprintPath } from '../util/fingerprint.js';
import type { Engine } from './engine.js';
import type { ExamplePart, Examples, ReferenceValue } from './examples.js';
import type { RunIdentity } from './identity.js';
import { keepScores, modelDigest, scoringPacks, within, type Computation, type Packs } from './keptScores.js';
import { requireModelFor } from './modelFit.js';
import { isOwnBase } from './openModel.js';
import { roundingOf } from './rounding.js';
import { isOtherReference, type TrainRecipe } from './settings.js';

export interface ReferenceParts {
  recipe: Pick<
    TrainRecipe,
    'model' | 'model_overrides' | 'lora' | 'reference' | 'dtype' | 'device' | 'deterministic'
  >;
  /** With the weights that training starts from. */
  engine: Engine;
  objective: Objective;
  /** What computes. */
  build: RunIdentity['build'];
  tokenBudget: number;
  onEvent: (event: ReferenceEvent) => void;
  /** Awaited before each pack. */
  beforePack: () => Promise<void>;
}

export type ReferenceEvent =
  /** Responses that are scored so far. */
  { kind: 'reference'; done: number; total: number } | { kind: 'notice'; sentence: string };

/** What is known of the reference when its numbers are there. */
export interface Reference {
  /** Whether it is the model that training starts from, weight by weight. */
  isStart: boolean;
  /** Responses that it has scored together, and that are short. */
  sample: readonly ExamplePart[];
}

/** @throws UserError where a recipe names a reference that nothing would look at */
export function requireUse({ reference }: Pick<TrainRecipe, 'reference'>, { name, needs }: Objective): void {
  if (reference !== undefined && !needs.reference)
    throw new UserError(`objective ${name} compares with no reference: take out reference (${reference})`);
}

/**
 * Lets the parts of the examples know what the reference gives them. A file of the cache that is damaged, or of which a few
 * responses that are scored again differ, is made anew; one on which scoring was stopped is gone on with.
 * @throws UserError where the reference is no model for these rows
 */
export async function takeReference(examples: Examples, given: ReferenceParts): Promise<Reference> {
  const { recipe, engine } = given;
  const { model } = engine.weights;
  const start = model.adapters?.areIdle ? model.base : model;
  const packs = scoringPacks(
    Array.from(examples.parts(), ({ length }) => length),
    given.tokenBudget,
  );
  /** Parts know what there is when they are asked for. */
  const sampled = () => packs[0]!.map((i) => examples.partAt(i));
  if (!isOtherReference(recipe.reference)) {
    using scorer = new Scorer(start, engine.head);
    await take(examples, packs, { model: start, scorer }, given);
    return { isStart: true, sample: sampled() };
  }
  const path = await resolveModel(recipe.reference);
  if (isOwnBase(path, recipe)) {
    using scorer = new Scorer(model.base, engine.head);
    await take(examples, packs, { model: model.base, scorer }, given);
    return { isStart: model.adapters!.areIdle, sample: sampled() };
  }
  using other = loadModel(path, {
    dtype: recipe.dtype,
    device: recipe.device,
    onNotice: noticing(given),
    // The model itself, by whatever name, is the same function as the one that is trained.
    overrides: isSameModel(path, recipe.model) ? recipe.model_overrides : undefined,
  }).model;
  requireModelFor(examples, packs[0]!, { model: other, path, policy: recipe.model }, 'reference: ');
  using scorer = new Scorer(other);
  await take(examples, packs, { model: other, scorer }, given);
  return { isStart: modelDigest(other) === modelDigest(start), sample: sampled() };
}

const isSameModel = (path: string, model: string): boolean =>
  fingerprintPath(modelInput(path)) === fingerprintPath(modelInput(model));

const noticing =
  ({ onEvent }: ReferenceParts) =>
  (sentence: string): void => {
    onEvent({ kind: 'notice', sentence });
  };

async function take(
  examples: Examples,
  packs: Packs,
  { model, scorer }: { model: Transformer; scorer: Scorer },
  given: ReferenceParts,
): Promise<void> {
  const { recipe, objective, build, tokenBudget, beforePack, onEvent } = given;
  const { dtype, device, deterministic } = recipe;
  const { reference: kind } = objective.needs;
  const isSum = kind === 'sequence';
  const bound = model.device === 'cpu' ? 0 : roundingOf(model.dtype).logps;
  const computation: Computation = {
    name: 'the reference',
    numbers: 'the log-probs of the reference',
    follows: { model: modelDigest(model), kind, build, dtype, device, deterministic, tokenBudget },
    countOf: ({ responseLength }) => (isSum ? 1 : responseLength),
    compute: (rows) =>
      scorer.score(rows).map((logps, i) => {
        const value = valueOf(logps, rows[i]!, objective);
        return typeof value === 'number' ? Float64Array.of(value) : value;
      }),
    agrees: (again, kept, tokens) => within(isSum ? bound * tokens : bound)(again, kept),
  };
  const onProgress = (done: number, total: number) => {
    onEvent({ kind: 'reference', done, total });
  };
  const hooks = { beforePack, onProgress, onNotice: noticing(given) };
  const file = await keepScores(examples, packs, computation, hooks);
  examples.references = {
    at: isSum ? (part) => file.read(part)[0]! : (part) => file.read(part),
    [Symbol.dispose]: () => {
      file[Symbol.dispose]();
    },
  };
}

/** What an objective needs of a response's log-probs under the reference. */
export function valueOf(logps: Float64Array, row: TokenRow, { needs }: Objective): ReferenceValue {
  const tokenWeights = trainedWeights(row);
  const whole = { role: '', group: 0, length: logps.length, ...(tokenWeights && { tokenWeights }) };
  const total = weightedSum(whole, logps);
  if (!Number.isFinite(total))
    throw new UserError(
      'the reference computes log-probabilities that are not finite: its weights are damaged or diverged',
    );
  return needs.reference === 'sequence' ? total : logps;
}

/** The difference of two values of a response, in nats a token. */
export function differenceOf(a: ReferenceValue, b: ReferenceValue, tokens: number): number {
  if (typeof a === 'number' || typeof b === 'number')
    return typeof a === typeof b ? Math.abs((a as number) - (b as number)) / tokens : NaN;
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}
