/** @file Checks that a model can score rows that another one's tokenizer has made. */
import type { Transformer } from '../models/transformer.js';
import { requireEmbedding } from '../models/tokenIds.js';
import { ChatTokenizer } from '../text/tokenizer.js';
import { UserError } from '../util/errors.js';
import type { Examples } from './examples.js';

/** A model, where it is, and the model whose tokenizer has made the rows. */
export interface Fitting {
  model: Transformer;
  path: string;
  policy: string;
}

/**
 * @param sample numbers of the parts whose tokens are looked at
 * @param name what the model is called in front of its path
 * @throws UserError where the rows are not those of the model's tokenizer, or too long for it
 */
export function requireModelFor(
  examples: Examples,
  sample: readonly number[],
  { model: { config }, path, policy }: Fitting,
  name = '',
): void {
  let longest = { length: 0, line: 0 };
  for (const { line, parts } of examples)
    for (const { length, largestId } of parts) {
      if (length > longest.length) longest = { length, line };
      requireEmbedding(largestId, config.vocabSize, `${name}${path}: line ${line} of the data`);
    }
  if (longest.length > config.maxPositions)
    throw new UserError(
      `${name}${path} has ${config.maxPositions} positions, and a row has ${longest.length} tokens (line ${longest.line}): ` +
        (name === '' ? 'shorten or remove the row' : 'lower max_length'),
    );
  if (path === policy) return;
  const [own, its] = [ChatTokenizer.load(policy), ChatTokenizer.load(path)];
  for (const id of new Set(sample.flatMap((part) => [...examples.partAt(part).row.ids]))) {
    const [here, there] = [own.decode([id]), its.decode([id])];
    if (here !== there)
      throw new UserError(
        `${name}${path} has another tokenizer than ${policy}: token ${id} is ${JSON.stringify(there)} there and ${JSON.stringify(here)} here`,
      );
  }
}
