import { readTrainingRecords, type TrainingRecord } from '../data/records.js';
import { rowError } from '../data/jsonl.js';
import { readConfig } from '../models/directory.js';
import { checkRows, type Objective, type Role } from '../objectives/objective.js';
import { tokenRow, type RowOptions, type TokenRow } from '../text/rows.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import type { TrainRecipe } from './settings.js';

/** A response of a row of the data file. */
export interface ExamplePart {
  role: Role;
  row: TokenRow;
  referenceLogps?: Float64Array;
}

/** One row of the data file: a demonstration alone, or a chosen and a rejected trace. */
export interface Example {
  line: number;
  parts: ExamplePart[];
}

export interface PreparedData {
  examples: Example[];
  /** Rows left out because a sequence is longer than `max_length`. */
  dropped: { line: number; tokens: number }[];
  /** Tokens of one pass over the examples, prompts included. */
  tokens: number;
}

/** Rows that are tokenised at a time, so that the tokenizer's threads have work. */
const BATCH = 256;

/** Every row of a file as tokens, in file order. @throws UserError naming file and line */
export async function tokenizeFile(
  path: string,
  records: readonly TrainingRecord[],
  tokenizer: ChatTokenizer,
  options: RowOptions,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (let start = 0; start < records.length; start += BATCH) {
    const batch = records
      .slice(start, start + BATCH)
      .map((record) => tokenize(path, record, tokenizer, options));
    examples.push(...(await Promise.all(batch)));
  }
  return examples;
}

async function tokenize(
  path: string,
  record: TrainingRecord,
  tokenizer: ChatTokenizer,
  options: RowOptions,
): Promise<Example> {
  const { line, prompt } = record;
  const where = (problem: string) => rowError(path, line, problem);
  if (record.kind === 'messages') {
    const row = await tokenRow(tokenizer, prompt, record.response, { ...options, sft: true }, where);
    return { line, parts: [{ role: 'demonstration', row }] };
  }
  const [chosen, rejected] = await Promise.all([
    tokenRow(tokenizer, prompt, record.chosen, options, where),
    tokenRow(tokenizer, prompt, record.rejected, options, where),
  ]);
  const parts: ExamplePart[] = [
    { role: 'chosen', row: chosen },
    { role: 'rejected', row: rejected },
  ];
  return { line, parts };
}

/**
 * Reads and tokenises the recipe's data for an objective. Supervised fine-tuning takes the chosen sides of pairs.
 * @throws UserError for bad rows, for rows that the objective cannot use, and when nothing is left
 */
export async function prepareExamples(recipe: TrainRecipe, objective: Objective): Promise<PreparedData> {
  const tokenizer = ChatTokenizer.load(recipe.model);
  const { maxPositions, vocabSize } = readConfig(recipe.model);
  const limit = recipe.max_length ?? maxPositions;
  if (limit > maxPositions) {
    throw new UserError(`max_length ${limit} is more than the ${maxPositions} positions of ${recipe.model}`);
  }
  const records = readTrainingRecords(recipe.data);
  checkRows(objective, records, recipe.data);
  const sft = objective.data === 'messages';
  const { layout, system } = recipe;
  const all = await tokenizeFile(recipe.data, records, tokenizer, {
    layout,
    sft,
    ...(system !== undefined && { system }),
  });

  const data: PreparedData = { examples: [], dropped: [], tokens: 0 };
  for (const { line, parts } of all) {
    const kept = sft ? parts.slice(0, 1) : parts;
    const longest = Math.max(...kept.map(({ row }) => row.ids.length));
    if (longest > limit) {
      data.dropped.push({ line, tokens: longest });
      continue;
    }
    for (const { row } of kept) {
      checkIds(row, vocabSize, recipe.model);
      data.tokens += row.ids.length;
    }
    data.examples.push({ line, parts: kept });
  }
  if (data.examples.length === 0) {
    throw new UserError(
      data.dropped.length > 0
        ? `${recipe.data}: all ${data.dropped.length} rows are longer than max_length ${limit}`
        : `${recipe.data} has no rows`,
    );
  }
  return data;
}

/** A tokenizer that does not belong to the model would read outside the embedding. */
export function checkIds({ ids }: TokenRow, vocabSize: number, model: string): void {
  const largest = ids.reduce((a, b) => Math.max(a, b), 0);
  if (largest >= vocabSize) {
    throw new UserError(
      `${model}: the tokenizer gives id ${largest}, but the model has ${vocabSize} embeddings`,
    );
  }
}
