import type { Objective, Role } from '../objectives/objective.js';
import { readTrainingRecords } from '../data/records.js';
import { readConfig } from '../models/checkpoint.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import type { TokenRow } from '../text/rows.js';
import { UserError } from '../util/errors.js';
import type { TrainRecipe } from './recipe.js';

/** One row of the data file: a demonstration alone, or a chosen and a rejected trace. */
export interface Example {
  line: number;
  parts: { role: Role; row: TokenRow; referenceLogps?: Float64Array }[];
}

export interface PreparedData {
  examples: Example[];
  /** Rows left out because a sequence is longer than `max_length`. */
  dropped: { line: number; tokens: number }[];
  /** Tokens of one pass over the examples, prompts included. */
  tokens: number;
}

/**
 * Reads and tokenises the recipe's data for an objective.
 * @throws UserError for bad rows, for rows that the objective cannot use, and when nothing is left
 */
export function prepareExamples(recipe: TrainRecipe, objective: Objective): PreparedData {
  const tokenizer = ChatTokenizer.load(recipe.model);
  const { maxPositions, vocabSize } = readConfig(recipe.model);
  const limit = recipe.max_length ?? maxPositions;
  if (limit > maxPositions) {
    throw new UserError(`max_length ${limit} is more than the ${maxPositions} positions of ${recipe.model}`);
  }
  const data: PreparedData = { examples: [], dropped: [], tokens: 0 };
  for (const record of readTrainingRecords(recipe.data)) {
    const parts = rowsOf(record, tokenizer, recipe, objective);
    const longest = Math.max(...parts.map(({ row }) => row.ids.length));
    const largest = Math.max(...parts.map(({ row }) => row.ids.reduce((a, b) => Math.max(a, b), 0)));
    if (largest >= vocabSize) {
      throw new UserError(`${recipe.model}: the tokenizer gives id ${largest}, but the model has ${vocabSize} embeddings`);
    }
    if (longest > limit) {
      data.dropped.push({ line: record.line, tokens: longest });
      continue;
    }
    data.examples.push({ line: record.line, parts });
    for (const { row } of parts) data.tokens += row.ids.length;
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
