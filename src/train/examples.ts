/** @file Turns a training file into tokenised examples, and leaves out rows that are too long. Knows no tensors. */

import { readTrainingRecords, type TrainingRecord } from '../data/records.js';
import { errorInRow } from '../data/errorInRow.js';
import { rowError } from '../data/jsonl.js';
import { readConfig } from '../models/directory.js';
import { requireEmbeddings } from '../models/tokenIds.js';
import { checkRows, type Objective, type Role } from '../objectives/objective.js';
import type { TokenRow } from '../text/tokenRows.js';
import { sidesOf, tokenSide, type SideOptions } from '../text/sides.js';
import { ChatTokenizer, TextTooLong } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import type { TrainRecipe } from './settings.js';

/** A response of a row of the data file. */
export interface ExamplePart {
  role: Role;
  row: TokenRow;
  referenceLogps?: Float64Array;
}

/** One row of the data file: a demonstration alone, or a chosen and a rejected response. */
export interface Example {
  line: number;
  parts: ExamplePart[];
}

/** A row that is too long, and by how much: its tokens, or its characters where it has too many to be tokenised. */
export type DroppedRow = { line: number; tokens: number } | { line: number; characters: number };

export interface PreparedData {
  examples: Example[];
  /** Rows left out because a sequence is longer than `max_length`. */
  dropped: DroppedRow[];
  /** Tokens of one pass over the examples, prompts included. */
  tokens: number;
}

export interface TokenizeOptions extends SideOptions {
  /** What the objective learns from. Default: `pairs`, which takes both sides of a pair. */
  data?: Objective['data'];
  /** Told of the rows that are tokenised so far. When it throws, that is the end. */
  onRows?: ((done: number, total: number) => void) | undefined;
}

/** Rows that are tokenised at a time, so that the tokenizer's threads have work. */
const BATCH = 256;

/** Tokenises every row of a file, in file order. @throws UserError naming file and line */
export async function tokenizeFile(
  path: string,
  records: readonly TrainingRecord[],
  tokenizer: ChatTokenizer,
  options: TokenizeOptions,
): Promise<Example[]> {
  const refuse = ({ line }: TrainingRecord, error: TextTooLong): never => {
    throw rowError(path, line, error.message);
  };
  return tokenizeRows(path, records, tokenizer, options, refuse);
}

/** @param onTooLong takes the rows with a text that is too long to be tokenised, which are left out */
async function tokenizeRows(
  path: string,
  records: readonly TrainingRecord[],
  tokenizer: ChatTokenizer,
  options: TokenizeOptions,
  onTooLong: (record: TrainingRecord, error: TextTooLong) => void,
): Promise<Example[]> {
  const tokenized = async (record: TrainingRecord): Promise<Example[]> => {
    try {
      return [await tokenize(path, record, tokenizer, options)];
    } catch (error) {
      if (!(error instanceof TextTooLong)) throw errorInRow(path, record.line, error);
      onTooLong(record, error);
      return [];
    }
  };
  const { onRows } = options;
  const examples: Example[] = [];
  for (let start = 0; start < records.length; start += BATCH) {
    if (start > 0) onRows?.(start, records.length);
    examples.push(...(await Promise.all(records.slice(start, start + BATCH).map(tokenized))).flat());
  }
  return examples;
}

async function tokenize(
  path: string,
  record: TrainingRecord,
  tokenizer: ChatTokenizer,
  { data = 'pairs', ...options }: TokenizeOptions,
): Promise<Example> {
  const { line } = record;
  const where = (message: string) => rowError(path, line, message);
  const parts = sidesOf(record, data).map(async (side) => ({
    role: side.role,
    row: await tokenSide(tokenizer, record, side, options, where),
  }));
  return { line, parts: await Promise.all(parts) };
}

/**
 * Reads and tokenises the recipe's data for an objective. Supervised fine-tuning takes the chosen sides of pairs.
 * @param onRows as in `TokenizeOptions`
 * @param onNotice as in `readTrainingRecords`
 * @throws UserError for bad rows, for rows that the objective cannot use, and if nothing is left
 */
export async function prepareExamples(
  recipe: TrainRecipe,
  objective: Objective,
  onRows?: TokenizeOptions['onRows'],
  onNotice?: (sentence: string) => void,
): Promise<PreparedData> {
  const { model, data: path, layout, system } = recipe;
  const tokenizer = ChatTokenizer.load(model);
  const { maxPositions, vocabSize } = readConfig(model, recipe.model_overrides);
  const limit = recipe.max_length ?? maxPositions;
  if (limit > maxPositions) {
    throw new UserError(`max_length ${limit} is more than the ${maxPositions} positions of ${model}`);
  }
  const records = await readTrainingRecords(path, onNotice);
  checkRows(objective, records, path);
  const options = { layout, system, data: objective.data, onRows };
  const data: PreparedData = { examples: [], dropped: [], tokens: 0 };
  const all = await tokenizeRows(path, records, tokenizer, options, ({ line }, { characters }) => {
    data.dropped.push({ line, characters });
  });
  for (const example of all) {
    const longest = Math.max(...example.parts.map(({ row }) => row.ids.length));
    if (longest > limit) {
      data.dropped.push({ line: example.line, tokens: longest });
      continue;
    }
    for (const { row } of example.parts) {
      requireEmbeddings(row.ids, vocabSize, `${path}, line ${example.line}`);
      data.tokens += row.ids.length;
    }
    data.examples.push(example);
  }
  data.dropped.sort((a, b) => a.line - b.line);
  if (data.examples.length === 0) {
    throw new UserError(
      data.dropped.length > 0
        ? `${path}: all ${data.dropped.length} rows are longer than max_length ${limit}`
        : `${path} has no rows`,
    );
  }
  return data;
}
