/**
 * @file Gives each response of the data what a frozen reference model gives it, for the objectives that need it. It is scored once
 * and kept in the cache, by what it follows from; a few responses are scored again whenever it is read there.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { modelInput, resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { Scorer } from '../models/scorer.js';
import { requireEmbedding } from '../models/tokenIds.js';
import type { Transformer } from '../models/transformer.js';
import { weightedSum, type Objective } from '../objectives/objective.js';
import { trainedWeights } from '../text/parts.js';
import type { TokenRow } from '../text/tokenRows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { toBytes } from '../torch/data.js';
import { UserError } from '../util/errors.js';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';
import { cacheFolder, markUsed, trimCache } from './cacheFiles.js';
import type { Engine } from './engine.js';
import type { ExamplePart, Examples, References, ReferenceValue } from './examples.js';
import type { RunIdentity } from './identity.js';
import { DamagedReference, ReferenceFile, ReferenceLayout } from './referenceFile.js';
import { roundingOf } from './rounding.js';
import { isOtherReference, type TrainRecipe } from './settings.js';
import { packByTokenBudget } from './tokenBudget.js';

export interface ReferenceParts {
  recipe: Pick<TrainRecipe, 'model' | 'model_overrides' | 'reference' | 'dtype' | 'device' | 'deterministic'>;
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

/** Changes where the same model gives the same responses other numbers, or the file is another one. */
const FORMAT = 2;
/** Responses that are scored again to prove a file of the cache, and their tokens, at most. */
const SAMPLE = { responses: 8, tokens: 128 };

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
  const start = engine.weights.model;
  const packs = scoringPacks(
    Array.from(examples.parts(), ({ length }) => length),
    given.tokenBudget,
  );
  /** Parts know what there is when they are asked for. */
  const sampled = () => packs[0]!.map((i) => examples.partAt(i));
  if (!isOtherReference(recipe.reference)) {
    await take({ model: start, scorer: engine.scorer, examples, packs }, given);
    return { isStart: true, sample: sampled() };
  }
  const path = await resolveModel(recipe.reference);
  using model = loadModel(path, {
    dtype: recipe.dtype,
    device: recipe.device,
    onNotice: noticing(given),
    // The model itself, by whatever name, is the same function as the one that is trained.
    overrides: isSameModel(path, recipe.model) ? recipe.model_overrides : undefined,
  }).model;
  requireFit(examples, sampled(), model, path, recipe.model);
  using scorer = new Scorer(model);
  await take({ model, scorer, examples, packs }, given);
  return { isStart: modelDigest(model) === modelDigest(start), sample: sampled() };
}

const isSameModel = (path: string, model: string): boolean =>
  fingerprintPath(modelInput(path)) === fingerprintPath(modelInput(model));

const noticing =
  ({ onEvent }: ReferenceParts) =>
  (sentence: string): void => {
    onEvent({ kind: 'notice', sentence });
  };

interface Scoring {
  model: Transformer;
  scorer: Scorer;
  examples: Examples;
  /** Numbers of the parts that are scored together; the first pack is scored again. */
  packs: readonly (readonly number[])[];
}

async function take(scoring: Scoring, given: ReferenceParts): Promise<void> {
  const { examples, packs } = scoring;
  const { objective } = given;
  const onNotice = noticing(given);
  const { partCount } = examples;
  const lengths =
    objective.needs.reference === 'sequence'
      ? undefined
      : Uint32Array.from(examples.parts(), ({ responseLength }) => responseLength);
  const layout = new ReferenceLayout(packs, (part) => lengths?.[part] ?? 1);
  const key = keyOf(scoring, given);
  const path = join(cacheFolder('references'), `${key.slice(0, 32)}.reference`);
  markUsed(path);
  const kept = existsSync(path) ? openKept(path, key, layout, onNotice) : undefined;
  if (kept) {
    examples.references = referencesOf(kept, objective);
    if (agrees(scoring, objective)) {
      const { length } = packs[0]!;
      onNotice(
        `the reference: ${partCount} responses from the cache, ${length} of them scored again and the same`,
      );
      return;
    }
    examples.closeReferences();
    onNotice(`the log-probs of the reference in ${path} are not those of the model: they are scored anew`);
  }
  const file = ReferenceFile.begin(path, key, layout);
  examples.references = referencesOf(file, objective);
  if (file.packs > 0 && !agrees(scoring, objective)) file.clear();
  if (file.packs > 0) {
    const before = countParts(packs.slice(0, file.packs));
    onNotice(`the reference: ${before} of ${partCount} responses were scored before`);
  }
  await scoreAll(scoring, given, file);
  file.commit();
  trimCache();
}

const countParts = (packs: Scoring['packs']): number => packs.reduce((sum, { length }) => sum + length, 0);

const referencesOf = (file: ReferenceFile, { needs }: Objective): References => ({
  at: needs.reference === 'sequence' ? (part) => file.read(part)[0]! : (part) => file.read(part),
  [Symbol.dispose]: () => {
    file[Symbol.dispose]();
  },
});

/** What the numbers follow from. */
function keyOf({ model, examples }: Scoring, given: ReferenceParts): string {
  const { recipe, objective, build, tokenBudget } = given;
  const hash = createHash('sha256');
  for (const { digest } of examples.parts()) hash.update(`${digest}\n`);
  const { dtype, device, deterministic } = recipe;
  return fingerprintValue({
    ...{ FORMAT, model: modelDigest(model), responses: hash.digest('hex'), kind: objective.needs.reference },
    ...{ build, dtype, device, deterministic, tokenBudget },
  });
}

/** A digest of a model's weights, as they compute, and of its configuration. */
export function modelDigest({ config, parameters }: Transformer): string {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const [name, tensor] of parameters) {
    hash.update(`${name} ${tensor.dtype} ${tensor.shape.join()}\n`);
    hash.update(toBytes(tensor));
  }
  return hash.digest('hex');
}

function openKept(
  path: string,
  key: string,
  layout: ReferenceLayout,
  onNotice: (sentence: string) => void,
): ReferenceFile | undefined {
  try {
    return ReferenceFile.open(path, key, layout);
  } catch (error) {
    if (!(error instanceof DamagedReference)) throw error;
    onNotice(`the log-probs of the reference in ${path} are damaged: they are scored anew`);
    return undefined;
  }
}

/** Divides responses into packs. A few of the shortest make the first, which is so cheap that it can be scored again. */
export function scoringPacks(lengths: readonly number[], tokenBudget: number): number[][] {
  const most = Math.min(SAMPLE.tokens, tokenBudget);
  let tokens = 0;
  const first = shortest(lengths)
    .filter((i, place) => (tokens += lengths[i]!) <= most || place === 0)
    .sort((a, b) => a - b);
  const others = Uint32Array.from(lengths.keys()).filter((i) => !first.includes(i));
  const packs = packByTokenBudget(
    Array.from(others, (i) => lengths[i]!),
    tokenBudget,
  );
  return [first, ...packs.map((members) => members.map((i) => others[i]!))];
}

/** The indices of the smallest, as many as are scored again at most, in their order. */
function shortest(lengths: readonly number[]): number[] {
  const found: number[] = [];
  lengths.forEach((length, i) => {
    if (found.length === SAMPLE.responses && length >= lengths[found.at(-1)!]!) return;
    found.push(i);
    found.sort((a, b) => lengths[a]! - lengths[b]! || a - b).splice(SAMPLE.responses);
  });
  return found;
}

async function scoreAll(
  { scorer, examples, packs }: Scoring,
  given: ReferenceParts,
  file: ReferenceFile,
): Promise<void> {
  let done = countParts(packs.slice(0, file.packs));
  for (const members of packs.slice(file.packs)) {
    await given.beforePack();
    const parts = members.map((i) => examples.partAt(i));
    const values = scored(scorer, parts, given.objective).map((value) =>
      typeof value === 'number' ? [value] : [...value],
    );
    file.append(Float64Array.from(values.flat()));
    done += members.length;
    given.onEvent({ kind: 'reference', done, total: examples.partCount });
  }
}

function scored(scorer: Scorer, parts: readonly ExamplePart[], objective: Objective): ReferenceValue[] {
  const rows = parts.map(({ row }) => row);
  return scorer.score(rows).map((logps, i) => valueOf(logps, rows[i]!, objective));
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

/** Scores the first pack again: on the CPU to the last bit, since it is scored in the same company. */
function agrees({ scorer, examples, packs, model }: Scoring, objective: Objective): boolean {
  const sample = packs[0]!.map((i) => examples.partAt(i));
  const bound = model.device === 'cpu' ? 0 : roundingOf(model.dtype).logps;
  return scored(scorer, sample, objective).every((value, i) => {
    const part = sample[i]!;
    return differenceOf(value, part.reference!, part.responseLength) <= bound;
  });
}

/** The difference of two values of a response, in nats a token. */
export function differenceOf(a: ReferenceValue, b: ReferenceValue, tokens: number): number {
  if (typeof a === 'number' || typeof b === 'number')
    return typeof a === typeof b ? Math.abs((a as number) - (b as number)) / tokens : NaN;
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

/** @throws UserError where the rows are not those of the reference's tokenizer, or too long for it */
function requireFit(
  examples: Examples,
  sample: readonly ExamplePart[],
  { config: { maxPositions, vocabSize } }: Transformer,
  path: string,
  policy: string,
): void {
  let longest = 0;
  for (const { length, largestId } of examples.parts()) {
    longest = Math.max(longest, length);
    requireEmbedding(largestId, vocabSize, `reference: ${path}: a row`);
  }
  if (longest > maxPositions)
    throw new UserError(
      `reference: ${path} has ${maxPositions} positions, and a row has ${longest} tokens: lower max_length`,
    );
  const [own, its] = [ChatTokenizer.load(policy), ChatTokenizer.load(path)];
  for (const id of new Set(sample.flatMap(({ row }) => [...row.ids]))) {
    const [here, there] = [own.decode([id]), its.decode([id])];
    if (here !== there)
      throw new UserError(
        `reference: ${path} has another tokenizer than ${policy}: token ${id} is ${JSON.stringify(there)} there and ${JSON.stringify(here)} here`,
      );
  }
}
