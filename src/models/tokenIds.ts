/** @file Checks that token ids are the model's. Has no tensors. */
import { UserError } from '../util/errors.js';

/**
 * Refuses ids whose embeddings would be read from outside the table.
 * @param where the beginning of the sentence, such as "rows.jsonl, line 3"
 * @throws UserError
 */
export function requireEmbeddings(ids: Int32Array, vocabSize: number, where: string): void {
  requireEmbedding(
    ids.reduce((a, b) => Math.max(a, b), 0),
    vocabSize,
    where,
  );
}

/** Does `requireEmbeddings` for the largest of some ids. */
export function requireEmbedding(largest: number, vocabSize: number, where: string): void {
  if (largest < vocabSize) return;
  throw new UserError(
    `${where} has the token id ${largest}, but the model has ${vocabSize} embeddings: its tokenizer is another model's`,
  );
}
