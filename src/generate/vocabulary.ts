/** @file Whether two models write the same text with the same tokens, so that one can go on with what the other has drawn. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../util/errors.js';

/** BPE and WordPiece map a token to its number, Unigram lists tokens with their scores. */
const tokenizerFile = z.object({
  model: z.object({
    vocab: z.union([z.record(z.string(), z.number()), z.array(z.tuple([z.string(), z.number()]))]),
  }),
});

/**
 * Compares the tokens of two model directories, but for those that were added: models of one family have marks of their own.
 * @throws UserError naming the first token that differs
 */
export function requireOneVocabulary(dir: string, other: string): void {
  const [tokens, others] = [tokensOf(dir), tokensOf(other)];
  for (const [id, token] of others) {
    const own = tokens.get(id);
    if (own !== undefined && own !== token)
      throw new UserError(
        `the token ${id} is ${JSON.stringify(own)} in ${dir} and ${JSON.stringify(token)} in ${other}: only models of one vocabulary decode a response together.`,
      );
  }
}

/** The tokens of a model by their numbers; none where its tokenizer cannot be read in this way, which its loading says. */
function tokensOf(dir: string): Map<number, string> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8'));
  } catch {
    return new Map();
  }
  const { data } = tokenizerFile.safeParse(json);
  const vocab = data?.model.vocab ?? [];
  return Array.isArray(vocab)
    ? new Map(vocab.map(([token], id) => [id, token]))
    : new Map(Object.entries(vocab).map(([token, id]) => [id, token]));
}
