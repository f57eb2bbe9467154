/**
 * @file Tokenises a data file once: its tokens are kept in the cache, by what they follow from, and later runs read them
 * there. Rows are read, tokenised and let go a batch at a time.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { countRows } from '../data/countRows.js';
import { errorInRow } from '../data/errorInRow.js';
import { describeHalfPairs, HalfPairs } from '../data/halfPairs.js';
import { rowError } from '../data/jsonl.js';
import { streamTrainingRecords, type SourceRecord, type TrainingRecord } from '../data/records.js';
import type { Objective } from '../objectives/objective.js';
import { sidesOf, tokenSide, type SideOptions } from '../text/sides.js';
import { DamagedTokens, TokenFile, TokenFileWriter, type TokenisedRow } from '../text/tokenFile.js';
import { TextTooLong, type ChatTokenizer } from '../text/tokenizer.js';
import { tokenizerDigest } from '../text/tokenizerDigest.js';
import { batches } from '../util/batches.js';
import { UserError } from '../util/errors.js';
import { writeJson } from '../util/exactJson.js';
import { fingerprintPath, fingerprintValue } from '../util/fingerprint.js';
import { packageVersion } from '../util/version.js';
import { cacheFolder, markUsed, trimCache } from './cacheFiles.js';

export interface TokenizeOptions extends SideOptions {
  /** What the objective learns from. Default: `pairs`, which takes both sides of a pair. */
  data?: Objective['data'];
  /** Told of the rows that are tokenised so far. When it throws, that is the end. */
  onRows?: ((done: number, total: number) => void) | undefined;
  onNotice?: ((sentence: string) => void) | undefined;
  /** Sees each row before it is tokenised. When it throws, that is the end. */
  onRecord?: (record: TrainingRecord) => void;
}

/** Changes where the same row becomes other tokens, or the file another one. */
const FORMAT = 5;
/** Rows that are tokenised at a time, so that the tokenizer's threads have work. */
const BATCH = 256;

const notes = z.object({
  halfPairs: z.object({ rows: z.number(), line: z.number(), field: z.string() }).optional(),
  tooLong: z.array(z.object({ line: z.number(), characters: z.number() })),
});
type Notes = z.output<typeof notes>;

/** The tokens of a data file, and its rows with a text that is too long to be tokenised. */
export interface Tokens extends Pick<Notes, 'tooLong'> {
  file: TokenFile;
}

/**
 * Opens the tokens of a data file, from the cache where they are there. What is read from a pipe is not kept.
 * @throws UserError naming file and line; what `onRows` and `onRecord` throw
 */
export async function openTokens(
  path: string,
  tokenizer: ChatTokenizer,
  options: TokenizeOptions,
): Promise<Tokens> {
  const place = tokensPath(path, tokenizer, options);
  const target = place ?? join(cacheFolder('tokens'), `${randomUUID()}.tokens`);
  for (let other = underWay.get(target); other; other = underWay.get(target))
    await other.catch(() => undefined);
  markUsed(target);
  const file = openWhole(target, options) ?? (await made(target, path, tokenizer, options));
  if (place === undefined) rmSync(target); // what is open stays readable
  const { halfPairs, tooLong } = notes.parse(file.notes);
  if (halfPairs) options.onNotice?.(describeHalfPairs(path, halfPairs));
  return { file, tooLong };
}

/** Files that this process makes: their temporary files have its number in their names. */
const underWay = new Map<string, Promise<void>>();

async function made(
  target: string,
  ...rest: [path: string, tokenizer: ChatTokenizer, options: TokenizeOptions]
): Promise<TokenFile> {
  const work = make(target, ...rest);
  underWay.set(target, work);
  try {
    await work;
  } finally {
    underWay.delete(target);
  }
  return new TokenFile(target);
}

/** The place in the cache for the tokens of a data file; undefined for what can be read only once. */
export function tokensPath(
  path: string,
  tokenizer: ChatTokenizer,
  options: TokenizeOptions,
): string | undefined {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const { layout, system = null, data = 'pairs' } = options;
  const content = fingerprintPath(path);
  const key = {
    FORMAT,
    version: packageVersion(),
    content,
    tokenizer: tokenizerDigest(tokenizer),
    layout,
    system,
    data,
  };
  return join(cacheFolder('tokens'), `${fingerprintValue(key).slice(0, 32)}.tokens`);
}

function openWhole(path: string, { onNotice }: TokenizeOptions): TokenFile | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return new TokenFile(path);
  } catch (error) {
    if (!(error instanceof DamagedTokens)) throw error;
    onNotice?.(`the tokens in ${path} are damaged: they are made anew`);
    return undefined;
  }
}

async function make(
  target: string,
  path: string,
  tokenizer: ChatTokenizer,
  options: TokenizeOptions,
): Promise<void> {
  const before = tokensPath(path, tokenizer, options);
  using writer = new TokenFileWriter(target);
  const halfPairs = new HalfPairs();
  const tooLong: Notes['tooLong'] = [];
  let done = 0;
  let total: number | undefined;
  for await (const batch of batches(streamTrainingRecords(path, halfPairs), BATCH)) {
    for (const { record } of batch) options.onRecord?.(record);
    if (done > 0) options.onRows?.(done, (total ??= await countRows([path])));
    const rows = await Promise.all(batch.map((row) => tokenised(path, row, tokenizer, options)));
    const whole: TokenisedRow[] = [];
    for (const row of rows) {
      if ('characters' in row) tooLong.push(row);
      else whole.push(row);
    }
    writer.write(whole);
    done += batch.length;
  }
  if (before !== tokensPath(path, tokenizer, options))
    throw new UserError(`${path} changed while it was read: run the same command again.`);
  writer.commit({ halfPairs: halfPairs.found, tooLong } satisfies Notes);
  trimCache();
}

/** A row as tokens, or the one of its texts that is too long. */
async function tokenised(
  path: string,
  { record, fields }: SourceRecord,
  tokenizer: ChatTokenizer,
  { data = 'pairs', ...options }: TokenizeOptions,
): Promise<TokenisedRow | Notes['tooLong'][number]> {
  const { line } = record;
  const where = (message: string) => rowError(path, line, message);
  try {
    const sequences = sidesOf(record, data).map(async (side) => ({
      role: side.role,
      row: await tokenSide(tokenizer, side, options, where),
    }));
    return { line, digest: digestOf(fields), sequences: await Promise.all(sequences) };
  } catch (error) {
    if (error instanceof TextTooLong) return { line, characters: error.characters };
    throw errorInRow(path, line, error);
  }
}

const digestOf = (fields: Record<string, unknown>): string =>
  createHash('sha256').update(writeJson(fields)).digest('hex').slice(0, 13);
