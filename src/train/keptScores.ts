/**
 * @file Computes numbers of responses once: they are kept in the cache by what they follow from, and a computation that was
 * stopped goes on after its last pack. A few responses are computed again whenever numbers are found there.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Transformer } from '../models/transformer.js';
import type { TokenRow } from '../text/tokenRows.js';
import { toBytes } from '../torch/data.js';
import { fingerprintValue } from '../util/fingerprint.js';
import { cacheFolder, markUsed, trimCache } from './cacheFiles.js';
import type { ExamplePart, Examples } from './examples.js';
import { DamagedScores, ScoresFile, ScoresLayout } from './scoresFile.js';
import { packByTokenBudget } from './tokenBudget.js';

/** What is computed. */
export interface Computation {
  /** What sentences call it, such as `the reference`, and its numbers, such as `the log-probs of the reference`. */
  name: string;
  numbers: string;
  /** What the numbers follow from, besides the responses and their packs. */
  follows: Readonly<Record<string, unknown>>;
  /** How many numbers a response has. */
  countOf: (part: ExamplePart) => number;
  /** Computes those of responses that stand in one pack. @param parts their numbers */
  compute: (
    rows: readonly TokenRow[],
    parts: readonly number[],
  ) => readonly Float64Array[] | Promise<readonly Float64Array[]>;
  /** Tells whether a response's numbers that were computed again are those that were kept. @param tokens of the response */
  agrees: (again: Float64Array, kept: Float64Array, tokens: number) => boolean;
  /** How many packs are on their way at once, where somebody else computes. Default: 1. */
  atOnce?: number;
}

export interface ComputeHooks {
  /** Awaited before each pack. */
  beforePack: () => Promise<void>;
  /** Told of the responses that are there. */
  onProgress: (done: number, total: number) => void;
  onNotice: (sentence: string) => void;
}

/** Numbers of the parts that stand together; the first pack is computed again to prove what is kept. */
export type Packs = readonly (readonly number[])[];

/** Changes where the same model gives the same responses other numbers, or the file is another one. */
const FORMAT = 2;
/** Responses that are computed again to prove a file of the cache, and their tokens, at most. */
const SAMPLE = { responses: 8, tokens: 128 };

/** Files that this process makes: their temporary files have its number in their names. */
const underWay = new Map<string, Promise<ScoresFile>>();

/**
 * Gives the numbers of all parts of the examples. A file of the cache that is damaged, or of which the first pack is another when it
 * is computed again, is made anew.
 */
export async function keepScores(
  examples: Examples,
  packs: Packs,
  computation: Computation,
  hooks: ComputeHooks,
): Promise<ScoresFile> {
  const key = keyOf(examples, packs, computation);
  const path = join(cacheFolder('references'), `${key.slice(0, 32)}.reference`);
  for (let other = underWay.get(path); other; other = underWay.get(path)) await other.catch(() => undefined);
  const work = keepIn(path, key, examples, packs, { computation, hooks });
  underWay.set(path, work);
  try {
    return await work;
  } finally {
    underWay.delete(path);
  }
}

async function keepIn(
  path: string,
  key: string,
  examples: Examples,
  packs: Packs,
  { computation, hooks }: { computation: Computation; hooks: ComputeHooks },
): Promise<ScoresFile> {
  const { name, numbers, countOf } = computation;
  const { onNotice } = hooks;
  const { partCount } = examples;
  const counts = Uint32Array.from(examples.parts(), countOf);
  const layout = new ScoresLayout(packs, (part) => counts[part]!);
  markUsed(path);
  const kept = existsSync(path) ? openKept(path, key, layout, { numbers, onNotice }) : undefined;
  if (kept && (await holds(kept, examples, packs, computation))) {
    const { length } = packs[0]!;
    onNotice(`${name}: ${partCount} responses from the cache, ${length} of them scored again and the same`);
    return kept;
  }
  if (kept) {
    kept[Symbol.dispose]();
    onNotice(`${numbers} in ${path} are not those of the model: they are scored anew`);
  }
  const file = ScoresFile.begin(path, key, layout);
  try {
    if (file.packs > 0 && !(await holds(file, examples, packs, computation))) file.clear();
    await compute(file, examples, packs, computation, hooks);
    file.commit();
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
  trimCache();
  return file;
}

async function compute(
  file: ScoresFile,
  examples: Examples,
  packs: Packs,
  computation: Computation,
  { beforePack, onProgress, onNotice }: ComputeHooks,
): Promise<void> {
  const { name, atOnce = 1 } = computation;
  let done = packs.slice(0, file.packs).reduce((sum, { length }) => sum + length, 0);
  if (done > 0) onNotice(`${name}: ${done} of ${examples.partCount} responses were scored before`);
  const begun: Promise<readonly Float64Array[]>[] = [];
  let next = file.packs;
  while (file.packs < packs.length) {
    await beforePack();
    for (; next < packs.length && begun.length < atOnce; next++) {
      const work = numbersOf(packs[next]!, examples, computation);
      // Whether it fails is seen when its turn comes: what came before it is kept.
      work.catch(() => undefined);
      begun.push(work);
    }
    const values = await begun.shift()!;
    const all = new Float64Array(values.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const some of values) {
      all.set(some, at);
      at += some.length;
    }
    file.append(all);
    done += values.length;
    onProgress(done, examples.partCount);
  }
}

async function numbersOf(
  pack: readonly number[],
  examples: Examples,
  { compute: numbers }: Computation,
): Promise<readonly Float64Array[]> {
  return await numbers(
    pack.map((part) => examples.partAt(part).row),
    pack,
  );
}

/** Computes the first pack again: on the CPU the same to the last bit, since it stands in the same company. */
async function holds(
  file: ScoresFile,
  examples: Examples,
  packs: Packs,
  computation: Computation,
): Promise<boolean> {
  const sample = packs[0]!;
  const again = await numbersOf(sample, examples, computation);
  return again.every((values, i) => {
    const part = sample[i]!;
    return computation.agrees(values, file.read(part), examples.partAt(part).responseLength);
  });
}

/** Makes a comparison of numbers that may differ by so much. */
export function within(most: number): (again: Float64Array, kept: Float64Array) => boolean {
  return (again, kept) => again.every((value, i) => Math.abs(value - kept[i]!) <= most);
}

/** What the numbers follow from. */
function keyOf(examples: Examples, packs: Packs, { follows }: Computation): string {
  const hash = createHash('sha256');
  for (const { digest } of examples.parts()) hash.update(`${digest}\n`);
  for (const pack of packs) hash.update(`${pack.join()}\n`);
  return fingerprintValue({ FORMAT, responses: hash.digest('hex'), ...follows });
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
  layout: ScoresLayout,
  { numbers, onNotice }: Pick<Computation, 'numbers'> & Pick<ComputeHooks, 'onNotice'>,
): ScoresFile | undefined {
  try {
    return ScoresFile.open(path, key, layout);
  } catch (error) {
    if (!(error instanceof DamagedScores)) throw error;
    onNotice(`${numbers} in ${path} are damaged: they are scored anew`);
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
