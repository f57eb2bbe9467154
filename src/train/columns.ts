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
import type { Endpoint } from '../teacher/endpoint.js';
import { singleToken } from '../text/columns.js';
import { sidesOf } from '../text/sides.js';
import { ChatTokenizer, TextTooLong } from '../text/tokenizer.js';
import type { Layout, TokenRow } from '../text/tokenRows.js';
import { openDevice, setThreads } from '../torch/runtime.js';
import type { ComputeDtype } from '../util/computeDtype.js';
import { UserError } from '../util/errors.js';
import { fingerprintPath } from '../util/fingerprint.js';
import type { Progress } from '../util/progress.js';
import { cacheFolder } from './cacheFiles.js';
import { columnKinds, type ColumnKind } from './columnKinds.js';
import { columnFormat, writeRows } from './columnRows.js';
import { scoresHere, type Keep } from './columnScores.js';
import { scoresElsewhere, singlePacks } from './endpointScores.js';
import { Examples, type ExamplePart } from './examples.js';
import { scalarsOf } from './rowChecks.js';
import { keepScores, scoringPacks } from './keptScores.js';
import type { ScoresFile } from './scoresFile.js';
import { openTokens } from './tokenCache.js';

export interface ColumnOptions {
  /** What computes: a model directory, an adapter, a .gguf file, or a name that `models get` has fetched; nothing of it is read where an endpoint computes. */
  model: string;
  /** An endpoint that computes instead, `logps` or `top-k` alone. */
  endpoint?: Endpoint | undefined;
  /** The model whose tokenizer and template make the tokens. Default: `model`. */
  tokenizer?: string | undefined;
  data: string;
  /** The column's name. */
  as: string;
  read: ColumnKind;
  /** Of `named`, texts of single tokens. */
  named?: readonly string[];
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

/** What was found where options name it. */
interface Found {
  /** Directories of the model that computes here, and of the other one of a contrast. */
  path: string;
  otherPath: string | undefined;
  /** The directory of the tokenizer. */
  policy: string;
  tokenizer: ChatTokenizer;
  /** Ids of the tokens that are named. */
  named: readonly number[];
}

/**
 * Writes the rows of a file, in their order, as sequences of token ids with a column more. The numbers are kept in the cache: the same
 * command goes on where it was stopped, and another model, template or row makes others.
 * @returns the number of rows
 * @throws UserError for rows and models that cannot be used; EndpointError where an endpoint fails
 */
export async function addColumn(
  options: ColumnOptions,
  out: { write: (row: object) => void },
  progress: Progress,
  signal?: AbortSignal,
): Promise<number> {
  const { data, as: name, read, k } = options;
  const context = options.context === undefined ? undefined : new ContextPrompt(options.context);
  const found = await find(options, progress);
  const { tokenizer, named } = found;
  if (statSync(data, { throwIfNoEntry: false })?.isFile() === false)
    throw new UserError(`${data} is no file: columns are written into rows that can be read twice`);
  const before = fingerprintPath(data);
  const format = columnFormat(read, k, named);
  const open = (rows: string) => openRows(rows, tokenizer, options, progress, signal);
  const write = async (from: Examples, file: ScoresFile) => {
    const columnOf = (part: number) => format.columnOf(file.read(part));
    const rows = await writeRows(data, from, name, columnOf, out);
    if (rows !== from.length || fingerprintPath(data) !== before) throw changed(data);
    return rows;
  };
  using examples = await open(data);
  const lineOf = (part: number) => examples.lineOf(part);
  const work = { found, width: format.width, lineOf };
  if (!context) {
    using file = await scores(examples, work, options, progress, signal);
    return await write(examples, file);
  }
  const derived = join(cacheFolder('tokens'), `${randomUUID()}.jsonl`);
  try {
    await writeInContext(derived, examples, context, { tokenizer, data });
    using asked = await open(derived);
    using file = await scores(asked, work, options, progress, signal);
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

/** Looks for what options name, before anything that takes long. */
async function find(options: ColumnOptions, progress: Progress): Promise<Found> {
  const { endpoint, model, contrastWith, device } = options;
  if (!endpoint) {
    setThreads();
    openDevice(device);
  }
  const path = endpoint ? model : await resolveModel(model, progress);
  const otherPath = contrastWith === undefined ? undefined : await resolveModel(contrastWith, progress);
  const policy = options.tokenizer === undefined ? path : await resolveModel(options.tokenizer, progress);
  const tokenizer = ChatTokenizer.load(policy);
  const named = options.read === 'named' ? await namedIds(options.named ?? [], tokenizer) : [];
  return { path, otherPath, policy, tokenizer, named };
}

/** @throws UserError for a text that is not one token, and a token that is named twice */
async function namedIds(texts: readonly string[], tokenizer: ChatTokenizer): Promise<number[]> {
  const ids: number[] = [];
  for (const text of texts) {
    const kinds = `it is one of ${columnKinds.join(', ')}, or single tokens of ${tokenizer.dir} with commas between them`;
    const id = await singleToken(
      tokenizer,
      text,
      (count) => new UserError(`"read": ${JSON.stringify(text)} is ${count} tokens; ${kinds}.`),
    );
    if (ids.includes(id)) throw new UserError(`"read" names the token ${JSON.stringify(text)} twice.`);
    ids.push(id);
  }
  return ids;
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
  { found, width, lineOf }: { found: Found; width: number; lineOf: (part: number) => number },
  options: ColumnOptions,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<ScoresFile> {
  const { endpoint, data, read, strength, k, dtype, device, tokenBudget, as: name } = options;
  const onNotice = (sentence: string) => {
    progress.log(sentence);
  };
  const lengths = Array.from(examples.parts(), ({ length }) => length);
  const packs = endpoint ? singlePacks(scoringPacks(lengths, Infinity)) : scoringPacks(lengths, tokenBudget);
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
  const keep: Keep = (given) => {
    const countOf = ({ responseLength }: ExamplePart) => responseLength * width;
    const names = { name: `column ${name}`, numbers: `the numbers of column ${name}` };
    return keepScores(examples, packs, { ...names, countOf, ...given }, hooks);
  };
  if (!endpoint)
    return scoresHere(
      examples,
      packs,
      { ...found, read, strength, k, dtype, device, tokenBudget, onNotice },
      keep,
    );
  if (read !== 'logps' && read !== 'top-k') throw new UserError(`an endpoint gives no column of ${read}`);
  const { tokenizer } = found;
  return scoresElsewhere({ endpoint, read, k, tokenizer, data, lineOf }, keep, signal);
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
