/** @file Computes a column of every response's tokens and writes it into the rows: what `redistill columns` calls. */
import { randomUUID } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ContextPrompt } from '../data/contextPrompt.js';
import { JsonLinesFile } from '../data/jsonLinesFile.js';
import { rowError } from '../data/jsonl.js';
import { HalfPairs } from '../data/halfPairs.js';
import { streamTrainingRecords } from '../data/records.js';
import { resolveModel } from '../hub/resolve.js';
import { loadModel } from '../models/checkpoint.js';
import { contrastOf, likeliest } from '../models/distributions.js';
import { Scorer } from '../models/scorer.js';
import type { Transformer } from '../models/transformer.js';
import type { TopK } from '../objectives/topK.js';
import { sidesOf } from '../text/sides.js';
import { ChatTokenizer, TextTooLong } from '../text/tokenizer.js';
import type { Layout, TokenRow } from '../text/tokenRows.js';
import { openDevice, setThreads } from '../torch/runtime.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import { fingerprintPath } from '../util/fingerprint.js';
import type { Progress } from '../util/progress.js';
import { cacheFolder } from './cacheFiles.js';
import type { ColumnKind } from './columnKinds.js';
import { Examples, scalarsOf, type ExamplePart } from './examples.js';
import { buildOf } from './identity.js';
import { keepScores, modelDigest, scoringPacks, type Computation } from './keptScores.js';
import { requireModelFor } from './modelFit.js';
import { roundingOf } from './rounding.js';
import type { ScoresFile } from './scoresFile.js';
import { openTokens } from './tokenCache.js';

export interface ColumnOptions {
  /** What computes: a model directory, a .gguf file, or a name that `models get` has fetched. */
  model: string;
  /** The model whose tokenizer and template make the tokens. Default: `model`. */
  tokenizer?: string | undefined;
  data: string;
  /** The column's name. */
  as: string;
  read: ColumnKind;
  /** Of a contrast, the other model and b. */
  contrastWith?: string | undefined;
  strength: number;
  /** Of `top-k`, how many tokens. */
  k: number;
  /** A template for other prompts, under which the same responses are scored. */
  context?: string | undefined;
  dtype: ComputeDtype;
  device: string;
  layout: Layout;
  /** A system message for rows that have none. */
  system?: string | undefined;
  tokenBudget: number;
}

/** Fields of a row that become its sequences. */
const SPENT = new Set([
  ...['messages', 'prompt', 'completion', 'chosen', 'rejected', 'sequences'],
  ...['weight', 'scalars', 'label', 'tools', 'chat_template_kwargs'],
]);

/**
 * Writes the rows of a file, in their order, as sequences of token ids with a column more. The numbers are kept in the cache: the same
 * command goes on where it was stopped, and another model, template or row makes others.
 * @returns the number of rows
 * @throws UserError for rows and models that cannot be used
 */
export async function addColumn(
  options: ColumnOptions,
  out: { write: (row: object) => void },
  progress: Progress,
  signal?: AbortSignal,
): Promise<number> {
  setThreads();
  openDevice(options.device);
  const context = options.context === undefined ? undefined : new ContextPrompt(options.context);
  const path = await resolveModel(options.model, progress);
  const own = options.tokenizer === undefined ? path : await resolveModel(options.tokenizer, progress);
  const tokenizer = ChatTokenizer.load(own);
  const { data } = options;
  if (statSync(data, { throwIfNoEntry: false })?.isFile() === false)
    throw new UserError(`${data} is no file: columns are written into rows that can be read twice`);
  const before = fingerprintPath(data);
  const open = (rows: string) => openRows(rows, tokenizer, options, progress, signal);
  const write = async (from: Examples, file: ScoresFile) => {
    const rows = await writeRows(from, file, options, out);
    if (rows !== from.length || fingerprintPath(data) !== before) throw changed(data);
    return rows;
  };
  using examples = await open(data);
  if (!context) {
    using file = await scores(examples, { path, own }, options, progress, signal);
    return await write(examples, file);
  }
  const derived = join(cacheFolder('tokens'), `${randomUUID()}.jsonl`);
  try {
    await writeInContext(derived, examples, context, { tokenizer, data });
    using asked = await open(derived);
    using file = await scores(asked, { path, own }, options, progress, signal);
    return await write(examples, file);
  } catch (error) {
    // Nobody knows the file that is made of the rows.
    if (error instanceof UserError)
      error.message = error.message.replaceAll(derived, `${data} in its context`);
    throw error;
  } finally {
    rmSync(derived, { force: true });
  }
}

async function openRows(
  data: string,
  tokenizer: ChatTokenizer,
  { layout, system }: ColumnOptions,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Examples> {
  const { file, tooLong } = await openTokens(data, tokenizer, {
    ...{ layout, data: 'groups', ...(system !== undefined && { system }) },
    onRows: (done, total) => {
      signal?.throwIfAborted();
      progress.update(done, total, 'tokenising');
    },
    onNotice: (sentence) => {
      progress.log(sentence);
    },
  });
  const examples = new Examples(file);
  if (!tooLong[0]) return examples;
  examples[Symbol.dispose]();
  throw rowError(data, tooLong[0].line, new TextTooLong(tooLong[0].characters).message);
}

async function scores(
  examples: Examples,
  { path, own }: { path: string; own: string },
  options: ColumnOptions,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<ScoresFile> {
  const { dtype, device, read, contrastWith, strength, k, tokenBudget, as: name } = options;
  const onNotice = (sentence: string) => {
    progress.log(sentence);
  };
  const packs = scoringPacks(
    Array.from(examples.parts(), ({ length }) => length),
    tokenBudget,
  );
  using model = loadModel(path, { dtype, device, onNotice }).model;
  requireModelFor(examples, packs[0]!, { model, path, policy: own });
  const follows = {
    model: modelDigest(model),
    kind: read,
    build: buildOf(device),
    dtype,
    device,
    tokenBudget,
  };
  const computation = (compute: Computation['compute'], more: object = {}): Computation => ({
    name: `column ${name}`,
    numbers: `the numbers of column ${name}`,
    follows: { ...follows, ...more },
    countOf: ({ responseLength }) => responseLength * widthOf(options),
    compute: (rows) => compute(rows).map(requireFinite),
    bound: device === 'cpu' ? 0 : roundingOf(dtype).logps,
  });
  const hooks = {
    beforePack: async () => {
      await setImmediate(); // lets signals through and the progress bar draw
      signal?.throwIfAborted();
    },
    onProgress: (done: number, total: number) => {
      progress.update(done, total, 'responses');
    },
    onNotice,
  };
  if (read === 'top-k') {
    const { vocabSize } = model.config;
    if (k > vocabSize) throw new UserError(`k: ${k} is more than the ${vocabSize} tokens of ${path}`);
    return await keepScores(
      examples,
      packs,
      computation((rows) => likeliest(rows, model, k), { k }),
      hooks,
    );
  }
  if (read !== 'contrast') {
    using scorer = new Scorer(model);
    return await keepScores(examples, packs, computation(computeWith(scorer, read)), hooks);
  }
  const otherPath = await resolveModel(contrastWith!, progress);
  using other = loadModel(otherPath, { dtype, device, onNotice }).model;
  requireModelFor(examples, packs[0]!, { model: other, path: otherPath, policy: own });
  requireSameVocabulary(model, other, [path, otherPath]);
  const contrast = computation((rows) => contrastOf(rows, [model, other], strength), {
    with: modelDigest(other),
    strength,
  });
  return await keepScores(examples, packs, contrast, hooks);
}

/** How many numbers a token has. */
const widthOf = ({ read, k }: Pick<ColumnOptions, 'read' | 'k'>): number => (read === 'top-k' ? 2 * k : 1);

const computeWith = (scorer: Scorer, read: 'logps' | 'entropy'): Computation['compute'] =>
  read === 'logps'
    ? (rows) => scorer.score(rows)
    : (rows) => scorer.scoreWithEntropy(rows).map(({ entropies }) => entropies);

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

const changed = (data: string): UserError =>
  new UserError(`${data} changed while it was read: run the same command again.`);

/** Writes rows whose responses are the same tokens under other prompts. */
async function writeInContext(
  path: string,
  examples: Examples,
  context: ContextPrompt,
  { data, tokenizer }: Pick<ColumnOptions, 'data'> & { tokenizer: ChatTokenizer },
): Promise<void> {
  using file = new JsonLinesFile(path);
  let place = 0;
  for await (const { record, fields } of streamTrainingRecords(data, new HalfPairs())) {
    if (place === examples.length) throw changed(data);
    const { line, parts } = examples.at(place++);
    const texts = parts.map((part) => responseText(part.row, tokenizer));
    const rights = parts.flatMap((part, i) => (isRight(part) ? [i] : []));
    const sequences = sidesOf(record, 'groups').map(({ role, prompt }, i) => {
      const { ids, responseStart } = parts[i]!.row;
      const right = rights.find((other) => other !== i) ?? rights[0];
      const asked = {
        prompt,
        role,
        fields,
        response: texts[i]!,
        ...(right !== undefined && { right: texts[right]! }),
      };
      const fail = (problem: string) => rowError(data, line, problem);
      return {
        ...{ role, prompt: context.write(asked, fail) },
        response: [{ ids: [...ids.subarray(responseStart)] }],
      };
    });
    const { tools, chat_template_kwargs: inputs } = fields;
    file.write({
      sequences,
      ...(tools != null && { tools }),
      ...(inputs != null && { chat_template_kwargs: inputs }),
    });
  }
  file.commit();
}

const responseText = ({ ids, responseStart }: TokenRow, tokenizer: ChatTokenizer): string =>
  tokenizer.decode(ids.subarray(responseStart), { contentOnly: true }).trim();

/** As `redistill rewards` has it: by `correct`, else by a reward above 0, else by its role. */
function isRight({ role, row }: ExamplePart): boolean {
  const { correct, reward } = scalarsOf(role, row) ?? {};
  const verdict = correct ?? reward;
  return verdict === undefined ? role === 'demonstration' : verdict > 0;
}

async function writeRows(
  examples: Examples,
  file: ScoresFile,
  { data, as: name, read, k }: ColumnOptions,
  out: { write: (row: object) => void },
): Promise<number> {
  let [place, part] = [0, 0];
  for await (const { fields } of streamTrainingRecords(data, new HalfPairs())) {
    if (place === examples.length) throw changed(data);
    const { parts } = examples.at(place++);
    const others = Object.entries(fields).filter(([field]) => !SPENT.has(field));
    const sequences = parts.map(({ role, row }) => ({
      role,
      ...sequenceOf(row),
      columns: {
        ...columnsOf(row),
        [name]: read === 'top-k' ? listsOf(file.read(part++), k) : [...file.read(part++)],
      },
    }));
    out.write({ ...Object.fromEntries(others), sequences });
  }
  return place;
}

/** For each token k ids and k log-probs. */
function listsOf(numbers: Float64Array, k: number): object {
  const tokens = Array.from({ length: numbers.length / (2 * k) }, (_, t) => 2 * k * t);
  return {
    ids: tokens.map((at) => [...numbers.subarray(at, at + k)]),
    logps: tokens.map((at) => [...numbers.subarray(at + k, at + 2 * k)]),
  };
}

/** The columns that a row has. */
function columnsOf({ columns = {}, topK = {}, segments }: TokenRow): Record<string, object> {
  const numbers = Object.entries(columns).map(([name, values]) => [name, [...values]] as const);
  const ids = Object.entries(topK).map(([name, column]) => [name, givenTopK(column, segments)] as const);
  return Object.fromEntries([...numbers, ...ids]);
}

/** Token ids as the data format has them: as lists, or where they are only named, as the segment that they begin. */
function givenTopK({ starts, ids, logps }: TopK, segments: Uint8Array | undefined): object {
  const lists = (values: ArrayLike<number>) =>
    Array.from(starts.subarray(1), (end, t) => Array.from(values).slice(starts[t], end));
  if (logps) return { ids: lists(ids), logps: lists(logps) };
  const at = starts.findIndex((end) => end > 0) - 1;
  return { segment: segments?.[at] ?? 0, tokens: [...ids] };
}

/** A row of tokens as a sequence of the data format. */
function sequenceOf({ ids, responseStart, weights, segments, scoreOnly, scalars }: TokenRow): object {
  const response: object[] = [];
  for (let from = responseStart, end = from; from < ids.length; from = end) {
    const segment = segments?.[from - responseStart];
    while (end < ids.length && segments?.[end - responseStart] === segment) end++;
    const own = weights?.subarray(from - responseStart, end - responseStart);
    response.push({
      ids: [...ids.subarray(from, end)],
      ...(own && { weights: [...own] }),
      ...(segment && { segment }),
    });
  }
  return {
    prompt: { ids: [...ids.subarray(0, responseStart)] },
    response,
    ...(scoreOnly && { score_only: [...scoreOnly] }),
    ...(scalars && { scalars }),
  };
}
